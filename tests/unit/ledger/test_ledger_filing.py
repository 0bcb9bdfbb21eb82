"""What a filed card adds to the ledger: numbers, what is new, and whose it is."""

from __future__ import annotations

from dataclasses import replace

from unit.ledger.filings import (
    HEADS,
    A,
    B,
    add,
    card,
    check_finding,
    kinds,
    merged,
    ran,
)
from unit.ledger.ledgers import at
from unit.scoring.scoring_cases import attempt, failed, passed

from pytest_backend_audit import model
from pytest_backend_audit.ledger import State
from pytest_backend_audit.ledger.events import Assigned, Filed, Found, Gone
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.model import (
    Evidence,
    EvidenceKind,
)


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


def test_a_merge_tells_the_kind_of_each_environment() -> None:
    """For an audit of one of them, which has to be of the same kind later."""
    runs = [replace(ran("prod", 6), kind="prod"), replace(ran("stage", 9), kind="stage")]
    filed = merged(card(passed(A), passed(B)), State(), *runs).events[0]
    assert isinstance(filed, Filed)
    assert filed.kinds == {"prod": "prod", "stage": "stage"}
    assert (filed.kinds_of("stage"), filed.kinds_of("other")) == (("stage",), (filed.environment_kind,))
