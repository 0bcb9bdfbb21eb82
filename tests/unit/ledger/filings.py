"""Cards of two checks, filed alone or merged, for the tests of what a filing comes to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from unit.ledger.ledgers import at
from unit.scoring.scoring_cases import SEALED, attempt, check, failed, inputs, passed, row, standard

from pytest_backend_audit.ledger import State, Status
from pytest_backend_audit.ledger.closing import StaysOpenError, shown
from pytest_backend_audit.ledger.events import Event
from pytest_backend_audit.ledger.filing import Filing, Ran, Who, filing
from pytest_backend_audit.model import (
    Attempt,
    Card,
    CriterionResult,
    Document,
    Seal,
)
from pytest_backend_audit.scoring import score, score_merged

A, B = "audits/test_a.py::test_a", "audits/test_a.py::test_b"

HEADS = ("ab" * 32,)

DOCUMENT = Document(
    service="orders",
    environment="prod",
    environment_kind="prod",
    commit="1a2b3c4d",
    lead_auditor="Ada",
    second_reviewer="Grace",
    prior_audit="none",
    distribution="owner",
    runbook="docs/runbook.md",
)


def card(
    a: Attempt | None = None, b: Attempt | None = None, *, seal: Seal | None = SEALED, rows: bool = False, **fields: Any
) -> Card:
    """Two checks of 4.1, at L2 and L3; both failed unless said otherwise, every dimension but that seeks L1."""
    tried = [x for x in (a or failed(A), b or failed(B)) if x.reason != "absent"]
    planned = {A: check(A, 2), B: check(B, 3)}
    sought = {f"4.{n}": 1 for n in range(2, 9)}
    given: dict[str, Any] = {
        "loaded": True,
        "document": DOCUMENT,
        "policy": {"owners": {f"4.{n}": "Kim" for n in range(1, 9)}, "sought": {**sought, **fields.pop("sought", {})}},
        "rules": standard(row("4.1", "rowed", 3)) if rows else standard(),
    }
    return score(inputs([planned[t.check] for t in tried], **{**given, **fields}), tried, seal)


ABSENT = attempt(A, reason="absent")


def add(made: Card, state: State | None = None, *, name: str = "2026-08-31", minute: int = 0) -> Filing:
    """File a run of that minute."""
    made = replace(made, inputs=replace(made.inputs, instant=at(minute)))
    return filing(made, state or State(), name=name, heads=HEADS, who=Who(at(minute), "Kim"))


def kinds(events: Iterable[Event]) -> list[tuple[str, str]]:
    """Type and number of each."""
    return [(e.type, getattr(e, "number", "")) for e in events]


def check_finding(done: Filing, check_id: str = B) -> str:
    """The number of a check's finding."""
    return next(f.id for f in done.card.findings if f.check == check_id)


def stands(state: State, number: str) -> Status:
    """How a finding stands."""
    return state.find(number).status


def stays(made: Card, state: State, number: str) -> str:
    """Why a run does not close a finding."""
    with pytest.raises(StaysOpenError) as caught:
        shown(made, state.find(number), state)
    return str(caught.value)


BOTH = replace(DOCUMENT, environment="prod, stage")


def everywhere(made: Card) -> Card:
    """The same, with each check's evidence from both environments."""

    def ran_in_both(criterion: CriterionResult) -> CriterionResult:
        return replace(criterion, checks=tuple(replace(r, environments=("prod", "stage")) for r in criterion.checks))

    return replace(
        made, dimensions=tuple(replace(d, criteria=tuple(map(ran_in_both, d.criteria))) for d in made.dimensions)
    )


def merged(made: Card, state: State, *ran: Ran, name: str = "2026-10-31") -> Filing:
    """File a merge, of which the latest run gives the instant; each check ran in both environments."""
    made = everywhere(replace(made, inputs=replace(made.inputs, instant=max(r.instant for r in ran), document=BOTH)))
    return filing(made, state, name=name, heads=("cd" * 32, "ef" * 32), who=Who(at(59), "Kim"), runs=ran)


def ran(environment: str, minute: int, *checks: str) -> Ran:
    """A run of that minute, of both checks unless told otherwise."""
    return Ran(environment, at(minute), frozenset(checks or (A, B)))


STAGE = replace(DOCUMENT, environment="stage", environment_kind="stage")


def merged_of(tried: dict[str, list[Attempt]]) -> Card:
    """The card of a run in each environment; the first check passed in both."""
    planned, runs = [check(A, 2), check(B, 3)], []
    for place, attempts in tried.items():
        document = replace(DOCUMENT, environment=place, environment_kind=place)
        runs.append((inputs(planned, document=document, kind=place), [passed(A), *attempts], SEALED))
    return score_merged(runs)
