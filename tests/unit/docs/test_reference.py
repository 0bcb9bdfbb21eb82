"""The reference is made from the code, and leaves nothing out."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import inspect
import json
import re
from importlib.resources import files
from pathlib import Path
from types import ModuleType

import pytest

import pytest_backend_audit
from pytest_backend_audit import bundled, cli, hookspecs, marker, model, options, standard, testing
from pytest_backend_audit.config.model import AuditFile
from pytest_backend_audit.reports import FORMATS

DOCS = Path(__file__).parents[3] / "docs"


def test_every_page_is_in_the_table_of_contents(pages: dict[str, str]) -> None:
    """No page is made that nobody finds, and none is promised that is not made."""
    listed = set(re.findall(r"^reference/(\S+)$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE))
    listed |= set(re.findall(r"^(criteria/\S+)$", pages["criteria"], re.MULTILINE))
    assert listed == set(pages)


def test_every_option_and_ini_value_is_there(extension: ModuleType, pages: dict[str, str]) -> None:
    """With its help text, as pytest itself prints it."""
    parser = pytest.Parser(_ispytest=True)
    options.add_options(parser)
    rows = {
        name: next(line for line in pages["options"].splitlines() if line.startswith((f"| `{name}=", f"| `{name}`")))
        for group in parser._groups
        for option in group.options
        for name in option.names()
    }
    assert len(rows) == 12
    for group in parser._groups:
        for option in group.options:
            assert str(option.attrs()["help"]).replace("|", "\\|") in rows[option.names()[0]]
    for name in parser._inidict:
        assert f"| `{name}` | {parser._inidict[name][0]} |" in pages["options"]


def test_the_marker_is_there_with_its_grammar(pages: dict[str, str]) -> None:
    """Each keyword, in the signature and in the description."""
    signature, _, rest = pages["marker"].partition("```\n")
    assert "@pytest.mark.audit(*, dimension, level, criterion=None, needs=())" in rest
    assert all(name in signature and f"``{name}``".replace("``", "`") in rest for name in marker.KEYWORDS)


def test_every_fixture_is_there_with_a_text(pages: dict[str, str]) -> None:
    """All that the package registers, each with its docstring."""
    fixtures = importlib.import_module("pytest_backend_audit.fixtures").Fixtures
    registered = {
        name
        for name, value in vars(fixtures).items()
        if name.startswith("audit_") and hasattr(value, "_fixture_function")
    }
    assert set(re.findall(r"^## (\S+)$", pages["fixtures"], re.MULTILINE)) == registered
    for name in registered:
        text = pages["fixtures"].partition(f"## {name}\n\n")[2].partition("\n## ")[0]
        assert len(text.split()) >= 4, name
        assert text.strip().endswith((".", "`")), name


def test_every_hook_is_there_with_an_example_that_compiles(pages: dict[str, str]) -> None:
    """Its exact signature, and an implementation with the same arguments."""
    hooks = {n: f for n, f in vars(hookspecs).items() if n.startswith("pytest_audit_")}
    assert re.findall(r"^## (\S+)$", pages["hooks"], re.MULTILINE) == list(hooks)
    for name, function in hooks.items():
        part = pages["hooks"].partition(f"## {name}\n")[2].partition("\n## ")[0]
        shown, example = (p.partition("\n```")[0] for p in part.split("```python\n")[1:])
        assert shown == f"def {name}{inspect.signature(function)}".replace("'", "")
        made: dict[str, object] = {}
        exec(compile(example, name, "exec"), made)
        assert set(inspect.signature(made[name]).parameters) <= set(inspect.signature(function).parameters)  # type: ignore[arg-type]


def test_every_command_is_there_with_all_its_options(pages: dict[str, str]) -> None:
    """The help that it prints, those of its actions included, in 80 columns."""
    seen = []
    for name in cli.COMMANDS:
        part = pages["commands"].partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        parsers = [cli.build_parser(name)._subparsers._group_actions[0].choices[name]]  # type: ignore[union-attr]
        for parser in parsers:
            for action in parser._actions:
                if isinstance(action, argparse._SubParsersAction):
                    parsers.extend(action.choices.values())
                seen += action.option_strings
                assert all(option in part for option in action.option_strings), (name, action.option_strings)
            assert f"usage: {parser.prog} " in part
    assert {"--ci", "--min", "--no-worse", "--defects", "--format"} <= set(seen)
    assert max(map(len, pages["commands"].splitlines())) <= 80


def test_every_key_of_audit_yaml_is_there(extension: ModuleType, pages: dict[str, str]) -> None:
    """Each once, in a group, and each says what it means."""
    keys = [key for key, *_ in extension.files.every_key()]
    assert {key.partition(".")[0].removesuffix("[]") for key in keys} == {
        field.alias or name for name, field in AuditFile.model_fields.items()
    }
    assert sorted(re.findall(r"^`(\S+)`$", pages["audit-yaml"], re.MULTILINE)) == sorted(keys)
    assert [key for key, _, _, text in extension.files.every_key() if not text] == []


def test_every_key_of_scorecard_json_is_there(pages: dict[str, str]) -> None:
    """Those of the top, and each kind of item."""
    schema = json.loads(files("pytest_backend_audit").joinpath("reports/scorecard.schema.json").read_text("utf-8"))
    for name in schema["properties"]:
        assert f"| `{name}` |" in pages["scorecard-json"]
    for name, node in schema["$defs"].items():
        part = pages["scorecard-json"].partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        assert all(f"| `{key}` |" in part for key in node["properties"]), name


def test_every_report_file_is_there(pages: dict[str, str]) -> None:
    """Each format that writes one."""
    for format_ in FORMATS.values():
        assert format_.filename is None or f"| `{format_.filename}` | {format_.help} |" in pages["report-folder"]


def test_every_row_and_setting_of_the_standard_is_there(pages: dict[str, str]) -> None:
    """Those without a check are marked."""
    loaded = standard.load("default")
    assert pages["standard"].count("| to come |") == len(loaded.pending)
    assert pages["standard"].count("[bundled](") == len(loaded.rows) - len(loaded.pending)
    for row in loaded.rows:
        assert f"| L{row.level} | {row.criterion} |" in pages["standard"]
    assert re.findall(r"^`(\S+)`$", pages["settings"], re.MULTILINE) == sorted(loaded.settings())


def test_every_bundled_criterion_has_its_page(pages: dict[str, str]) -> None:
    """With all that a finding shows, and what turns it red."""
    loaded = standard.load("default")
    there = {
        path.stem.replace("_", "-"): [r for r in loaded.rows if r.criterion == path.stem.replace("_", "-")]
        for dimension in loaded.dimensions
        for path in bundled.suite_files(bundled.suites_root() / dimension.folder)
    }
    assert {n.removeprefix("criteria/") for n in pages if n.startswith("criteria/")} == set(there)
    for name, rows in there.items():
        text = pages[f"criteria/{name}"]
        assert "not stated" not in text, name
        assert all(f"| L{row.level} | {row.clause}" in text for row in rows)
        assert all(f"- {defect.text}\n" in text for row in rows for defect in row.defects)
        assert any(row.defects for row in rows), name


def test_init_is_shown_as_it_writes(pages: dict[str, str]) -> None:
    """Both workflows and the rights are on the page."""
    for part in (
        "name: backend audit\n",
        "backend-audit:\n  image: ",
        "CREATE ROLE backend_audit",
        "user backend-audit on",
    ):
        assert part in pages["init"]


def test_every_python_name_is_there_with_what_it_holds(pages: dict[str, str]) -> None:
    """The public ones, those for tests of checks, and all types that the hooks' signatures name."""
    page = pages["python"]
    for name in (*pytest_backend_audit.__all__, *testing.__all__):
        assert f"### {name}\n" in page or name == "audit"
    for hook in vars(hookspecs).values():
        for name in re.findall(r"\b(Card|Check|Evidence|Finding)\b", str(getattr(hook, "__annotations__", ""))):
            part = page.partition(f"### {name}\n")[2].partition("\n### ")[0]
            fields = [f.name for f in dataclasses.fields(getattr(model, name))]
            assert re.findall(r"^- `(\w+): ", part, re.MULTILINE) == fields
