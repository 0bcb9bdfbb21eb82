"""Secrets under escapes of any depth, parts of secrets beside a cut, control characters, whole values."""

import json
from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_backend_audit.redaction import MARK, Redactor
from pytest_backend_audit.redaction.values import redact_value
from pytest_backend_audit.redaction.visible import visible

SECRET = 'kräftig/2 "battery" \\& staple\n€😀'


@given(st.lists(st.sampled_from([json.dumps, repr, ascii, lambda t: json.dumps(t, ensure_ascii=False)]), max_size=5))
def test_escapes_may_be_nested_as_deep_as_they_like(layers):
    """A JSON text in a repr in a JSON text: the number of backslashes is left open."""
    text = f"before {SECRET} after"
    for layer in layers:
        text = layer(text)
    shown = Redactor([SECRET])(text)
    assert MARK in shown
    assert "kr" not in shown
    assert "staple" not in shown


@given(
    secret=st.text(min_size=8, max_size=30).map(str.strip).filter(lambda text: len(text) >= 8),
    layers=st.integers(0, 3),
)
@example(secret="000000\r|", layers=0)
def test_any_secret_is_found_under_json(secret, layers):
    """Whatever it is made of; blanks around it, of which a control character may be one, are no part of it."""
    text = secret
    for _ in range(layers):
        text = json.dumps(text)[1:-1]
    assert Redactor([secret])(f"<{text}>") == f"<{MARK}>"


@pytest.mark.parametrize("written", [r"00000\\0", "00000%5C%5C0", "00000%5c%5C0", r"00000\u005c\u005C0"])
def test_two_backslashes_in_a_row_are_found_however_they_are_written(written):
    """As they are, escaped, percent-encoded, or as codes."""
    assert Redactor([r"00000\\0"])(f"<{written}>") == f"<{MARK}>"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("x correct-hor...", f"x {MARK}..."),
        ("...horse-battery y", f"...{MARK} y"),
        ("corr...tery", f"{MARK}...{MARK}"),
        ("cor...ery", "cor...ery"),
        ("correct answer...", "correct answer..."),
        ("correct-horse-battery...", f"{MARK}..."),
        ("corr...corr...", f"{MARK}...{MARK}..."),
    ],
)
def test_a_cut_leaves_no_half_of_a_secret(text, shown):
    """Four characters or more of its beginning before a cut, or of its end behind one."""
    redact = Redactor(["correct-horse-battery"])
    assert redact(text) == shown
    assert redact(shown) == shown


@pytest.mark.parametrize("unit", ["aaaa...", "\\", "&amp;", "%61", "\\u00fc", "...aaaa"])
def test_hostile_repetitions_end(unit):
    """Megabytes of what looks like the beginning of a secret cost time in proportion: this would run for hours else."""
    redact = Redactor(["a" * 28, 'ü"\\&' * 4])
    assert len(redact(unit * (2_000_000 // len(unit)))) > 0


def test_a_name_that_looks_like_a_secrets_keeps_what_follows():
    """Criteria's items can be pasted; other keys of that kind are hidden as ever; `==` and `::` assign nothing."""
    redact = Redactor(keys=["token-lifetime", "foreign-key-indexes"])
    text = "token-lifetime:src/app.py:12, client-token: abc, my-token-lifetime: 3 s"
    assert redact(text) == f"token-lifetime:src/app.py:12, client-token: {MARK}, my-token-lifetime: {MARK} s"
    assert redact("TestTokens::test_it, token == other") == "TestTokens::test_it, token == other"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\r\nnext", "plain\ttext\r\nnext"),
        ("\x1b[31mred\x1b[0m \x1b[39;49;00m", "\x1b[31mred\x1b[0m \x1b[39;49;00m"),
        ("\x1b[2J\x1b[8mhidden\x1b]0;title\x07", "\\x1b[2J\\x1b[8mhidden\\x1b]0;title\\x07"),
        ("a\rb\x00\x9b1m\u202edrow\ufeff", "a\\rb\\x00\\x9b1m\\u202edrow\\ufeff".replace("\\r", "\\x0d")),
    ],
)
def test_control_characters_are_shown_as_they_are_written(text, shown):
    """Colours, tabs and line ends stay; cursor movements, titles, hidden text and directions do nothing."""
    assert visible(text) == shown


@dataclass(frozen=True, slots=True)
class Thing:
    """A value of the journal."""

    name: str
    parts: tuple[str, ...] = ()
    count: int = 1


def test_whole_values():
    """Texts at any depth; what stands under a secret's key, unless it names a variable; nothing else."""
    redact = Redactor(["correct-horse"])
    clean = Thing("x", ("y",))
    assert redact_value(clean, redact) is clean
    assert redact_value(Thing("x correct-horse", ("correct-horse",), 2), redact) == Thing(f"x {MARK}", (MARK,), 2)
    raw = {
        "token": "short",
        "header": {"X-Api-Key": "k"},
        "password": "${PASSWORD}",
        "list": ["correct-horse", 1, None],
    }
    assert redact_value(raw, redact) == {
        "token": MARK,
        "header": {"X-Api-Key": MARK},
        "password": "${PASSWORD}",
        "list": [MARK, 1, None],
    }
