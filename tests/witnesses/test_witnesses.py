"""Every seeded defect turns its check red by name and nothing else; the sound service is green. On real servers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
import turns

from pytest_backend_audit import suites
from pytest_backend_audit.demo.defects import CATALOGUE, Defect
from pytest_backend_audit.demo.stack.stack import Stack
from pytest_backend_audit.model import Status
from pytest_backend_audit.standard import load
from witnesses import choice, matrix, told
from witnesses.matrix import Sight

pytestmark = pytest.mark.live

POOLER = "connections.pooler::test_the_service_comes_through_a_pooler"
PREPARED = "query_performance.prepared_statements::test_hot_paths_are_prepared"
WITNESSED = tuple(d for d in CATALOGUE.values() if d.witnesses)
SHARE = 1
"""Defects that there is time for in a run that does not throw all of them: with the sound service three minutes."""


def _imports(module: str) -> Iterable[str]:
    for path in Path(next(iter(suites.__path__))).glob("*/*.py"):
        if re.search(rf"analysis(?:\.| import .*\b){module}\b", path.read_text("utf-8")):
            yield path.stem.replace("_", "-")


def _chosen() -> tuple[Defect, ...]:
    """By the variable WITNESSES: ``all`` (the default), ``share``, or names, as `scripts/witnesses` takes them."""
    wanted = os.environ.get("WITNESSES", "all")
    if wanted == "all":
        return WITNESSED
    if wanted == "share":
        turn = turns.turn()
        return WITNESSED if turn is None else choice.shared(WITNESSED, turns.changed(), _imports, turn, SHARE)
    return choice.named(WITNESSED, wanted.split())


def _suites(defect: Defect) -> list[str]:
    """What a defect is audited by: its dimension, and those of others that must see it; all, if WITNESSES_WHOLE."""
    if os.environ.get("WITNESSES_WHOLE"):
        return ["all"]
    folders = {d.folder: d.id for d in load("default").dimensions}
    others = {folders[check.partition(".")[0]] for w in defect.witnesses for check in w.also}
    return sorted({defect.dimension, *others})


def _lacking(stack: Stack) -> dict[str, str]:
    """Checks that this machine has not all for, and why they could not run."""
    if stack.pooler is None:
        lacking = "targets.pgbouncer is not configured (audit.yaml): declare it, for instance "
        return {POOLER: lacking + 'pgbouncer: {dsn: "${AUDIT_PGBOUNCER_DSN}"}'}
    if stack.pooler.prepares:
        return {}
    # Debian 12's; past it the check is seen green below.
    return {
        PREPARED: "PgBouncer 1.18 (orders/orders_app) prepares nothing in transaction mode: use 1.21 or later, with "
        "max_prepared_statements"
    }


def _case(defect: Defect) -> object:
    return pytest.param(defect, id=defect.name, marks=[pytest.mark.needs(n) for n in defect.needs])


def test_the_sound_service_is_green(stack, audit_of, seen) -> None:
    """Every bundled check passes, and has evidence, less what the machine has not all for. Round after round."""
    stack.set_defects(())
    rounds: list[dict[str, str]] = []
    said: dict[str, str] = {}
    for _ in range(int(os.environ.get("SOUND_ROUNDS", "1"))):
        attempts = audit_of({})
        reasons = {check: a.reason for check, a in attempts.items() if a.status is not Status.PASSED}
        assert reasons == _lacking(stack)
        assert [check for check, a in attempts.items() if a.status is Status.PASSED and not a.evidence] == []
        rounds.append({check: reasons.get(check, "") for check in attempts})
        said = {check: told.evidence(a.evidence) for check, a in attempts.items()}
    assert {w.check for d in WITNESSED for w in d.witnesses} <= set(rounds[0])
    seen.green.update(matrix.merged(rounds, said))


@pytest.mark.needs("pgbouncer")
def test_statements_are_prepared_where_the_pooler_does_not_keep_them_from_it(stack, audit_of) -> None:
    """Past the pooler, where that is an old one: the service does what it can."""
    stack.set_defects(["pooler-bypassed"])
    attempts = audit_of({}, ["4.1"], [PREPARED])
    assert {check: (a.status, a.reason) for check, a in attempts.items()} == {PREPARED: (Status.PASSED, "")}


@pytest.mark.parametrize("defect", [_case(d) for d in _chosen()])
def test_the_defect_is_seen(stack, audit_of, seen, defect: Defect) -> None:
    """Its checks fail by the words that name it; none fails that has nothing to do with it; the remedy told is one."""
    stack.set_defects([defect.name])
    thresholds = {name: value for w in defect.witnesses for name, value in w.thresholds.items()}
    attempts = audit_of(thresholds, _suites(defect))
    red = {check: a for check, a in attempts.items() if a.status is not Status.PASSED}
    reasons = {check: a.reason for check, a in red.items()}
    for witness in defect.witnesses:
        assert witness.check in red, reasons
        found = red[witness.check]
        assert found.status is Status.FAILED
        assert [words for words in witness.says if words not in found.reason] == [], found.reason
    expected = {check for w in defect.witnesses for check in (w.check, *w.also)}
    allowed = expected | {check for w in defect.witnesses for check in w.maybe}
    assert expected <= set(red) <= allowed | _lacking(stack).keys(), reasons
    remedy = ""
    if defect.remedy is not None:
        advice = " ".join(reasons[w.check] for w in defect.witnesses)
        assert [line for line in (*defect.remedy.sql, *defect.remedy.redis) if line not in advice] == [], advice
        with stack.remedied(defect):
            again = audit_of(thresholds, [defect.dimension], [w.check for w in defect.witnesses])
        not_green = {w.check: again[w.check].reason for w in defect.witnesses if again[w.check].status != Status.PASSED}
        assert not_green == {}
        remedy = "green"
    for witness in defect.witnesses:
        said = told.message(reasons[witness.check])
        seen.red[matrix.pair(defect, witness.check)] = Sight(times=1, of=1, remedy=remedy, said=said)
