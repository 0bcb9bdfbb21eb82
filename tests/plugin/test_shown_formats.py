"""What the page on formats shows is what an audit of its own checks gives, and its tables are the code's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plugin.conftest import Project
from pytest_backend_audit.reports import FORMATS, ocsf, oscal, sarif
from pytest_backend_audit.reports.items import State

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")


@dataclass(frozen=True)
class Block:
    """A block of code, and the format that the heading before it names."""

    language: str
    text: str
    format: str


def blocks() -> list[Block]:
    """The page's blocks in their order."""
    pieces = re.split(r"^```(\w+)\n(.*?)^```\n", PAGE, flags=re.MULTILINE | re.DOTALL)
    found, heading = [], ""
    for before, language, text in zip(pieces[0::3], pieces[1::3], pieces[2::3], strict=False):
        named = re.findall(r"^## .*?`([\w-]+)`", before, re.MULTILINE)
        heading = named[-1] if named else heading
        found.append(Block(language, text, heading))
    return found


def blanked(text: str) -> str:
    """Without what differs from run to run."""
    for pattern, name in (
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uuid>"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<instant>"),
        (r"\b[0-9a-f]{7,64}\b", "<hex>"),
        (r"\d{4}-\d\d-\d\d", "<date>"),
    ):
        text = re.sub(pattern, name, text)
    return text


def holds(shown: Any, actual: Any) -> bool:
    """Whether everything that is shown is there, in the same order; what the page leaves out may be there too."""
    if isinstance(shown, dict):
        return isinstance(actual, dict) and all(k in actual and holds(v, actual[k]) for k, v in shown.items())
    if isinstance(shown, list):
        left = iter(actual if isinstance(actual, list) else [])
        return all(any(holds(item, other) for other in left) for item in shown)
    if isinstance(shown, str):
        return isinstance(actual, str) and blanked(shown) == blanked(actual)
    return bool(shown == actual) or (isinstance(shown, int) and shown > 10**12 and isinstance(actual, int))


@pytest.fixture
def given(project: Project) -> dict[str, str]:
    """Each format's file, from an audit with the checks and the audit.yaml of the page."""
    checks, config = (next(b.text for b in blocks() if b.language == language) for language in ("python", "yaml"))
    for folder in ("audits", "docs"):
        (project.path / folder).mkdir()
    (project.path / "audits" / "test_orders.py").write_text(checks, "utf-8")
    (project.path / "docs" / "dr-drill.md").write_text("We restored the backup.\n", "utf-8")
    project.config(config)
    project.commit()
    project.run("--audit-sha=HEAD", "audits")
    program = str(Path(sys.executable).with_name("backend-audit"))
    found = {}
    for name in FORMATS:
        done = subprocess.run(
            [program, "report", "audit-report", "--format", name],
            cwd=project.path,
            check=True,
            capture_output=True,
            text=True,
        )
        found[name] = done.stdout
    return found


def test_every_excerpt_is_of_a_real_run(given: dict[str, str]) -> None:
    """Each value that is shown; of Markdown each line."""
    shown = [b for b in blocks() if b.language in {"json", "markdown"}]
    assert [b.format for b in shown] == [
        *("sarif", "sarif-failures", "ocsf", "oscal", "in-toto", "github-summary", "pr-comment"),
    ]
    for block in shown:
        text = given[block.format]
        if block.language == "markdown":
            there = iter(blanked(text).splitlines())
            assert [line for line in blanked(block.text).splitlines() if line not in there] == [], block.format
        elif block.format == "ocsf":
            events = [json.loads(line) for line in text.splitlines()]
            assert any(holds(json.loads(block.text), event) for event in events), text
        else:
            assert holds(json.loads(block.text), json.loads(text)), text


def test_the_table_of_states_is_the_codes() -> None:
    """Row by row: kinds of SARIF, statuses of OCSF and OSCAL, states of the predicate."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.splitlines()
        if line.startswith("|") and line.count("|") == 7
    ]
    told = {row[5].strip("`"): row for row in rows[2:]}
    assert set(told) == {state.value for state in State}
    for state in State:
        row = told[state.value]
        assert row[1] == f"`{sarif.KINDS[state]}`"
        assert row[3] == str(ocsf.STATUSES[state])
        assert row[4] == ("excluded" if state not in oscal.STATUSES else ", ".join(oscal.STATUSES[state]))


def test_every_format_is_on_the_page() -> None:
    """By its name, with what it is."""
    assert all(f"| `{name}` |" in PAGE for name in FORMATS)


def test_a_value_that_is_not_there_is_found() -> None:
    """The comparison of this file can fail."""
    assert holds({"a": [{"b": 1}]}, {"a": [{"c": 2}, {"b": 1, "d": 3}], "e": 4})
    assert not holds({"a": [{"b": 2}]}, {"a": [{"b": 1}]})
    assert not holds({"a": ["x", "y"]}, {"a": ["y", "x"]})
    assert not holds({"a": "x"}, {"b": "x"})
    assert holds("at 2026-01-01 of 1a2b3c4", "at 2026-11-29 of 96eed6d")
    assert not holds("could not run", "passed")
