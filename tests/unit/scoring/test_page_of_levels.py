"""docs/how-a-level-is-computed.md against the scoring itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from unit.scoring.scoring_cases import (
    DISPOSITIONS,
    VERBAL,
    attempt,
    broken,
    failed,
    one_dimension,
    passed,
    skipped,
)

from pytest_backend_audit.limits import limit_of
from pytest_backend_audit.model import Outcome
from pytest_backend_audit.standard import load

PAGE = (Path(__file__).parents[3] / "docs" / "how-a-level-is-computed.md").read_text(encoding="utf-8")

MADE = {
    "passed": passed,
    "weak": lambda id_: passed(id_, VERBAL),
    "unsupported": attempt,
    "failed": failed,
    "could not run": skipped,
    "broken": broken,
}


def table(first_header: str) -> list[list[str]]:
    """Cells of the page's table whose first header is this one."""
    lines = PAGE.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first_header} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


WORKED = table("checks")


def test_the_page_holds_every_worked_case():
    """The page lists all sixteen worked cases of the design."""
    assert len(WORKED) == 16


@pytest.mark.parametrize(("checks", "level"), [(r[0], int(r[1])) for r in WORKED], ids=[r[0] for r in WORKED])
def test_a_line_of_the_page_is_what_scoring_says(checks, level):
    """Each worked case of the page has the level that the page gives."""
    tried = []
    fields = {}
    for part in checks.split("; "):
        if seeking := re.fullmatch(r"seeking L(\d)", part):
            fields = {"policy": {"sought": {"4.1": int(seeking[1])}}}
            continue
        number, outcome = re.fullmatch(r"L(\d) (.+)", part).groups()
        tried.append((int(number), MADE[outcome](f"check-{len(tried)}")))
    assert one_dimension(*tried, **fields).dimensions[0].would_be == level


def test_the_page_lists_the_outcomes_with_their_limits():
    """The table of outcomes names each outcome, and the limits at L5 and L2 that its words describe."""
    words = {row[0]: row[2] for row in table("outcome")}
    assert {name: limit_of(Outcome(name.replace(" ", "-")), 5) for name in words} == {
        "passed": 5,
        "weak": 2,
        "unsupported": 1,
        "failed": 4,
        "could not run": 2,
        "broken": 2,
    }
    assert [words[n] for n in ("passed", "weak", "unsupported", "could not run")] == ["none (5)", "2", "1", "2"]
    assert words["failed"] == "one below its own level, at least 1"


def test_the_page_has_the_matrix():
    """The page's matrix is that of the default standard, and the one that the scoring tests use."""
    rows = [(name, int(floor or 0), int(low.removeprefix("L") or 0)) for name, floor, low in table("disposition")]
    for matrix in (load().dispositions, DISPOSITIONS):
        assert rows == [(d.name, d.floor or 0, d.minimum or 0) for d in matrix]
