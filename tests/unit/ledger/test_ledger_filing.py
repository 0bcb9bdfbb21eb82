"""What a filed card adds to the ledger, and what keeps a run from being filed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from unit.ledger.ledgers import at
from unit.scoring.scoring_cases import SEALED, attempt, check, failed, inputs, passed, row, skipped, standard

from pytest_backend_audit import model
from pytest_backend_audit.ledger import State, Status, obstacles
from pytest_backend_audit.ledger.closing import StaysOpenError, run_trouble, shown, shown_in
from pytest_backend_audit.ledger.events import Assigned, Closed, Disputed, Event, Filed, Found, Gone, Resolved
from pytest_backend_audit.ledger.filing import Filing, Ran, Who, filing
from pytest_backend_audit.ledger.state import fold
from pytest_backend_audit.model import (
    Attempt,
    Card,
    CriterionResult,
    Document,
    Evidence,
    EvidenceKind,
    Mode,
    NotApplicable,
    Seal,
    SignOff,
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


WITHOUT = (
    "{} is open, though the later audit 2026-10-31, which was filed before, was without it: `backend-audit findings "
    "close`, or the next audit, shows how that stands"
)
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


def test_the_first_audit_numbers_its_findings() -> None:
    """In the order of the queue, and the card has the numbers."""
    done = add(card())
    count = len(done.card.findings)
    assert [f.id for f in done.card.findings] == [f"F-{n:04}" for n in range(1, count + 1)]
    assert kinds(done.events) == [("filed", ""), *(("opened", f"F-{n:04}") for n in range(1, count + 1))]
    assert done.numbers == {f.fingerprint: f.id for f in done.card.findings}
    first = done.events[0]
    assert (first.at, getattr(first, "service", ""), getattr(first, "heads", ())) == (at(0), "orders", HEADS)


def test_the_next_audit_keeps_numbers_and_tells_what_is_gone_and_new() -> None:
    """A check that passes now is gone, one that fails for the first time gets the next number."""
    one = add(card(passed(A), failed(B)))
    number = check_finding(one)
    two = add(card(failed(A), passed(B)), one.after, name="2026-09-30", minute=1)
    assert check_finding(two, A) == f"F-{len(one.card.findings) + 1:04}"
    gone = [e for e in two.events if isinstance(e, Gone)]
    assert [(e.number, e.reason) for e in gone if e.number == number] == [(number, "its check passed")]
    three = add(card(failed(A), failed(B)), two.after, name="2026-10-31", minute=2)
    assert ("reopened", number) in kinds(three.events)
    assert check_finding(three) == number
    assert all(k != "opened" for k, _ in kinds(three.events))


def stands(state: State, number: str) -> Status:
    """How a finding stands."""
    return state.find(number).status


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


def test_a_finding_that_stays_the_same_takes_a_short_line() -> None:
    """Its evidence is in the card. What changes is told in full: a message, an owner."""
    one = add(card())
    later = attempt(B, model.Status.FAILED, Evidence(EvidenceKind.OUTPUT, "SHOW x", "new"), reason=failed(B).reason)
    done = add(card(failed(A), later), one.after, name="2026-09-30", minute=1)
    again = [e for e in done.events if isinstance(e, Found)]
    assert {(e.type, e.finding) for e in again} == {("seen", None)}
    assert "output: SHOW x\nnew" in next(f.evidence for f in done.card.findings if f.check == B)
    two = add(
        card(failed(A), failed(B, reason="4 foreign keys without an index")), one.after, name="2026-09-30", minute=1
    )
    [told] = [e for e in two.events if isinstance(e, Found) and e.finding is not None]
    assert told.number == check_finding(one)
    assert two.after.find(told.number).finding.evidence.startswith("4 foreign keys")
    lin = {"owners": {f"4.{n}": "Lin" for n in range(1, 9)}, "sought": {f"4.{n}": 1 for n in range(2, 9)}}
    assert {t.owner for t in add(card(policy=lin), one.after, name="2026-09-30", minute=1).after.findings} == {"Lin"}


def test_the_card_shows_who_was_assigned() -> None:
    """Owner, date and effort of the ledger stand before audit.yaml's."""
    made = card()
    target = next(f for f in made.findings if f.check == B)
    before = fold([(1, Assigned(at(0), "Kim", target.fingerprint, owner="Lin", due="2026-09-09", effort="M"))])
    one = next(f for f in add(made, before).card.findings if f.check == B)
    assert (one.owner, one.due, one.effort) == ("Lin", "2026-09-09", "M")


def test_an_audit_of_another_environment_lets_findings_be() -> None:
    """It didn't look there."""
    one = add(card())
    stage = replace(DOCUMENT, environment="stage", environment_kind="stage")
    two = add(card(passed(A), passed(B), document=stage, kind="stage"), one.after, name="2026-09-30", minute=1)
    assert not [e for e in two.events if isinstance(e, Gone)]


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (lambda: card(failed(A), ABSENT), "its check is no longer part of the audit"),
        (lambda: card(failed(A), failed(B), sought={"4.1": 2}), "its check is above the level that is sought"),
        (
            lambda: card(
                failed(A),
                skipped(B),
                policy={"not_applicable": (NotApplicable(B, "no keys", "Kim", "2026-08-01", "2026-09-30"),)},
            ),
            "its criterion is declared not applicable",
        ),
    ],
)
def test_why_a_finding_is_gone(later: Any, reason: str) -> None:
    """A check that was taken away is no check that passed."""
    one = add(card())
    number = check_finding(one)
    gone = [e for e in add(later(), one.after, name="2026-09-30", minute=1).events if isinstance(e, Gone)]
    assert [e.reason for e in gone if e.number == number] == [reason]


def test_rows_that_got_a_check_are_gone() -> None:
    """The finding about them names the dimension."""
    one = add(card(rows=True))
    assert "coverage" in {f.check for f in one.card.findings}
    gone = [e for e in add(card(), one.after, name="2026-09-30", minute=1).events if isinstance(e, Gone)]
    assert "every row of 4.1 that is sought has a check, or is declared not to apply" in {e.reason for e in gone}


def without_checks(made: Any) -> Any:
    """The card of a run that collected nothing."""
    return replace(made, dimensions=tuple(replace(d, criteria=()) for d in made.dimensions))


def test_a_run_that_can_be_filed_has_no_obstacle() -> None:
    """Formal, whole, by the standard, everything stated, each finding with an owner."""
    made = card()
    assert [*obstacles.of_run(made), *obstacles.of_document(made)] == []
    assert [*obstacles.of_ledger(made, State(), HEADS), *obstacles.of_owners(made, add(made).after)] == []


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: card(mode=Mode.REHEARSAL), "the run is a rehearsal; audit again: pytest --audit-sha=HEAD"),
        (
            lambda: card(loaded=False),
            "the run is by its own criteria; load the standard (audit.yaml: standard: bundled, or default), then "
            "audit again: pytest --audit-sha=HEAD",
        ),
        (lambda: card(seal=None), "the run did not end, its journal is torn; audit again: pytest --audit-sha=HEAD"),
        (
            lambda: card(seal=replace(SEALED, invalid="the build changed")),
            "the run is invalid: the build changed; deploy the commit, then audit again: pytest --audit-sha=HEAD",
        ),
        (
            lambda: without_checks(card()),
            "nothing was collected, so nothing was audited; start pytest where the checks are, and audit again: "
            "pytest --audit-sha=HEAD",
        ),
        (
            lambda: card(narrowing=("--lf", "node id a::b")),
            "the run is partial: --lf; node id a::b; audit again: pytest --audit-sha=HEAD (or `backend-audit merge` "
            "its shards)",
        ),
        (
            lambda: card(seal=replace(SEALED, interrupted="SIGTERM")),
            "the run is partial: SIGTERM; audit again: pytest --audit-sha=HEAD (or `backend-audit merge` its shards)",
        ),
    ],
)
def test_a_run_that_is_no_audit(made: Any, reason: str) -> None:
    """One reason each, with the way out."""
    assert list(obstacles.of_run(made())) == [reason]


def test_all_that_document_control_lacks_is_said_at_once() -> None:
    """By the keys of audit.yaml."""
    bare = card(document=Document(commit="1a2b3c4d"), policy={"incidents": None})
    assert list(obstacles.of_document(bare)) == [
        "audit.yaml does not state service (the service's name), environment (the environment), lead_auditor (who "
        "leads the audit), second_reviewer (who reviews levels of 4 and 5), distribution (who gets the scorecard), "
        "prior_audit (the audit before, or `none` for the first), runbook (a path in the repository, or a URL), "
        "incidents (`[]` says that there were none); add them, commit, and audit again: pytest --audit-sha=HEAD"
    ]
    nowhere = card(document=replace(DOCUMENT, commit="", distribution="  "))
    assert list(obstacles.of_document(nowhere)) == [
        "the commit is not stated; audit a commit: pytest --audit-sha=HEAD",
        "audit.yaml does not state distribution (who gets the scorecard); add it, commit, and audit again: pytest "
        "--audit-sha=HEAD",
    ]


def test_findings_without_an_owner_are_named() -> None:
    """With the command that names one."""
    made = card(policy={"owners": {"4.1": "Kim"}})
    [reason] = obstacles.of_owners(made, add(made).after)
    assert reason == (
        "7 findings have no owner, in 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8; name one: backend-audit findings assign "
        "--unassigned --owner NAME, or for the next audits in audit.yaml: owners"
    )
    made = card(policy={"owners": {f"4.{n}": "Kim" for n in range(1, 8)}})
    [nobody] = [f.id for f in made.findings if f.dimension == "4.8"]
    assert list(obstacles.of_owners(made, add(made).after)) == [
        f"1 finding has no owner, in 4.8; name one: backend-audit findings assign {nobody} --owner NAME, or for the "
        "next audits in audit.yaml: owners"
    ]


def test_a_run_is_filed_once_and_once_more_when_signed() -> None:
    """The same journals are the same run."""
    made = card()
    state = add(made).after
    already = ["the run was filed already, as 2026-08-31; there is nothing to do"]
    assert list(obstacles.of_ledger(made, state, HEADS)) == already
    assert list(obstacles.of_ledger(made, state, ("cd" * 32,))) == []
    signed = replace(made, sign_off=SignOff("grace@example.org", "SHA256:x", at(1), ("4.1",)))
    assert list(obstacles.of_ledger(signed, state, HEADS)) == []
    again = add(signed, state, name="2026-08-31-2").after
    assert list(obstacles.of_ledger(signed, again, HEADS)) == [already[0].replace("31;", "31-2;")]
    assert list(obstacles.of_ledger(made, again, HEADS)) == already


def stays(made: Card, state: State, number: str) -> str:
    """Why a run does not close a finding."""
    with pytest.raises(StaysOpenError) as caught:
        shown(made, state.find(number), state)
    return str(caught.value)


def test_a_finding_closes_by_the_output_of_its_check() -> None:
    """Which is what the check recorded, in a run of that check alone too."""
    one = add(card())
    tracked = one.after.find(check_finding(one))
    alone = card(passed(A), passed(B), narrowing=("1 check deselected by a plugin",))
    assert shown(alone, tracked, one.after) == "output: SHOW log_min_duration_statement\n250ms"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda: card(passed(A), failed(B)), "its check failed: 3 foreign keys without an index"),
        (lambda: card(passed(A), skipped(B)), "its check could not run: no server"),
        (lambda: card(passed(A), attempt(B)), "its check passed, but recorded no evidence"),
        (
            lambda: card(passed(A), ABSENT),
            f"its check is no longer part of the audit: {B}; the next audit that is filed takes note of that",
        ),
        (
            lambda: card(passed(A), passed(B), sought={"4.1": 2}, not_sought=(B,)),
            f"its check is above the level that is sought, and did not run: {B}",
        ),
        (
            lambda: card(passed(A), passed(B), document=replace(DOCUMENT, environment="stage")),
            "it was found in prod, and this run was in stage: --env prod, or, if that is its name before, state "
            "it (environments: stage: formerly: prod)",
        ),
    ],
)
def test_a_finding_whose_check_does_not_pass_stays_open(made: Any, reason: str) -> None:
    """And it is said why."""
    one = add(card())
    assert stays(made(), one.after, check_finding(one)) == reason


def test_rows_without_a_check_close_by_a_whole_run_only() -> None:
    """In which each has one."""
    one = add(card(rows=True))
    number = next(f.id for f in one.card.findings if f.check == "coverage")
    assert stays(card(rows=True), one.after, number) == "1 row of 4.1 without a check: rowed L3"
    assert stays(card(narrowing=("--lf",)), one.after, number) == (
        "it is about all of 4.1; a whole audit shows it: pytest --audit-sha=HEAD, then --run audit-report"
    )
    assert shown(card(), one.after.find(number), one.after) == (
        "no row of 4.1 Query Performance is without a check; 0 rows with one"
    )


def test_a_level_without_proof_closes_when_it_is_reached() -> None:
    """A new check that fails does not: then the finding is another one, but this one isn't mended."""
    one = add(card(passed(A), passed(B)))
    number = next(f.id for f in one.card.findings if f.check == "proof" and f.dimension == "4.1")
    assert one.after.find(number).finding.target == 4
    assert stays(card(passed(A), failed(B)), one.after, number) == "4.1 stands at L2, the target is L4"
    higher = check("audits/test_a.py::test_c", 4)
    planned = [check(A, 2), check(B, 3), higher]
    tried = [passed(A), passed(B), passed(higher.id)]
    reached = score(inputs(planned, loaded=True, document=DOCUMENT, rules=standard()), tried, SEALED)
    assert shown(reached, one.after.find(number), one.after) == "4.1 Query Performance stands at L4"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (card, ""),
        (lambda: card(narrowing=("--lf",)), ""),
        (
            lambda: card(mode=Mode.REHEARSAL),
            "the run is a rehearsal; a formal one closes findings: pytest --audit-sha=HEAD",
        ),
        (lambda: card(seal=None), "the run did not end"),
        (lambda: card(seal=replace(SEALED, interrupted="SIGTERM")), "the run did not end: SIGTERM"),
        (lambda: card(seal=replace(SEALED, invalid="the build changed")), "the run is invalid: the build changed"),
        (
            lambda: card(document=replace(DOCUMENT, service="cart"), config_path="audit.yaml"),
            "the run is of the service 'cart', the ledger of 'orders'",
        ),
        (
            lambda: card(document=replace(DOCUMENT, service="cart")),
            "the run found no audit.yaml; name it: --config PATH",
        ),
        (
            lambda: card(document=replace(DOCUMENT, commit="9" * 40)),
            "the run is of commit 999999999999, and 1a2b3c4d is checked out; findings are closed at the present commit",
        ),
    ],
)
def test_which_runs_close_findings(made: Any, reason: str) -> None:
    """Formal ones of the present commit that came to their end; narrowed ones do."""
    assert run_trouble(made(), "1a2b3c4d", "orders", ours=True) == reason
    if not made().partial:
        assert run_trouble(made(), "1a2b3c4d", "orders", ours=False) == reason


def test_a_run_that_somebody_narrowed_closes_nothing() -> None:
    """It may have left out the parameters that fail."""
    said = run_trouble(card(narrowing=("--lf",)), "1a2b3c4d", "orders", ours=False)
    assert said == "the run is partial: --lf; take a whole one, or have the checks run anew (no --run)"


def test_a_dispute_closes_with_its_finding() -> None:
    """Once the audit no longer has it."""
    one = add(card())
    number = check_finding(one)
    tracked = one.after.find(number)
    lines = [*one.after.events, (99, Disputed(at(1), "Lin", number, tracked.fingerprint, "no"))]
    two = add(card(passed(A), passed(B)), fold(lines), name="2026-09-30", minute=2)
    assert two.after.find(number).status is Status.GONE
    assert two.after.find(number).dispute is None


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


def test_a_merge_tells_the_kind_of_each_environment() -> None:
    """For an audit of one of them, which has to be of the same kind later."""
    runs = [replace(ran("prod", 6), kind="prod"), replace(ran("stage", 9), kind="stage")]
    filed = merged(card(passed(A), passed(B)), State(), *runs).events[0]
    assert isinstance(filed, Filed)
    assert filed.kinds == {"prod": "prod", "stage": "stage"}
    assert (filed.kinds_of("stage"), filed.kinds_of("other")) == (("stage",), (filed.environment_kind,))


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        ("2026-08-31T10:09:59.000Z", []),
        (
            "2026-08-31T10:10:01.000Z",
            [
                "the run is of 2026-08-31T10:10:01.000Z, and here it is 2026-08-31T10:00:00.000Z: one of the two "
                "clocks is wrong; set it, then audit again: pytest --audit-sha=HEAD"
            ],
        ),
    ],
)
def test_a_run_from_the_future_is_not_filed(instant: str, said: list[str]) -> None:
    """Until then no later run would have word of what it found."""
    assert list(obstacles.of_clock(instant, at(0))) == said


def test_a_pass_is_as_old_as_the_run_of_its_check() -> None:
    """Not as the merge that tells of it: a failure in between, filed late, is later word."""
    prod = add(card(passed(A), failed(B)), minute=1)
    number = check_finding(prod)
    done = merged(card(passed(A), passed(B)), prod.after, ran("prod", 3, B), ran("prod", 9, A), ran("stage", 9))
    assert stands(done.after, number) is Status.GONE
    between = add(card(passed(A), failed(B)), done.after, name="2026-10-01", minute=5)
    assert stands(between.after, number) is Status.OPEN


def test_a_check_that_got_another_criterion_mends_nothing() -> None:
    """It fails as before, under another fingerprint: the finding stays, with its owner and its date."""
    one = add(card())
    number = check_finding(one)
    made = card()
    other = replace(
        made,
        findings=tuple(replace(f, fingerprint="0f" * 32, criterion="other") for f in made.findings if f.check == B),
    )
    two = add(other, one.after, name="2026-09-30", minute=2)
    assert stands(two.after, number) is Status.OPEN
    title = next(f.title for f in other.findings if f.check == B)
    assert f"{number} stays open: the audit has the same by another criterion or standard: {title}" in two.notes


def test_a_level_without_proof_is_not_proven_by_a_failure() -> None:
    """A dimension with failures has no finding that nothing proves the next level."""
    one = add(card(passed(A), passed(B), sought={"4.1": 4}))
    number = next(f.id for f in one.card.findings if f.check == "proof" and f.dimension == "4.1")
    two = add(card(passed(A), failed(B), sought={"4.1": 4}), one.after, name="2026-09-30", minute=2)
    assert stands(two.after, number) is Status.OPEN
    assert f"{number} stays open: 4.1 stands at L2, the target is L4" in two.notes


def test_a_check_above_what_is_sought_mends_nothing() -> None:
    """As one whose level was raised in its mark; the filing says so."""
    one = add(card(passed(A), failed(B)))
    number = check_finding(one)
    high = card(passed(A), passed(B), sought={"4.1": 2}, not_sought=(B,))
    two = add(high, one.after, name="2026-09-30", minute=2)
    assert stands(two.after, number) is Status.GONE
    assert f"{number} is gone unmended: its check is above the level that is sought" in two.notes


def test_an_environment_of_another_kind() -> None:
    """Has no word on what was found; as one that was merged says its own kind."""
    one = add(card())
    stage = replace(DOCUMENT, environment_kind="stage")
    assert list(obstacles.of_kinds(one.after, [DOCUMENT])) == []
    assert list(obstacles.of_kinds(one.after, [stage, stage])) == [
        "prod was prod in 2026-08-31, and is stage in this run; give it another name in audit.yaml, then audit again: "
        "pytest --audit-sha=HEAD"
    ]


def test_a_shard_is_as_old_as_its_own_run() -> None:
    """Of several runs in one environment, that of the check counts; without one, the first of them all."""
    prod = add(card(), minute=5)
    a, b = check_finding(prod, A), check_finding(prod, B)
    done = merged(card(passed(A), passed(B)), prod.after, ran("prod", 3, A), ran("prod", 9, B), ran("stage", 9))
    assert (stands(done.after, a), stands(done.after, b)) == (Status.OPEN, Status.GONE)
    gone = merged(card(passed(A), passed(B)), prod.after, ran("prod", 3, A), ran("prod", 9, A), ran("stage", 9))
    assert (stands(gone.after, a), stands(gone.after, b)) == (Status.OPEN, Status.OPEN)


STAGE = replace(DOCUMENT, environment="stage", environment_kind="stage")


def merged_of(tried: dict[str, list[Attempt]]) -> Card:
    """The card of a run in each environment; the first check passed in both."""
    planned, runs = [check(A, 2), check(B, 3)], []
    for place, attempts in tried.items():
        document = replace(DOCUMENT, environment=place, environment_kind=place)
        runs.append((inputs(planned, document=document, kind=place), [passed(A), *attempts], SEALED))
    return score_merged(runs)


def test_what_failed_somewhere_needs_a_pass_there() -> None:
    """Though what was told of it last tells nothing new, and by another name of the environment."""
    prod = add(card(passed(A), failed(B)), minute=1)
    number = check_finding(prod)
    stage = add(card(passed(A), failed(B), document=STAGE, kind="stage"), prod.after, name="2026-09-01", minute=2)
    away = add(card(passed(A), skipped(B), document=STAGE, kind="stage"), stage.after, name="2026-09-02", minute=3)
    assert [e.outcome for _, e in away.after.find(number).history if isinstance(e, Found)][:2] == ["failed", "failed"]
    made = merged_of({"prod": [passed(B)], "stage": [skipped(B)]})
    tracked = away.after.find(number)
    assert shown_in(made, tracked, away.after) == ("prod",)
    never = add(card(passed(A), skipped(B), document=STAGE, kind="stage"), minute=1)
    assert shown_in(made, never.after.find(check_finding(never)), never.after) == ("prod", "stage")


def test_an_environment_that_answered_in_part_shows_nothing() -> None:
    """One of its check's instances could not run there."""
    one, two = f"{B}[a]", f"{B}[b]"
    prod = [replace(passed(B), instance=one), replace(skipped(B), instance=two)]
    stage = [replace(passed(B), instance=name) for name in (one, two)]
    made = merged_of({"prod": prod, "stage": stage})
    result = next(r for r in made.checks if r.check.id == B)
    assert (result.outcome.value, result.environments) == ("passed", ("stage",))
