"""What a reader of the lines is told where other lines have the word."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.ledger.ledgers import BARE, SLOW, at, closed, filed, found, gone

from pytest_backend_audit.ledger import State, Status
from pytest_backend_audit.ledger.events import Event, Retired
from pytest_backend_audit.ledger.folding import fold

BACKWARDS = "clocks disagree"


def stand(*events: Event) -> State:
    """The ledger of these lines."""
    return fold(enumerate(events, 1))


def told(state: State) -> list[str]:
    """Its notices, but the one that lines are not in the order of time."""
    return [notice for notice in state.notices if BACKWARDS not in notice]


def seen(minute: int, environment: str = "prod", mark: str = BARE, number: str = "F-0001") -> list[Event]:
    """An audit of a branch, whose card has a finding as before."""
    file = f"2026-09-{minute:02}"
    line = found(number, mark, minute, how="seen", environment=environment, told=False)
    return [filed(minute, file, environment=environment), replace(line, file=file)]


def lacked(minute: int, environment: str = "prod", mark: str = BARE, number: str = "F-0001") -> list[Event]:
    """One that lacks it."""
    file = f"2026-09-{minute:02}"
    line = gone(number, mark, minute, environment)
    return [filed(minute, file, environment=environment), replace(line, file=file)]


OPENED: list[Event] = [filed(), found("F-0001")]


def test_lines_in_the_order_of_their_runs_have_nothing_to_tell() -> None:
    """Gone, back, and gone."""
    assert told(stand(*OPENED, *seen(2), *lacked(3), *seen(4), *lacked(5))) == []
    assert told(stand(*OPENED, *lacked(3), *seen(4))) == []


@pytest.mark.parametrize(
    ("later", "status"), [(closed(minute=20), Status.CLOSED), (lacked(20)[1], Status.GONE)], ids=["closed", "gone"]
)
def test_nothing_is_said_to_stay_open_that_a_later_line_closes(later: Event, status: Status) -> None:
    """The audit of the branch that was joined last is older than what the other one saw; then somebody mends it."""
    joined = [*OPENED, *seen(9), *lacked(5)]
    assert told(stand(*joined)) == [
        "ledger.jsonl:6: gone F-0001 in prod, and another line tells of it by a later run there: it stays open"
    ]
    state = stand(*joined, filed(20, "2026-09-20"), later)
    assert (state.findings[0].status, told(state)) == (status, [])


def test_nothing_is_said_to_stay_closed_that_a_later_audit_found_again() -> None:
    """The sighting of the older branch is history by then."""
    joined = [*OPENED, *lacked(9), *seen(5)]
    assert told(stand(*joined)) == [
        "ledger.jsonl:6: seen F-0001 in prod, and a later word closed it there: it stays closed"
    ]
    state = stand(*joined, *seen(20))
    assert (state.findings[0].status, told(state)) == (Status.OPEN, [])


def test_only_the_environments_are_named_of_which_it_is_still_true() -> None:
    """Stage is mended since, prod is not."""
    both = "prod, stage"
    joined = [filed(environment=both), found("F-0001", environment=both), *seen(9, both), *lacked(5, both)]
    assert told(stand(*joined)) == [
        "ledger.jsonl:6: gone F-0001 in prod, stage, and another line tells of it by a later run there: it stays open"
    ]
    assert told(stand(*joined, *lacked(20, "stage"))) == [
        "ledger.jsonl:6: gone F-0001 in prod, and another line tells of it by a later run there: it stays open"
    ]


def test_what_is_alike_is_one_sentence() -> None:
    """An old branch of many audits, each with many findings, would fill the page."""
    two = [filed(), found("F-0001"), found("F-0002", SLOW)]
    after = [*lacked(20), lacked(20, mark=SLOW, number="F-0002")[1]]
    before = [*seen(5), seen(5, mark=SLOW, number="F-0002")[1], *seen(6)]
    assert told(stand(*two, *after, *before)) == [
        "ledger.jsonl:11: seen F-0001 in prod, and a later word closed it there: it stays closed; so with 2 lines "
        "before it, of F-0002"
    ]
    assert told(stand(*two, *after, *seen(5), *seen(6))) == [
        "ledger.jsonl:10: seen F-0001 in prod, and a later word closed it there: it stays closed; so with 1 line "
        "before it"
    ]


def test_an_answer_of_another_environment_is_none_to_a_failure_that_another_line_tells_of() -> None:
    """One branch knew only that the check could not run in stage; the other saw it fail there."""
    blind = replace(lacked(9, "stage")[1], elsewhere={"stage": ()})
    opened: list[Event] = [filed(environment="stage"), found("F-0001", environment="stage")]
    failed = [
        filed(8, "2026-09-08", environment="stage"),
        replace(found("F-0001", minute=8, how="seen", environment="stage"), file="2026-09-08"),
    ]
    state = stand(*opened, filed(9, "2026-09-09", environment="stage"), blind, *failed)
    assert state.findings[0].where == ("stage",)
    assert told(state) == [
        "ledger.jsonl:4: gone F-0001 in stage, and another line tells of a failure there that is not answered: it "
        "stays open"
    ]


def test_an_environment_that_was_audited_after_it_was_given_up_has_its_findings_open() -> None:
    """By the clock of the run; whoever reads the reviewer's word is told."""
    word = Retired(at(5), "Grace", "prod", "moved to another region")
    assert told(stand(*OPENED, *seen(9), word)) == [
        "ledger.jsonl:5: prod is audited no more, and another line tells of F-0001 by a later run there: it stays open"
    ]
    state = stand(*OPENED, *seen(9), word, *lacked(20))
    assert (state.findings[0].status, told(state)) == (Status.GONE, [])
