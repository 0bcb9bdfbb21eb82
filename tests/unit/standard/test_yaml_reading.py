"""Reading YAML that people wrote: values, lines, source texts, and everything that is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pytest_backend_audit import yamlnodes
from pytest_backend_audit.yamlnodes import YamlError, allowed, dotted, nearest, parse, read


def problems(text: str | bytes) -> list[str]:
    """What the reader says, one text a problem."""
    with pytest.raises(YamlError) as caught:
        parse(text, "a.yaml")
    assert str(caught.value) == "\n".join(str(p) for p in caught.value.problems)
    return [str(p) for p in caught.value.problems]


def test_values_lines_and_source_texts() -> None:
    """Every value has the line of its key or item, and every scalar what was written."""
    document = parse('a: 1\nb:\n  - x\n  - {y: 0.10,\n     z: "5"}\n4.6: 4\n', "a.yaml")
    assert document.data == {"a": 1, "b": ["x", {"y": 0.1, "z": "5"}], "4.6": 4}
    assert document.lines == {
        (): 1,
        ("a",): 1,
        ("b",): 2,
        ("b", 0): 3,
        ("b", 1): 4,
        ("b", 1, "y"): 4,
        ("b", 1, "z"): 5,
        ("4.6",): 6,
    }
    assert document.scalars == {
        ("a",): "1",
        ("b", 0): "x",
        ("b", 1, "y"): "0.10",
        ("b", 1, "z"): "5",
        ("4.6",): "4",
    }


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("2026-11-24", "2026-11-24"),
        ("2026-11-24T08:00:00Z", "2026-11-24T08:00:00Z"),
        ("1:30", "1:30"),
        ("no", "no"),
        ("on", "on"),
        ("false", False),
        ("TRUE", True),
        ("012", 12),
        ("-7", -7),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("9" * 5000, "9" * 5000),
        ("~", None),
        ("null", None),
        ("", None),
        ("'null'", "null"),
        ("'1'", "1"),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_plain_scalars_mean_what_they_say(source: str, value: object) -> None:
    """Dates, clock times, yes and no stay texts; numbers are decimal and finite."""
    read_as = parse(f"a: {source}\n", "a.yaml").data["a"]
    assert read_as == value
    assert type(read_as) is type(value)


def test_an_empty_file_is_none() -> None:
    """And messages about it can still name a line."""
    document = parse("# nothing yet\n", "a.yaml")
    assert document.data is None
    assert str(document.problem((), "is empty")) == "a.yaml:1: is empty"


def test_a_byte_order_mark_is_no_content() -> None:
    """Editors on Windows write one."""
    assert parse(b"\xef\xbb\xbfa: 1\n", "a.yaml").data == {"a": 1}


def test_a_missing_key_takes_the_line_of_what_is_around_it() -> None:
    """So that "is missing" points somewhere."""
    document = parse("a:\n  b: 1\n", "a.yaml")
    assert str(document.problem(("a", "c"), "is missing")) == "a.yaml:1: a.c: is missing"


def test_duplicate_keys_are_all_named() -> None:
    """With the line of the first; what stands below the second is read for its own mistakes."""
    assert problems("a: 1\nb: {c: 1, c: [1, 2]}\na:\n  d: 1\n  d: 2\n") == [
        "a.yaml:2: b.c: duplicate key, first on line 2; keep one of the two",
        "a.yaml:3: a: duplicate key, first on line 1; keep one of the two",
        "a.yaml:5: a.d: duplicate key, first on line 4; keep one of the two",
    ]


def test_keys_that_are_the_same_text_are_duplicates() -> None:
    """Quotes make no other key."""
    assert problems("4.6: 1\n'4.6': 2\n") == ["a.yaml:2: 4.6: duplicate key, first on line 1; keep one of the two"]


def test_an_alias_bomb_is_refused_by_its_first_alias() -> None:
    """Nothing is expanded, so nine lines don't become a billion values."""
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 3)]
    assert problems("\n".join(lines)) == [
        'a.yaml:1: a0: anchor "&a0" is not allowed; write each value out',
        'a.yaml:2: a1: anchor "&a1" is not allowed; write each value out',
        'a.yaml:2: a1[0]: alias "*a0" is not allowed; write the value out',
        'a.yaml:2: a1[1]: alias "*a0" is not allowed; write the value out',
        'a.yaml:3: a2: anchor "&a2" is not allowed; write each value out',
        'a.yaml:3: a2[0]: alias "*a1" is not allowed; write the value out',
        'a.yaml:3: a2[1]: alias "*a1" is not allowed; write the value out',
    ]


def test_merge_keys_need_aliases_and_so_are_refused() -> None:
    """The alias is what is named."""
    assert problems("a: {b: 1}\nc:\n  <<: *a\n") == ['a.yaml:3: c.<<: alias "*a" is not allowed; write the value out']


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("a: !!python/object/apply:os.system [ls]\n", "!!python/object/apply:os.system"),
        ("a: !!timestamp 2026-11-24\n", "!!timestamp"),
        ("a: !secret x\n", "!secret"),
    ],
)
def test_tags_are_refused(text: str, tag: str) -> None:
    """Nothing is ever built from a tag."""
    assert problems(text) == [f'a.yaml:1: a: tag "{tag}" is not allowed; write the value without it']


@pytest.mark.parametrize("text", ["[" * 500, "- " * 500 + "x", "{a: " * 500], ids=["flow", "block", "mappings"])
def test_deep_nesting_is_refused(text: str) -> None:
    """Before it could exhaust a stack."""
    assert problems(text) == ["a.yaml:1: nested more than 40 deep"]


def test_nesting_up_to_the_limit_is_read() -> None:
    """Forty levels, and not one more."""
    assert parse("[" * 40 + "]" * 40, "a.yaml").data is not None
    assert problems("[" * 41 + "]" * 41) == ["a.yaml:1: nested more than 40 deep"]


def test_too_many_values_are_refused() -> None:
    """By the line on which the limit is passed: the list counts too."""
    text = "- x\n" * 20_000
    assert problems(text) == ["a.yaml:20000: more than 20,000 keys and values, the most that is read"]
    assert len(parse(text.removesuffix("- x\n"), "a.yaml").data) == 19_999


def test_a_large_file_is_refused_unparsed() -> None:
    """A mebibyte is the limit, in bytes."""
    assert problems("# é\n" * (1 << 18)) == ["a.yaml: larger than 1,048,576 bytes, the most that is read"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a: \xff", "a.yaml:1: byte 0xff is not UTF-8; save the file as UTF-8"),
        ("a: 1\nb: x".encode("utf-16"), "a.yaml:1: byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"a: 1\nb: caf\xe9\n", "a.yaml:2: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("a: 1\nb: \x00\n", "a.yaml:2: character U+0000 is not allowed in YAML"),
        ("a: \x1b[31m\n", "a.yaml:1: character U+001B is not allowed in YAML"),
        ("a: \ud800\n", "a.yaml:1: byte 0xed is not UTF-8; save the file as UTF-8"),
        ("a:\n\tb: 1\n", "a.yaml:2: a tab where YAML wants spaces; indent with spaces"),
        ("a: 1\n\tb: 2\n", "a.yaml:2: a tab where YAML wants spaces; indent with spaces"),
        ("a: [1\nb: 2\n", "a.yaml:2: not YAML: expected ',' or ']', but got ':'"),
        ("a: b: c\n", "a.yaml:1: not YAML: mapping values are not allowed here"),
        ("a: 'x\n", "a.yaml:2: not YAML: found unexpected end of stream"),
        ("a: @x\n", "a.yaml:1: not YAML: found character '@' that cannot start any token"),
        ("--- 1\n--- 2\n", "a.yaml:2: a second document starts here; one file holds one document"),
        ("{[1]: 2}\n", "a.yaml:1: a list or mapping can't be a key; keys are texts"),
    ],
)
def test_what_is_not_yaml_gets_one_message(text: str | bytes, message: str) -> None:
    """With the line to look at."""
    assert problems(text) == [message]


@pytest.mark.parametrize("loader", [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)])
def test_both_of_pyyamls_parsers_read_alike(loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without libyaml gives the same values, lines and messages."""
    monkeypatch.setattr(yamlnodes, "_FAST", loader)
    document = parse("a: |\n  x\n  y\nb: [1, 'z', {c: }]\n", "a.yaml")
    assert document.data == {"a": "x\ny\n", "b": [1, "z", {"c": None}]}
    assert document.lines[("b", 2, "c")] == 4
    assert problems("a: &x 1\nb: *x\nc: !t 1\n") == [
        'a.yaml:1: a: anchor "&x" is not allowed; write each value out',
        'a.yaml:2: b: alias "*x" is not allowed; write the value out',
        'a.yaml:3: c: tag "!t" is not allowed; write the value without it',
    ]


def test_files_are_read_by_name(tmp_path: Path) -> None:
    """Messages use the name that the caller gives, else the path."""
    file = tmp_path / "a.yaml"
    file.write_text("a: [\n")
    with pytest.raises(YamlError, match=r"^conf: a\.yaml:2: not YAML"):
        read(file, "conf: a.yaml")
    file.write_text("a: 1\n")
    assert read(file).data == {"a": 1}


@pytest.mark.parametrize(("name", "reason"), [("b.yaml", "there is no such file"), (".", "is a folder, not a file")])
def test_files_that_are_not_there(name: str, reason: str, tmp_path: Path) -> None:
    """A missing file and a folder are told apart."""
    with pytest.raises(YamlError) as caught:
        read(tmp_path / name, "x")
    assert str(caught.value) == f"x: {reason}"


def test_a_file_that_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's reason stands in the message."""
    file = tmp_path / "a.yaml"
    file.write_text("a: 1\n")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(YamlError) as caught:
        read(file, "x")
    assert str(caught.value) == "x: can't be read: Permission denied"


def test_names_near_a_mistake() -> None:
    """The nearest known name, else all of them where they are few."""
    assert nearest("repositry", ["repository", "service"]) == '; did you mean "repository"?'
    assert nearest("zzz", ["repository"]) == ""
    assert allowed("zzz", ["a", "b"]) == "; allowed are a, b"
    assert dotted(("endpoints", 0, "path")) == "endpoints[0].path"
    assert dotted(("a\x1b[2J\u202e", "b")) == "a\\u001b[2J\\u202e.b"
    assert dotted(("x" * 100,)) == "x" * 79 + "…"
