"""When a finding goes by a later audit, and when it only looks so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.ledger.filings import (
    ABSENT,
    DOCUMENT,
    A,
    B,
    add,
    card,
    check_finding,
    stands,
)
from unit.ledger.ledgers import at
from unit.scoring.scoring_cases import failed, passed, skipped

from pytest_backend_audit.ledger import Status
from pytest_backend_audit.ledger.events import Disputed, Gone
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.model import (
    NotApplicable,
)


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


def test_a_dispute_closes_with_its_finding() -> None:
    """Once the audit no longer has it."""
    one = add(card())
    number = check_finding(one)
    tracked = one.after.find(number)
    lines = [*one.after.events, (99, Disputed(at(1), "Lin", number, tracked.fingerprint, "no"))]
    two = add(card(passed(A), passed(B)), fold(lines), name="2026-09-30", minute=2)
    assert two.after.find(number).status is Status.GONE
    assert two.after.find(number).dispute is None


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


def test_what_went_unmended_is_mended_once_its_check_is_back_and_passes() -> None:
    """Until then it stays what it was, whatever the audits in between have looked at."""
    one = add(card(passed(A), failed(B)))
    number = check_finding(one)
    away = card(passed(A), passed(B), sought={"4.1": 2}, not_sought=(B,))
    two = add(away, one.after, name="2026-09-30", minute=2)
    still = add(away, two.after, name="2026-10-01", minute=3)
    assert still.after.find(number).unmended == "its check is above the level that is sought"
    assert [e for e in still.events if isinstance(e, Gone)] == []
    blind = add(card(passed(A), skipped(B)), still.after, name="2026-10-02", minute=4)
    assert stands(blind.after, number) is Status.OPEN
    back = add(card(passed(A), passed(B)), still.after, name="2026-10-02", minute=4)
    tracked = back.after.find(number)
    assert (tracked.status, tracked.unmended, tracked.reason) == (Status.GONE, "", "its check passed")
    assert [e.reason for e in back.events if isinstance(e, Gone)] == ["its check passed"]


def test_what_two_branches_let_go_unmended_is_mended_by_a_pass() -> None:
    """Both of them filed an audit that did not look."""
    one = add(card(passed(A), failed(B)))
    number = check_finding(one)
    away = card(passed(A), passed(B), sought={"4.1": 2}, not_sought=(B,))
    sides = [add(away, one.after, name=f"2026-09-0{n}", minute=n).events for n in (2, 3)]
    joined = fold(enumerate([*(e for _, e in one.after.events), *sides[0], *sides[1]], 1))
    assert joined.find(number).unmended
    back = add(card(passed(A), passed(B)), joined, name="2026-10-02", minute=4)
    assert (back.after.find(number).unmended, back.after.find(number).reason) == ("", "its check passed")


def test_what_went_unmended_in_one_environment_is_mended_there_while_it_is_open_elsewhere() -> None:
    """Its pass counts whenever it comes."""
    stage = replace(DOCUMENT, environment="stage", environment_kind="stage")
    one = add(card(passed(A), failed(B)))
    number = check_finding(one)
    two = add(card(passed(A), passed(B), sought={"4.1": 2}, not_sought=(B,)), one.after, name="2026-09-02", minute=2)
    three = add(card(passed(A), failed(B), document=stage, kind="stage"), two.after, name="2026-09-03", minute=3)
    four = add(card(passed(A), passed(B)), three.after, name="2026-09-04", minute=4)
    assert four.after.find(number).where == ("stage",)
    five = add(card(passed(A), passed(B), document=stage, kind="stage"), four.after, name="2026-09-05", minute=5)
    assert (five.after.find(number).unmended, five.after.find(number).reason) == ("", "its check passed")


def test_a_check_above_what_is_sought_mends_nothing() -> None:
    """As one whose level was raised in its mark; the filing says so."""
    one = add(card(passed(A), failed(B)))
    number = check_finding(one)
    high = card(passed(A), passed(B), sought={"4.1": 2}, not_sought=(B,))
    two = add(high, one.after, name="2026-09-30", minute=2)
    assert stands(two.after, number) is Status.GONE
    assert f"{number} is gone unmended: its check is above the level that is sought" in two.notes
