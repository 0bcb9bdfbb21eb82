"""The hand-written pages: their links lead somewhere, and what they say of the code is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_backend_audit import cli, options, standard
from pytest_backend_audit.targets.classify import COULD_NOT_RUN_SQLSTATES

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]

OTHERS = {"audit_paths", "audit_timeout", "audit_config", "audit_suites", "audit_monitor"}
"""Ini values, a folder, and a role: names of ours that are no fixtures."""


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file of the repository: whoever reads in a clone has no page made at build time."""
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" in target:
            continue
        path = (page.parent / target).resolve()
        assert path.exists(), target
        assert path.parent != ROOT / "docs" / "reference", target


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_commands_options_and_scripts_exist(page: Path) -> None:
    """What a page tells the reader to type is there to be typed."""
    text = page.read_text("utf-8")
    for name in re.findall(r"`?backend-audit ([a-z]+)\b", text):
        assert name in cli.COMMANDS, name
    source = (ROOT / "src/pytest_backend_audit/options.py").read_text("utf-8")
    for name in re.findall(r"(?<![\w/])--audit-[a-z-]+[a-z]", text):
        assert f'"{name}"' in source, name
    for name in re.findall(r"\bscripts/([a-z]+)\b", text):
        assert (ROOT / "scripts" / name).is_file(), name
    for name in re.findall(r"\baudit_[a-z_]+\b", text):
        assert name in options.FIXTURES or name in OTHERS, name


def test_the_readme_counts_the_rows() -> None:
    """How much of the standard has a check is said as it is."""
    loaded = standard.load("default")
    pending = len(loaded.pending)
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    assert f"The standard's {len(loaded.rows)} rows are all in the data; {len(loaded.rows) - pending} of them" in text
    assert f"{pending} are pending" in text


def test_the_readme_names_the_levels_and_the_gates_in_reach() -> None:
    """As the standard has them: with rows pending a dimension rises to L2, and the others to L3, or L5 once signed."""
    loaded = standard.load("default")
    text = (ROOT / "README.md").read_text("utf-8")
    for level in loaded.levels:
        assert f"| L{level.number} | {level.name} |" in text
    unfinished = {name.partition("/")[0] for name in loaded.pending}
    finished = [d.id for d in loaded.dimensions if d.id not in unfinished]
    assert finished == ["4.1", "4.2", "4.3"]
    most = 2 * len(unfinished) + (loaded.reviewer_from - 1) * len(finished)
    signed = 2 * len(unfinished) + 5 * len(finished)
    said = f"dimensions at or below L2, and the total at or below {most} until a second reviewer has signed the run"
    assert f"{said}, {signed} afterwards" in " ".join(text.split())
    reached, later = (
        next(d for d in loaded.dispositions if (d.floor or 0) <= total and (d.minimum or 1) <= 2)
        for total in (most, signed)
    )
    assert f"--audit-gate={reached.id} " in text
    page = " ".join((ROOT / "docs/how-to-ci.md").read_text("utf-8").split())
    assert f"the total at or below {most}, so that `{reached.id}` is the highest gate that a run can pass" in page
    assert f"once it is signed, at or below {signed}, and `{later.id}` is the highest for `backend-audit gate`" in page


def test_the_picture_is_small() -> None:
    """A picture in the README is loaded by everybody who looks at it."""
    data = (ROOT / "docs/images/scorecard.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    assert len(data) < 300_000


def test_files_that_pages_show_are_shown_as_they_are() -> None:
    """In full, as pages are read where no tool puts them together: by their name in the line above the block."""
    pattern = r"<!-- (\S+\.\w+)(?:, from line (\d+))? -->\n```\w+\n(.*?)```\n"
    found = [m for page in PAGES for m in re.findall(pattern, page.read_text("utf-8"), re.DOTALL)]
    assert len(found) == 4
    for name, first, shown in found:
        lines = (ROOT / name).read_text("utf-8").splitlines(keepends=True)
        assert shown == "".join(lines[int(first or 1) - 1 :]).strip("\n") + "\n", name
    assert [page.name for page in PAGES if "literalinclude" in page.read_text("utf-8")] == []


def test_examples_in_pages_are_python() -> None:
    """Every block that calls itself Python compiles."""
    blocks = [
        (f"{page.name}[{number}]", block)
        for page in PAGES
        for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
    ]
    assert blocks
    for name, block in blocks:
        compile(block, name, "exec")


def test_the_sqlstates_are_those_that_count() -> None:
    """Of errors that mean that nothing could be seen."""
    text = (ROOT / "docs" / "outcomes-and-evidence.md").read_text("utf-8")
    assert set(re.findall(r"\b[0-9][0-9A-Z]{4}\b", text)) == set(COULD_NOT_RUN_SQLSTATES)
