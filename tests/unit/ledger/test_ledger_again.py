"""The command that a message gives for another audit works: it has the environment where there is a choice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.ledger.filings import DOCUMENT, add, card
from unit.ledger.ledgers import at

from pytest_backend_audit.ledger import obstacles
from pytest_backend_audit.ledger.again import again, command, command_in
from pytest_backend_audit.ledger.closing import run_trouble
from pytest_backend_audit.model import Mode
from pytest_backend_audit.signoff.rules import unsignable

TWO = {"environments": {"prod": {"kind": "prod"}, "the stage": {"kind": "stage"}}}


@pytest.mark.parametrize(
    ("config", "environment", "told"),
    [
        ({}, "prod", "pytest --audit-sha=HEAD"),
        ({"environment": "prod"}, "prod", "pytest --audit-sha=HEAD"),
        ({"environments": {"prod": {"kind": "prod"}}}, "prod", "pytest --audit-sha=HEAD"),
        (TWO, "prod", "pytest --audit-sha=HEAD --audit-env=prod"),
        (TWO, "the stage", "pytest --audit-sha=HEAD --audit-env='the stage'"),
        # Of a merge.
        (TWO, "prod, the stage", "pytest --audit-sha=HEAD --audit-env=prod, or --audit-env='the stage'"),
    ],
)
def test_the_environment_is_named_where_there_are_several(config: Any, environment: str, told: str) -> None:
    """Without it such an audit is a usage error; where there is one, pytest takes that."""
    made = card(document=replace(DOCUMENT, environment=environment), config=config).inputs
    assert command(made) == told
    assert again(made) == f"audit again: {told}"


def test_where_nothing_is_known_of_environments_none_is_named() -> None:
    """As in what is told of a folder without a run."""
    assert command_in(()) == "pytest --audit-sha=HEAD"


def test_whoever_asks_for_another_audit_names_the_environment() -> None:
    """Filing, closing and signing; what has to get another name is named by no old one."""
    made = card(config=TWO, mode=Mode.REHEARSAL)
    told = "pytest --audit-sha=HEAD --audit-env=prod"
    assert list(obstacles.of_run(made)) == [f"the run is a rehearsal; audit again: {told}"]
    assert list(obstacles.of_document(card(config=TWO, document=replace(DOCUMENT, commit="")))) == [
        f"the commit is not stated; audit a commit: {told}"
    ]
    late = replace(made.inputs, instant=at(59))
    assert [text.endswith(f"set it, then audit again: {told}") for text in obstacles.of_clock(late, at(0))] == [True]
    assert run_trouble(made, "1a2b3c4d", "orders", ours=False) == (
        f"the run is a rehearsal; a formal one closes findings: {told}"
    )
    assert unsignable(made, 4) == f"a rehearsal can't be signed; audit a commit: {told}"
    stage = replace(made.inputs, document=replace(DOCUMENT, environment_kind="stage"))
    assert [text.rpartition(", then ")[2] for text in obstacles.of_kinds(add(card()).after, [stage])] == [
        "audit again: pytest --audit-sha=HEAD --audit-env=NAME"
    ]
