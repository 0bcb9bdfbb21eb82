"""Runs that are filed late, again, or merged: whatever was seen last counts."""

from __future__ import annotations

from dataclasses import replace

from unit.ledger.filings import (
    DOCUMENT,
    A,
    B,
    add,
    card,
    check_finding,
    kinds,
    merged,
    ran,
    stands,
)
from unit.ledger.ledgers import at
from unit.scoring.scoring_cases import failed, passed

from pytest_backend_audit.ledger import State, Status
from pytest_backend_audit.ledger.events import Closed, Disputed, Filed, Found, Gone, Resolved
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.model import (
    SignOff,
)

WITHOUT = (
    "{} is open, though the later audit 2026-10-31, which was filed before, was without it: `backend-audit findings "
    "close`, or the next audit, shows how that stands"
)


def test_a_run_that_is_filed_again_reopens_nothing() -> None:
    """It was signed meanwhile, and a finding of it closed by a newer run: what it found was told before."""
    one = add(card())
    number, mark = check_finding(one), next(f.fingerprint for f in one.card.findings if f.check == B)
    closed_ = Closed(at(3), "Kim", number, mark, "prod", "5e6f", at(3), "cd" * 32, "passed", "0 rows")
    state = fold(enumerate([e for _, e in one.after.events] + [closed_], 1))
    signed = replace(card(), sign_off=SignOff("grace@example.org", "SHA256:x", at(4), ("4.1",)))
    two = add(signed, state, name="2026-08-31-2")
    assert {e.type for e in two.events} == {"filed", "seen"}
    assert {e.finding for e in two.events if isinstance(e, Found)} == {None}
    assert stands(two.after, number) is Status.CLOSED
    assert check_finding(two) == number
    assert two.notes == (f"{number} stays closed: there is later word of it than this run of {at(0)}",)
    # A later run that finds it does open it anew.
    three = add(card(), two.after, name="2026-09-30", minute=5)
    assert (stands(three.after, number), three.notes) == (Status.OPEN, ())


def test_a_run_that_is_filed_after_a_later_one() -> None:
    """What the later one told stands: gone and new findings, and how one that both have is told."""
    one = add(card(passed(A), failed(B)))
    number = check_finding(one)
    new = add(card(failed(A, reason="4 keys"), passed(B)), one.after, name="2026-10-31", minute=9)
    late = add(card(failed(A, reason="9 keys"), failed(B)), new.after, name="2026-09-30", minute=5)
    assert stands(late.after, number) is Status.GONE
    assert late.after.find(check_finding(late, A)).finding.evidence.startswith("4 keys")
    assert next(f for f in late.card.findings if f.check == A).evidence.startswith("9 keys")
    assert late.notes == (f"{number} stays gone: there is later word of it than this run of {at(5)}",)
    later = add(card(passed(A), failed(B)), new.after, name="2026-09-30", minute=5)
    opened = check_finding(new, A)
    assert stands(later.after, opened) is Status.OPEN
    assert later.notes == (
        f"{opened} stays open: there is later word of it than this run of {at(5)}",
        f"{number} stays gone: there is later word of it than this run of {at(5)}",
    )
    assert not [e for e in later.events if isinstance(e, Gone)]
    assert new.after.latest("prod") == later.after.latest("prod") == new.events[0]


def test_what_only_a_run_that_is_filed_late_has_found() -> None:
    """It has its number, and stays open: whether the later audit showed it mended, or did not look, nobody guesses."""
    new = add(card(passed(A), failed(B)), name="2026-10-31", minute=9)
    late = add(card(failed(A), failed(B)), new.after, name="2026-09-30", minute=5)
    number = check_finding(late, A)
    assert stands(late.after, number) is Status.OPEN
    assert late.notes == (WITHOUT.format(number),)
    stage = replace(DOCUMENT, environment="stage", environment_kind="stage")
    elsewhere = add(card(document=stage, kind="stage"), new.after, name="2026-09-30", minute=5)
    assert elsewhere.notes == ()
    assert elsewhere.after.find(check_finding(elsewhere)).where == ("prod", "stage")


def test_what_a_run_that_is_filed_late_finds_again() -> None:
    """Is open, as its word is the last one, and the note names the later audit that was without it."""
    one = add(card())
    number = check_finding(one)
    away = add(card(passed(A), passed(B)), one.after, name="2026-09-30", minute=2)
    last = add(card(passed(A), passed(B)), away.after, name="2026-10-31", minute=9)
    late = add(card(passed(A), failed(B)), last.after, name="2026-10-30", minute=5)
    assert [kind for kind in kinds(late.events) if kind[1] == number] == [("reopened", number)]
    assert stands(late.after, number) is Status.OPEN
    assert late.notes[-1] == WITHOUT.format(number)


def test_an_old_run_reopens_nothing_that_the_reviewer_closed() -> None:
    """The word was of what that run had found."""
    one = add(card())
    number, mark = check_finding(one), next(f.fingerprint for f in one.card.findings if f.check == B)
    words = [Disputed(at(2), "Lin", number, mark, "no"), Resolved(at(3), "Grace", number, mark, True, "I looked")]
    state = fold(enumerate([e for _, e in one.after.events] + words, 1))
    assert stands(add(card(), state, name="2026-08-31-2").after, number) is Status.CLOSED
    assert stands(add(card(), state, name="2026-09-30", minute=4).after, number) is Status.OPEN


def test_an_old_run_that_is_merged_with_a_new_one_stays_old() -> None:
    """Each environment has the instant of its own run: what prod showed since, an older run of prod does not undo."""
    prod = add(card(passed(A), failed(B)), minute=5)
    number = check_finding(prod)
    old = merged(card(passed(A), passed(B)), prod.after, ran("prod", 1), ran("stage", 9))
    assert stands(old.after, number) is Status.OPEN
    assert not [e for e in old.events if isinstance(e, Gone) and e.number == number]
    assert old.notes[0] == f"{number} stays open: there is later word of it than this run of {at(1)}"
    filed = old.events[0]
    assert isinstance(filed, Filed)
    assert (filed.instant, filed.instants) == (at(9), {"prod": at(1), "stage": at(9)})
    # The ledger keeps them: a run of prod made since has the later word, in prod.
    assert [f.file for f in (old.after.latest("prod"), old.after.latest("stage")) if f] == ["2026-08-31", "2026-10-31"]
    assert old.after.latest("prod", before=at(5)) == filed
    new = add(card(failed(A), passed(B)), old.after, name="2026-11-01", minute=7)
    assert (stands(new.after, number), stands(new.after, check_finding(new, A))) == (Status.GONE, Status.OPEN)
    proof = next(f.id for f in old.card.findings if f.check == "proof" and f.dimension == "4.1")
    assert new.notes == (f"{proof} stays open: 4.1 stands at L1, the target is L4",)


def test_a_merge_of_new_runs_takes_findings_away() -> None:
    """In both environments; and what it finds is told of each."""
    prod = add(card(passed(A), failed(B)), minute=5)
    new = merged(card(failed(A), passed(B)), prod.after, ran("prod", 6), ran("stage", 9))
    assert (stands(new.after, check_finding(prod)), new.notes) == (Status.GONE, ())
    assert new.after.find(check_finding(new, A)).where == ("prod", "stage")


def test_a_pass_is_as_old_as_the_run_of_its_check() -> None:
    """Not as the merge that tells of it: a failure in between, filed late, is later word."""
    prod = add(card(passed(A), failed(B)), minute=1)
    number = check_finding(prod)
    done = merged(card(passed(A), passed(B)), prod.after, ran("prod", 3, B), ran("prod", 9, A), ran("stage", 9))
    assert stands(done.after, number) is Status.GONE
    between = add(card(passed(A), failed(B)), done.after, name="2026-10-01", minute=5)
    assert stands(between.after, number) is Status.OPEN


def test_a_shard_is_as_old_as_its_own_run() -> None:
    """Of several runs in one environment, that of the check counts; without one, the first of them all."""
    prod = add(card(), minute=5)
    a, b = check_finding(prod, A), check_finding(prod, B)
    done = merged(card(passed(A), passed(B)), prod.after, ran("prod", 3, A), ran("prod", 9, B), ran("stage", 9))
    assert (stands(done.after, a), stands(done.after, b)) == (Status.OPEN, Status.GONE)
    gone = merged(card(passed(A), passed(B)), prod.after, ran("prod", 3, A), ran("prod", 9, A), ran("stage", 9))
    assert (stands(gone.after, a), stands(gone.after, b)) == (Status.OPEN, Status.OPEN)


def test_each_environment_is_compared_with_its_own_latest_audit() -> None:
    """By itself, or in a merge; an audit is no earlier one than itself, however often its runs were filed."""
    both = merged(card(), State(), ran("prod", 1), ran("stage", 1))
    stage = add(card(document=replace(DOCUMENT, environment="stage")), both.after, name="2026-11-01", minute=5)
    latest = [stage.after.latest(named) for named in ("prod", "stage", "lab")]
    assert [filed and filed.file for filed in latest] == ["2026-10-31", "2026-11-01", None]
    head = both.after.filings[0].heads[:1]
    assert stage.after.latest("prod", but=head) is None


def test_each_environment_s_pass_is_as_old_as_its_own_run() -> None:
    """In a merge of an old run of one and a new one of the other: it goes by the new one where it is open."""
    prod = add(card(passed(A), failed(B)), minute=10)
    number = check_finding(prod)
    done = merged(card(passed(A), passed(B)), prod.after, ran("stage", 5), ran("prod", 20))
    assert (stands(done.after, number), done.notes) == (Status.GONE, ())
    assert [(e.environment, e.instant) for e in done.events if isinstance(e, Gone) and e.number == number] == [
        ("prod", at(20))
    ]
