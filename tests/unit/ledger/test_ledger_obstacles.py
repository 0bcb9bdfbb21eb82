"""What keeps a run from being filed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.ledger.filings import (
    DOCUMENT,
    HEADS,
    add,
    card,
)
from unit.ledger.ledgers import at
from unit.scoring.scoring_cases import SEALED

from pytest_backend_audit.ledger import State, obstacles
from pytest_backend_audit.model import (
    Document,
    Mode,
    SignOff,
)


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
    [reason] = obstacles.of_owners(made, add(made).after, "--run out/stage")
    assert f"assign {nobody} --owner NAME --run out/stage, or for the next audits" in reason


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
    assert list(obstacles.of_clock(replace(card().inputs, instant=instant), at(0))) == said


def test_an_environment_of_another_kind() -> None:
    """Has no word on what was found; as one that was merged says its own kind."""
    one = add(card())
    prod = one.card.inputs
    stage = replace(prod, document=replace(DOCUMENT, environment_kind="stage"))
    assert list(obstacles.of_kinds(one.after, [prod])) == []
    assert list(obstacles.of_kinds(one.after, [stage, stage])) == [
        "prod was prod in 2026-08-31, and is stage in this run; give it another name in audit.yaml, then audit again: "
        "pytest --audit-sha=HEAD"
    ]
