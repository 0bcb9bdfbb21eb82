"""Two branches' lines in one ledger: what each of them knew, and what the reviewer said on either."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.ledger.ledgers import at, disputed, filed, found, gone, resolved

from pytest_backend_audit.ledger import State, Status
from pytest_backend_audit.ledger.events import Event
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.model import Severity

BASE: list[Event] = [filed(), found("F-0001")]


def both_ways(one: list[Event], other: list[Event]) -> list[State]:
    """The ledger with the lines of either branch first."""
    return [fold(enumerate([*BASE, *lines], 1)) for lines in (one + other, other + one)]


def audited(minute: int, **fields: Any) -> list[Event]:
    """An audit that has the finding, as it tells it."""
    file = f"2026-09-{minute:02}"
    return [filed(minute, file), replace(found("F-0001", minute=minute, how="seen", **fields), file=file)]


def test_a_line_that_tells_nothing_new_means_what_its_own_branch_knew() -> None:
    """Not the line that comes before it in the file, which may be another branch's."""
    light = audited(4, title="could not run", severity=Severity.LOW)
    same = [
        filed(6, "2026-09-06"),
        replace(found("F-0001", minute=6, how="seen", told=False), file="2026-09-06", same=at(0)),
    ]
    for state in both_ways(light, same):
        assert [(t.finding.severity, t.finding.title) for t in state.findings] == [
            (Severity.HIGH, "bare L3 failed: 2 foreign keys without an index")
        ]


def test_the_reviewers_word_counts_though_the_other_branch_reopened_the_finding() -> None:
    """By runs before it."""
    word = [disputed(minute=5), replace(resolved(upheld=True, minute=9), environment="prod")]
    again = [filed(3, "2026-09-30"), gone("F-0001", minute=3), *audited(4)]
    for state in both_ways(word, again):
        assert [(t.status, t.where) for t in state.findings] == [(Status.CLOSED, ())]


@pytest.mark.parametrize(("minute", "status"), [(8, Status.CLOSED), (10, Status.OPEN)])
def test_of_two_words_on_one_dispute_the_later_counts(minute: int, status: Status) -> None:
    """And the other one is told."""
    up = [disputed(minute=1), replace(resolved(upheld=True, minute=9), environment="prod")]
    down = [disputed(minute=2), replace(resolved(upheld=False, minute=minute), environment="prod")]
    for state in both_ways(up, down):
        assert [t.status for t in state.findings] == [status]
        said = "upheld" if status is Status.CLOSED else "dismissed"
        assert f"which is the later word: Grace {said} it, and that counts" in " ".join(state.notices)


def test_a_dispute_stands_as_long_as_the_finding_has_been_open_since() -> None:
    """Whatever became of it before."""
    again = [filed(3, "2026-09-30"), gone("F-0001", minute=3), *audited(4)]
    for state in both_ways([disputed(minute=5)], again):
        assert [t.status for t in state.findings] == [Status.DISPUTED]
    for state in both_ways([disputed(minute=2)], again):
        assert [t.status for t in state.findings] == [Status.OPEN]
