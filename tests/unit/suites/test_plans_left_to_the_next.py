"""What the comparison of plans leaves to the next audit where it can't compare, or not all."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from pytest_backend_audit import CouldNotRun
from pytest_backend_audit.analysis.plan_steps import Kept, Step
from pytest_backend_audit.analysis.plans import read
from pytest_backend_audit.baseline import Baseline
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance import plan_regressions
from pytest_backend_audit.suites.query_performance._plans import Planned, Plans
from pytest_backend_audit.suites.query_performance.plan_regressions import Keeping
from pytest_backend_audit.suites.query_performance.plan_regressions import (
    test_plans_are_those_of_the_prior_audit as check,
)
from pytest_backend_audit.targets.evidence import ByHand
from pytest_backend_audit.testing import run_check
from pytest_backend_audit.testing.running import INSTANT

OLD = "2025-12-01T12:00:00.000Z"
BY_INDEX = (Step(0, "", "s.t", "by", ("s.i",)),)
ONE = Kept("SELECT 1 FROM t", BY_INDEX, None, {"s.i": "CREATE INDEX CONCURRENTLY i ON s.t USING btree (a);"}, OLD)
SCAN = read([{"Plan": {"Node Type": "Seq Scan", "Schema": "s", "Relation Name": "t"}}])
INDEX_SCAN = {
    "Node Type": "Index Scan",
    "Schema": "s",
    "Relation Name": "t",
    "Index Name": "i",
    "Index Cond": "(a = 1)",
}
NOTHING = Plans((), ())
NOW = Planned("1", "", 1, 1, 1.0, 1.0, None, "SELECT 2 FROM t", SCAN)
SAME = Planned("", "", 0, 0, 0.0, 0.0, None, ONE.statement, read([{"Plan": INDEX_SCAN}]))


class Postgres:
    """Has this one index, and no other."""

    def execute(self, statement: str, values: object) -> SimpleNamespace:
        """The index where indexes are asked for."""
        row = SimpleNamespace(schema="s", name="i", root="s.i", definition="CREATE INDEX i ON s.t USING btree (a)")
        rows = [row] if statement == plan_regressions.INDEXES and values != [[], []] else []
        return SimpleNamespace(fetchall=lambda: rows)


@pytest.fixture
def audited(audit_yaml, monkeypatch):
    """The check, of a baseline and what is planned; with it what it kept."""

    def audit(kept, lost=(), *, top=lambda: Plans((NOW,), ()), rest=NOTHING):
        around = audit_yaml()
        monkeypatch.setattr(plan_regressions, "plans", lambda *_: top())
        monkeypatch.setattr(plan_regressions, "again", lambda *_: rest)
        baseline = Baseline("prior audit", OLD, "1a2b3c4" * 6, (), kept, lost)
        ran = run_check(
            check, on=around.runtime.recorder, audit_postgres=Postgres(), audit_settings=around.settings,
            audit_acknowledged=around.acknowledged, keeping=Keeping(baseline, ByHand(around.runtime), INSTANT),
        )  # fmt: skip
        return ran, {piece.title: json.loads(piece.body) for piece in ran.evidence if piece.facts.get("kept")}

    return audit


def broken() -> Plans:
    """Nothing can be planned today."""
    raise CouldNotRun("no statements today")


def test_what_was_kept_is_kept_again_where_nothing_can_be_planned(audited) -> None:
    """One audit without statements forgets no plan, and keeps nothing of others."""
    ran, kept = audited({f"plan {ONE.key}": ONE.data(), "other": 1}, top=broken)
    assert (ran.status, ran.reason) == (Status.COULD_NOT_RUN, "no statements today")
    assert kept == {f"plan {ONE.key}": ONE.data()}


def test_what_another_version_kept_is_kept_again(audited) -> None:
    """As it is; how to get rid of it is told."""
    ran, kept = audited({"plan a": {"new": 1}, f"plan {ONE.key}": ONE.data()})
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith(
        "the prior audit kept plans as another version does (no plan: KeyError('statement')): "
    )
    assert ran.reason.endswith("audit once without --audit-prior, and give the next audit that one's report folder")
    assert kept == {"plan a": {"new": 1}, f"plan {ONE.key}": ONE.data()}


def test_a_statement_that_can_not_be_planned_today_is_kept(audited) -> None:
    """Whatever the reason, as a lock that was waited for: it is compared when it can be planned again."""
    late = Planned("", ONE.statement, 0, 0, 0.0, 0.0, None, reason="canceling statement due to lock timeout")
    ran, kept = audited({f"plan {ONE.key}": ONE.data()}, rest=Plans((late,), ()))
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "none of 1 statements of the prior audit can be planned any more",
    )
    assert kept[f"plan {ONE.key}"] == ONE.data()
    assert len(kept) == 2


def test_plans_that_can_not_be_read_any_more_are_no_success(audited) -> None:
    """Though all others are as they were; other values of the check and those that came after are no matter."""
    before = {f"plan {ONE.key}": ONE.data()}
    rest = Plans((SAME,), ())
    ran, _ = audited(before, ("plan a", "other", f"plan {ONE.key}", "plan b"), rest=rest)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "2 plans that the prior audit kept can't be read: plan a, plan b",
    )
    ran, _ = audited(before, ("other",), rest=rest)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
