"""Two branches' lines in one ledger: what each of them knew, and what the reviewer said on either."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.ledger.ledgers import assigned, at, closed, disputed, filed, found, gone, resolved

from pytest_backend_audit.ledger import State, Status
from pytest_backend_audit.ledger.events import Event, Retired
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.model import Severity

BASE: list[Event] = [filed(), found("F-0001")]


def both_ways(one: list[Event], other: list[Event]) -> list[State]:
    """The ledger with the lines of either branch first, in which each finding stands alike."""
    states = [fold(enumerate([*BASE, *lines], 1)) for lines in (one + other, other + one)]
    first, second = ([replace(t, history=(), courses={}) for t in state.findings] for state in states)
    assert first == second
    return states


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


def test_of_three_words_on_one_dispute_the_last_counts() -> None:
    """Whatever the two before it say."""
    first = [disputed(minute=1), replace(resolved(upheld=True, minute=6), environment="prod")]
    for state in both_ways(
        first, [replace(resolved(upheld=up, minute=m), environment="prod") for up, m in ((True, 7), (False, 8))]
    ):
        assert [t.status for t in state.findings] == [Status.OPEN]
        assert len([notice for notice in state.notices if "Grace dismissed it, and that counts" in notice]) == 2


def test_when_it_was_opened_until_when_and_by_whom_it_is_mended_follow_from_runs() -> None:
    """It went between them, and audit.yaml names another owner since."""
    again = audited(6, due="2026-12-31", owner="Lea")
    for state in both_ways(again, [filed(3, "2026-09-30"), gone("F-0001", minute=3)]):
        assert [(t.opened, t.due, t.owner) for t in state.findings] == [(at(6), "2026-12-31", "Lea")]
    for state in both_ways(again, [filed(9, "2026-09-30"), gone("F-0001", minute=9)]):
        assert [(t.opened, t.due, t.owner) for t in state.findings] == [(at(0), "2026-11-30", "Lea")]


def test_a_date_that_somebody_set_before_it_went_is_none_of_what_came_back() -> None:
    """One that was set since is, though its line comes first."""
    away = [filed(20, "2026-09-30"), gone("F-0001", minute=20)]
    for state in both_ways(
        [assigned(minute=2, due="2026-10-01", owner="Lin")], [*away, *audited(40, due="2026-12-31")]
    ):
        assert [(t.due, t.owner) for t in state.findings] == [("2026-12-31", "Lin")]
    for state in both_ways([assigned(minute=50, due="2027-01-01")], [*away, *audited(40, due="2026-12-31")]):
        assert [t.due for t in state.findings] == ["2027-01-01"]


def test_a_dispute_is_of_the_environments_in_which_it_was_known() -> None:
    """What another one has for the first time, nobody has said anything about."""
    stage = audited(40)
    stage = [replace(stage[0], environment="stage"), replace(stage[1], environment="stage")]  # type: ignore[call-arg]
    away = [filed(20, "2026-09-30"), gone("F-0001", minute=20)]
    for state in both_ways([disputed(minute=5), *away], stage):
        assert [(t.status, t.where) for t in state.findings] == [(Status.OPEN, ("stage",))]
    for state in both_ways([disputed(minute=5)], stage):
        assert [(t.status, t.where) for t in state.findings] == [(Status.DISPUTED, ("prod", "stage"))]


def test_what_was_never_found_in_an_environment_is_not_gone_with_it() -> None:
    """A merge closed it, which is of both; then one of them is audited no more."""
    word = Retired(at(9), "Grace", "stage", "moved into prod")
    for state in both_ways([replace(closed(minute=5), environment="prod, stage")], [word]):
        assert [(t.status, t.closing) for t in state.findings] == [(Status.CLOSED, "closed by its check (Kim)")]


def test_a_dispute_stands_as_long_as_the_finding_has_been_open_since() -> None:
    """Whatever became of it before."""
    again = [filed(3, "2026-09-30"), gone("F-0001", minute=3), *audited(4)]
    for state in both_ways([disputed(minute=5)], again):
        assert [t.status for t in state.findings] == [Status.DISPUTED]
    for state in both_ways([disputed(minute=2)], again):
        assert [t.status for t in state.findings] == [Status.OPEN]
