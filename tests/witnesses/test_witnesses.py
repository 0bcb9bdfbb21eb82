"""Every seeded defect turns its check red by name and nothing else; the sound service is green. On real servers."""

from __future__ import annotations

import os

import pytest

from pytest_backend_audit.demo.defects import CATALOGUE
from pytest_backend_audit.model import Status
from witnesses.catalogue import POOLER, WITNESSES, Witness

pytestmark = pytest.mark.live


def _case(witness: Witness) -> object:
    marks = [pytest.mark.needs("pgbouncer")] if CATALOGUE[witness.switch].needs_pooler else []
    return pytest.param(witness, id=str(witness), marks=marks)


@pytest.mark.parametrize("number", range(1, 1 + int(os.environ.get("SOUND_ROUNDS", "1"))))
def test_the_sound_service_is_green(stack, audit_of, number: int) -> None:
    """Every bundled check passes, and has evidence; the pooler's only where the machine has one."""
    stack.set_defects(())
    attempts = audit_of({})
    told = {check: a.reason for check, a in attempts.items() if a.status is not Status.PASSED}
    assert told == ({} if stack.pooler else {POOLER: "targets.pgbouncer is not configured (audit.yaml)"})
    assert [check for check, a in attempts.items() if a.status is Status.PASSED and not a.evidence] == []
    assert {w.check for w in WITNESSES} <= set(attempts)


@pytest.mark.parametrize("witness", [_case(w) for w in WITNESSES])
def test_the_defect_is_seen(stack, audit_of, witness: Witness) -> None:
    """The check fails with the words that name the defect; no check fails that has nothing to do with it."""
    stack.set_defects([witness.switch])
    attempts = audit_of(witness.thresholds)
    red = {check: a for check, a in attempts.items() if a.status is not Status.PASSED}
    assert witness.check in red, {check: a.reason for check, a in red.items()}
    seen = red[witness.check]
    assert seen.status is Status.FAILED
    assert [words for words in witness.says if words not in seen.reason] == [], seen.reason
    expected = {witness.check, *witness.also}
    allowed = expected | set(witness.maybe) | (set() if stack.pooler else {POOLER})
    assert expected <= set(red) <= allowed, {check: a.reason for check, a in red.items()}
