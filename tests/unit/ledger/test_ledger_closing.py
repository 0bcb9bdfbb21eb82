"""Which run closes a finding, and which leaves it open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.ledger.filings import (
    ABSENT,
    DOCUMENT,
    STAGE,
    A,
    B,
    add,
    card,
    check_finding,
    merged_of,
    stays,
)
from unit.scoring.scoring_cases import SEALED, attempt, check, failed, inputs, passed, skipped, standard

from pytest_backend_audit.ledger.closing import run_trouble, shown
from pytest_backend_audit.ledger.events import Found
from pytest_backend_audit.ledger.speaking import shown_in
from pytest_backend_audit.model import (
    Mode,
)
from pytest_backend_audit.scoring import score


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
            "it is open in prod, and this run was in stage: --env prod, or, if that is its name before, state "
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
            "the run is of the service 'cart', the ledger of 'orders'; if that is its name before, give it back in "
            "audit.yaml (service: orders); else name that service's audit.yaml: --config PATH",
        ),
        (
            lambda: card(document=replace(DOCUMENT, service="cart")),
            "the run found no audit.yaml; name it: --config PATH",
        ),
        (
            lambda: card(loaded=False),
            "the run is by its own criteria; load the standard (audit.yaml: standard: bundled, or default) and commit",
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
