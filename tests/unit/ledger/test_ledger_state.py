"""From the lines of a ledger to how things stand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.ledger.ledgers import BARE, SLOW, assigned, at, closed, disputed, filed, finding, found, gone, resolved

from pytest_backend_audit.ledger import LedgerError, State, Status, Tracked, open_disputes
from pytest_backend_audit.ledger.events import Event, Filed, Found, Gone, Retired
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.ledger.reasons import LEFT, NOT_SOUGHT
from pytest_backend_audit.ledger.state import next_number
from pytest_backend_audit.model import Severity


def stand(*events: Event) -> State:
    """The state after these lines, and behind them those of the filings that they name, each as old as its first."""
    have = {e.file for e in events if isinstance(e, Filed)}
    named = {e.file: e.at for e in reversed(events) if isinstance(e, Found | Gone) and e.file not in have}
    behind = [replace(filed(file=file), at=events[-1].at, instant=instant) for file, instant in named.items()]
    return fold(enumerate((*events, *behind), 1))


def only(*events: Event) -> Tracked:
    """The one finding of a ledger."""
    [tracked] = stand(*events).findings
    return tracked


def test_an_empty_ledger_has_nothing() -> None:
    """And the first number is 1."""
    assert stand() == State()
    assert next_number(stand()) == 1


def test_a_filed_finding_is_open_with_what_the_card_says() -> None:
    """Owner, date and effort come from audit.yaml, the disposition and the check."""
    tracked = only(filed(), found("F-0001"))
    assert (tracked.number, tracked.status, tracked.opened, tracked.where) == ("F-0001", Status.OPEN, at(0), ("prod",))
    assert (tracked.owner, tracked.due, tracked.effort) == ("Kim", "2026-11-30", "S")
    assert [line for line, _ in tracked.history] == [2]


def test_what_somebody_assigned_outlives_the_next_audit() -> None:
    """The date does too: an audit a month does not move it on for ever."""
    tracked = only(
        found("F-0001"),
        assigned(owner="Lin", due="2026-10-15", minute=1),
        found("F-0001", minute=2, how="seen", owner="Kim", due="2027-02-28", effort="L", observed=1),
    )
    assert (tracked.owner, tracked.due, tracked.effort) == ("Lin", "2026-10-15", "L")
    assert tracked.finding.observed == 1
    now = tracked.current()
    assert (now.id, now.owner, now.due, now.effort) == ("F-0001", "Lin", "2026-10-15", "L")


def test_a_card_that_tells_nothing_new_changes_nothing() -> None:
    """But where it was seen."""
    tracked = only(found("F-0001"), found("F-0001", how="seen", environment="stage", told=False))
    assert tracked.finding == only(found("F-0001")).finding
    assert (tracked.owner, tracked.due, tracked.where) == ("Kim", "2026-11-30", ("prod", "stage"))


def test_a_date_that_nobody_moved_stays_the_first() -> None:
    """And one comes later if there was none."""
    assert only(found("F-0001"), found("F-0001", how="seen", due="2027-02-28")).due == "2026-11-30"
    assert only(found("F-0001", due=""), found("F-0001", how="seen", due="2027-02-28")).due == "2027-02-28"


def test_owners_follow_audit_yaml_until_somebody_is_assigned() -> None:
    """An owner whom audit.yaml no longer names is still better than none."""
    assert only(found("F-0001", owner="Kim"), found("F-0001", how="seen", owner="Lin")).owner == "Lin"
    assert only(found("F-0001", owner="Kim"), found("F-0001", how="seen", owner="not stated")).owner == "Kim"
    assert only(found("F-0001", owner="not stated")).owner == ""


def test_who_was_assigned_before_the_filing_has_it_after() -> None:
    """By fingerprint, as there is no number yet; in two steps, too."""
    early = stand(assigned(owner="Lin"), assigned(due="2026-09-09", minute=1))
    assert early.findings == ()
    assert (early.assigned[BARE].owner, early.assigned[BARE].due) == ("Lin", "2026-09-09")
    later = stand(
        assigned(owner="Lin"), assigned(due="2026-09-09"), found("F-0001", owner="not stated", due=""), closed()
    )
    assert later.assigned == {}
    assert (later.findings[0].owner, later.findings[0].due) == ("Lin", "2026-09-09")


def test_a_finding_closes_and_comes_back_under_its_number() -> None:
    """With a new date: the old one was for the first time."""
    tracked = only(found("F-0001"), closed(minute=1))
    assert (tracked.status, tracked.where) == (Status.CLOSED, ())
    again = replace(found("F-0001", minute=2, how="reopened", due="2027-02-28"), file="2026-09-30")
    back = only(found("F-0001"), closed(minute=1), again)
    assert (back.status, back.number, back.due, back.opened) == (Status.OPEN, "F-0001", "2027-02-28", at(2))
    assert len(back.history) == 3


def test_a_finding_is_gone_when_every_environment_that_had_it_lacks_it() -> None:
    """An audit of stage says nothing about prod."""
    both = (found("F-0001"), found("F-0001", how="seen", environment="stage"))
    assert only(*both, gone("F-0001")).where == ("stage",)
    assert only(*both, gone("F-0001")).status is Status.OPEN
    assert only(*both, gone("F-0001"), gone("F-0001", environment="stage")).status is Status.GONE
    assert only(*both, closed(environment="stage"), closed()).status is Status.CLOSED


def test_a_merged_card_speaks_for_each_of_its_environments() -> None:
    """It names them all."""
    tracked = only(found("F-0001", environment="prod, stage"))
    assert tracked.where == ("prod", "stage")
    assert only(found("F-0001", environment="prod, stage"), gone("F-0001", environment="stage")).where == ("prod",)


def test_a_dispute_waits_for_the_reviewer() -> None:
    """It is still open work; dismissed it stands, upheld it is closed."""
    state = stand(filed(), found("F-0001"), disputed(minute=1))
    assert state.findings[0].status is Status.DISPUTED
    assert state.findings[0].status.is_open
    assert open_disputes(state) == (
        "F-0001 4.1: bare L3 failed: 2 foreign keys without an index: disputed by Lin on 2026-08-31: "
        "the table is empty",
    )
    dismissed = stand(found("F-0001"), disputed(), resolved(upheld=False))
    assert (dismissed.findings[0].status, open_disputes(dismissed)) == (Status.OPEN, ())
    upheld = stand(found("F-0001"), disputed(), resolved(upheld=True))
    assert (upheld.findings[0].status, open_disputes(upheld)) == (Status.CLOSED, ())


def test_a_disputed_finding_that_is_seen_again_stays_disputed() -> None:
    """The next audit is no answer."""
    assert only(found("F-0001"), disputed(), found("F-0001", how="seen")).status is Status.DISPUTED


def test_what_comes_too_late_changes_nothing() -> None:
    """Two branches may both have closed it: the later word says how it stands."""
    tracked = only(found("F-0001"), closed(), disputed(), gone("F-0001"), closed())
    assert tracked.status is Status.CLOSED
    assert len(tracked.history) == 5


def test_numbers_go_on_and_none_comes_twice() -> None:
    """Not even that of a finding that is gone."""
    assert next_number(stand(found("F-0001"), found("F-0007", SLOW), gone("F-0007", SLOW))) == 8


def test_a_number_given_on_two_branches_is_settled() -> None:
    """The first line keeps it, now and after every later line; the other finding has a suffix. Both say so."""
    branches = (found("F-0001", BARE), found("F-0001", SLOW), closed("F-0001", SLOW))
    state = stand(*branches, found("F-0001-2", SLOW, minute=5, how="reopened"), found("F-0001", SLOW, how="seen"))
    assert [(t.number, t.fingerprint, t.status) for t in state.findings] == [
        ("F-0001", BARE, Status.OPEN),
        ("F-0001-2", SLOW, Status.OPEN),
    ]
    assert state.notices[0] == (
        f"ledger.jsonl:2: F-0001 was given on two branches; the finding {SLOW[:8]} of this line is F-0001-2 from now on"
    )
    assert state.find("F-0001-2").fingerprint == SLOW
    assert next_number(state) == 2


def test_a_finding_with_two_numbers_has_its_first() -> None:
    """Two branches filed it, after different others."""
    state = stand(found("F-0001"), found("F-0002"), found("F-0002", how="seen"))
    assert [t.number for t in state.findings] == ["F-0001"]
    assert state.notices == (
        "ledger.jsonl:2: F-0001 has a second number, F-0002: two branches filed it; F-0001 counts",
    )


def test_one_card_on_two_branches_is_told() -> None:
    """Of one day, each with its own run; git keeps one file."""
    state = stand(filed(), filed(heads=("cd" * 32,)))
    assert state.notices == (
        "ledger.jsonl:2: the card 2026-08-31 was filed on two branches, first in line 1; one of the two is lost unless "
        "it lies there by another name; its findings are not",
    )
    assert stand(filed(), filed()).notices == ()


OURS, THEIRS, THIRD = (two * 32 for two in ("ab", "cd", "ef"))


@pytest.mark.parametrize("run", [OURS, THEIRS])
def test_a_card_that_was_filed_again_is_not_lost(run: str) -> None:
    """By a later line under another name, whichever of the two it was: the other one has the name."""
    again = filed(5, "2026-08-31-2", heads=(run,))
    assert stand(filed(), filed(heads=(THEIRS,)), again).notices == ()
    # As once it was signed, before the branches were joined: then nothing tells of the other one.
    (told,) = stand(filed(heads=(run,)), again, filed(5, heads=(THIRD,))).notices
    assert told.startswith("ledger.jsonl:3: the card 2026-08-31 was filed on two branches, first in line 1; one of ")


def test_by_the_same_name_no_card_is_filed_again() -> None:
    """A line that stands there twice, as a merge by hand leaves it, shows no other card."""
    told = stand(filed(), filed(heads=(THEIRS,)), filed()).notices
    assert [one.partition(" the card")[0] for one in told] == ["ledger.jsonl:2:", "ledger.jsonl:3:"]


def test_of_three_branches_two_cards_are_lost() -> None:
    """The note about the two that were not filed again stays; the runs of a merge may stand in any order."""
    three = (filed(), filed(heads=(THEIRS, THIRD)), filed(heads=(THIRD,)))
    one, other = filed(5, "2026-08-31-2", heads=(THIRD, THEIRS)), filed(6, "2026-08-31-3", heads=(THIRD,))
    assert [told.partition(" the card")[0] for told in stand(*three, one).notices] == ["ledger.jsonl:3:"]
    assert stand(*three, one, other).notices == ()


def test_clocks_that_disagree_are_told_once() -> None:
    """The order in the file counts."""
    state = stand(
        found("F-0001", minute=3), found("F-0001", how="seen"), assigned(minute=9), assigned(owner="Lin", minute=5)
    )
    assert state.findings[0].owner == "Lin"
    assert state.notices == (
        f"ledger.jsonl:2: of {at(0)}, after a line of {at(3)}, and 1 more like it: clocks disagree, or two branches "
        "were joined; what is open follows from when runs were made, and of assignments the last line counts",
    )


def seen_later(environment: str = "prod", minute: int = 9) -> list[Event]:
    """Opened in the first minute, and seen again later, as a branch tells it."""
    again = replace(found("F-0001", minute=minute, how="seen", environment=environment, told=False), file="2026-09-09")
    return [filed(), found("F-0001"), filed(minute, "2026-09-09"), again]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (closed(minute=5), "closed"),
        (replace(gone("F-0001", minute=9), file="2026-09-05", instant=at(5)), "gone"),
    ],
)
def test_an_older_run_closes_nothing_that_a_later_one_has_seen(event: Event, line: str) -> None:
    """Its line comes last, as the branch of the older one was joined later."""
    state = stand(*seen_later(), event)
    assert (state.findings[0].status, state.findings[0].where) == (Status.OPEN, ("prod",))
    assert (
        f"ledger.jsonl:5: {line} F-0001 in prod, and another line tells of it by a later run there: it stays open"
    ) in state.notices
    state = stand(*seen_later(), replace(event, instant=at(9)))
    assert not state.findings[0].status.is_open


def test_the_reviewer_has_no_word_on_what_was_seen_in_another_environment_since() -> None:
    """A dispute about prod was upheld on one branch, and stage has it by a later audit of the other.

    Clocks of two machines may differ by ten minutes.
    """
    state = stand(*seen_later("stage", 30), disputed(minute=4), resolved(upheld=True, minute=5))
    assert (state.findings[0].status, state.findings[0].where) == (Status.OPEN, ("stage",))
    state = stand(*seen_later("stage", 30), disputed(minute=20), resolved(upheld=True, minute=21))
    assert state.findings[0].status is Status.CLOSED


def test_an_older_run_opens_nothing_that_a_later_word_has_closed() -> None:
    """Whichever of the two lines comes first, as branches are joined."""
    old = replace(found("F-0001", minute=5, how="seen", told=False), file="2026-09-05")
    filings = [filed(), filed(5, "2026-09-05"), found("F-0001")]
    assert not stand(*filings, old, closed(minute=9)).findings[0].status.is_open
    state = stand(*filings, closed(minute=9), old)
    assert not state.findings[0].status.is_open
    assert ("ledger.jsonl:5: seen F-0001 in prod, and a later word closed it there: it stays closed") in state.notices


def test_each_environment_keeps_its_own_text_of_a_finding() -> None:
    """A merge tells two at one instant, and a line that repeats them means each."""
    both = filed(environment="prod, stage")
    first = found("F-0001", title="['ops']")
    other = found("F-0001", how="seen", environment="stage", title="['ci-bot']")
    again = replace(found("F-0001", minute=2, how="seen", environment="prod, stage", told=False), file="2026-09-02")
    told = only(both, first, other, filed(2, "2026-09-02", environment="prod, stage"), replace(again, same=at(0))).told
    assert {place: finding.title for place, finding in told.items()} == {"prod": "['ops']", "stage": "['ci-bot']"}


def test_a_second_number_names_the_finding_too_and_is_given_to_no_other() -> None:
    """A ticket of the other branch has it."""
    state = stand(found("F-0001"), found("F-0007", minute=1, how="seen"), found("F-0002", SLOW))
    assert state.find("F-0007").number == state.find("7").number == "F-0001"
    assert next_number(state) == 8


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("5a5a", "5a5a: give at least 6 digits of a fingerprint, or the number"),
        ("F-0009", "F-0009: the ledger has no such finding (they are F-0001 to F-0002)"),
        ("nonsense", "nonsense: the ledger has no such finding (they are F-0001 to F-0002)"),
    ],
)
def test_what_names_no_finding(asked: str, said: str) -> None:
    """A fingerprint that is too short says so; it may be in capitals."""
    state = stand(found("F-0001"), found("F-0002", SLOW))
    with pytest.raises(LedgerError) as caught:
        state.find(asked)
    assert str(caught.value).startswith(said)
    assert state.find("5A5A5A").number == "F-0002"


def test_a_date_of_the_time_before_is_none_of_a_finding_that_came_back() -> None:
    """However soon it did."""
    away = (filed(2, "2026-09-02"), replace(gone("F-0001", minute=2), file="2026-09-02"))
    back = (filed(3, "2026-09-03"), replace(found("F-0001", minute=3, how="reopened", due=""), file="2026-09-03"))
    assert only(filed(), found("F-0001"), assigned(minute=1, due="2026-10-01"), *away, *back).due == ""
    # Assigned on a machine whose clock is behind, as the line that it follows shows.
    assert only(filed(), found("F-0001"), *away, *back, assigned(minute=1, due="2026-10-01")).due == "2026-10-01"


def test_of_several_that_are_as_grave_the_one_that_was_told_last_counts() -> None:
    """By when its run was made, whichever environment's line comes first."""
    prod, stage = filed(1, "2026-09-01"), filed(9, "2026-09-09", environment="stage")
    first = replace(found("F-0001", title="3 of 9"), file="2026-09-01")
    later = replace(found("F-0001", minute=9, how="seen", environment="stage", title="4 of 9"), file="2026-09-09")
    assert only(prod, stage, first, later).finding.title == "4 of 9"
    older = replace(later, finding=finding(title="2 of 9"), instant=at(0))
    assert only(prod, stage, first, older).finding.title == "3 of 9"


def test_the_word_of_a_reviewer_whose_clock_is_behind_is_of_what_they_saw() -> None:
    """It names the run that it is of, which is later than its own time."""
    events = (filed(9), replace(found("F-0001", minute=9), instant=at(9)), disputed(minute=4))
    word = replace(resolved(upheld=True, minute=5), environment="prod")
    assert only(*events, word).status is Status.OPEN
    assert only(*events, replace(word, instant=at(9))).status is Status.CLOSED


def test_a_line_of_an_older_version_means_what_its_environment_had() -> None:
    """It does not say which line it repeats."""
    prod = found("F-0001", title="failed in prod", severity=Severity.LOW)
    stage = found("F-0001", minute=1, how="seen", environment="stage", title="failed in stage", severity=Severity.LOW)
    again = found("F-0001", minute=2, how="seen", told=False)
    told = only(prod, stage, again).told
    assert {place: finding.title for place, finding in told.items()} == {
        "prod": "failed in prod",
        "stage": "failed in stage",
    }


def test_an_old_audit_of_an_environment_that_was_given_up_opens_nothing_there() -> None:
    """Its run was kept aside until after the word, and nothing was known of the finding there before."""
    word = Retired(at(5), "Grace", "stage", "moved into prod")
    old = replace(found("F-0001", minute=9, how="seen", environment="stage"), file="2026-09-03")
    old_card = replace(filed(9, "2026-09-03", environment="stage"), instant=at(3))
    assert only(filed(), found("F-0001"), word, old_card, old).where == ("prod",)
    new_card = replace(old_card, instant=at(7))
    assert only(filed(), found("F-0001"), word, new_card, old).where == ("prod", "stage")


def test_a_finding_is_as_grave_as_where_it_is_open() -> None:
    """What stage tells of it does not make it lighter in prod, and no longer counts once it is mended in stage."""
    grave = found("F-0001", severity=Severity.HIGH, title="failed in prod")
    light = found("F-0001", minute=1, how="seen", environment="stage", severity=Severity.LOW, title="could not run")
    both = only(grave, light)
    assert (both.finding.severity, both.finding.title) == (Severity.HIGH, "failed in prod")
    assert only(grave, light, closed(minute=2)).finding.title == "could not run"
    assert only(grave, light, closed(minute=2, environment="stage")).finding.title == "failed in prod"


def test_a_sighting_whose_filing_is_gone() -> None:
    """A conflict was resolved badly: by what the audit judged nobody can tell any more."""
    with pytest.raises(LedgerError) as caught:
        fold(enumerate([found("F-0001")], 1))
    assert str(caught.value) == (
        "ledger.jsonl:1: opened F-0001 by 2026-08-31, and no line tells that 2026-08-31 was filed; restore the lines "
        "that are missing from git"
    )


@pytest.mark.parametrize(
    "event",
    [closed(), gone("F-0001"), disputed(), resolved(upheld=True), found("F-0001", how="seen", told=False)],
)
def test_a_line_about_a_finding_that_no_line_opens(event: Event) -> None:
    """Somebody took lines out."""
    with pytest.raises(LedgerError) as caught:
        stand(filed(), event)
    assert str(caught.value) == (
        f"ledger.jsonl:2: {event.type} F-0001, and no line before it opens that finding; restore the lines that are "
        "missing from git"
    )


def test_a_ledger_is_of_one_service() -> None:
    """Two in one file were joined by mistake."""
    with pytest.raises(LedgerError, match=r"jsonl:2: a filing of the service 'cart', and line 1 is of 'orders'"):
        stand(filed(), filed(service="cart"))


def test_findings_are_named_in_several_ways() -> None:
    """By number, however it is typed, or by the digits that the card showed."""
    state = stand(found("F-0001"), found("F-0012", SLOW))
    for name in ("F-0012", "f-12", "12", "F12", SLOW[:8], SLOW):
        assert state.find(name).fingerprint == SLOW
    with pytest.raises(LedgerError, match=r"^F-3: the ledger has no such finding \(they are F-0001 to F-0012\); "):
        state.find("F-3")
    with pytest.raises(LedgerError, match=r"no such finding \(none yet\)"):
        stand().find("F-3")


def test_digits_that_begin_two_fingerprints() -> None:
    """The numbers tell."""
    state = stand(found("F-0001", "abcdef00"), found("F-0002", "abcdef01"))
    with pytest.raises(LedgerError, match=r"^abcdef: so begin several: F-0001, F-0002; give the number$"):
        state.find("abcdef")


def test_an_audit_compares_with_the_last_of_its_environment() -> None:
    """A merged card covers each of its runs'."""
    one, two, three = filed(), filed(1, "2026-09-30", environment="stage"), filed(2, "2026-10-31", environment="a, b")
    state = stand(one, two, three)
    assert [state.latest(name) for name in ("prod", "stage", "b", "canary")] == [one, two, three, None]


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([gone("F-0001", minute=2, reason=LEFT)], LEFT),
        ([gone("F-0001", minute=2)], ""),
        ([closed("F-0001", minute=2)], ""),
        ([], ""),
        (
            [
                gone("F-0001", minute=2, reason=NOT_SOUGHT),
                found("F-0001", minute=3, how="reopened"),
                gone("F-0001", minute=4),
            ],
            "",
        ),
        (
            [
                found("F-0001", minute=1, how="seen", environment="stage"),
                gone("F-0001", minute=2, reason=LEFT),
                gone("F-0001", minute=3, environment="stage"),
            ],
            LEFT,
        ),
    ],
    ids=["taken out", "passed", "closed", "open", "passed once it was there again", "passed in another environment"],
)
def test_what_is_gone_unmended(events: list[Event], why: str) -> None:
    """By the last word of each environment since it was opened there: one without a pass is enough."""
    filings = [filed(minute, f"card-{minute}") for minute in range(5)]
    told = [
        replace(e, file=f"card-{e.at[14:16].lstrip('0') or 0}") if isinstance(e, Found | Gone) else e for e in events
    ]
    state = fold(enumerate([*filings, replace(found("F-0001"), file="card-0"), *told], 1))
    assert state.findings[0].unmended == why
