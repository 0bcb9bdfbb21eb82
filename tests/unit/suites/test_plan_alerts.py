"""Alerts on plans, of systems that differ from the reference one."""

from __future__ import annotations

import pytest

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.plan_alerts import NAMES
from pytest_backend_audit.suites.query_performance.plan_alerts import test_an_alert_fires_when_a_plan_flips as check
from pytest_backend_audit.testing import run_check

SCANS = "pg_stat_user_tables_seq_scan"
HEAD = "none of 1 alerting rules watches sequential scans or changes of plans"
HINT = (
    "  one that does: {alert: UnexpectedSequentialScans, expr: 'rate(pg_stat_user_tables_seq_scan[5m]) > 1', for: 10m}"
)
NOBODY = "  one that does: none yet, since nobody exports the database's counters (pg_stat_user_tables)"


class Watching:
    """For ``audit_prometheus``: alerts A0, A1, ..., a recording rule, and the expressions that have a value."""

    def __init__(self, *queries: str, there: tuple[str, ...] = (), names: tuple[str, ...] = (SCANS,)) -> None:
        self.queries, self.there, self.names, self.health = queries, there, names, "ok"

    def rules(self) -> list[dict[str, str]]:
        """All of them."""
        alerts = [
            {"type": "alerting", "name": f"A{n}", "query": q, "health": self.health, "lastError": "bad"}
            for n, q in enumerate(self.queries)
        ]
        return [*alerts, {"type": "recording", "name": "table:scans", "query": f"rate({SCANS}[5m])", "health": "ok"}]

    def query(self, promql: str) -> list[dict[str, object]]:
        """Samples, if there are any."""
        if promql == NAMES:
            return [{"metric": {"__name__": name}, "value": [0, "1"]} for name in self.names]
        return [{"metric": {}, "value": [0, "1"]}] if "".join(promql.split()) in self.there else []


def judge(prometheus: Watching):
    """The check."""
    return run_check(check, audit_prometheus=prometheus)


@pytest.mark.parametrize(
    "query",
    [f'rate({SCANS}{{relname="orders"}}[5m]) > 10', f"{SCANS} > 10", "table:scans > 10"],
)
def test_a_rule_on_scans_is_one(query: str) -> None:
    """Of the series, or of what a recording rule makes of it."""
    there = (SCANS, f'{SCANS}{{relname="orders"}}', "table:scans", query.partition(" > ")[0])
    ran = judge(Watching("up == 0", query, there=there))
    assert (ran.status, ran.reason) == (Status.PASSED, "")


@pytest.mark.parametrize(
    ("prometheus", "said"),
    [
        (Watching("up == 0"), [f"{HEAD}: A0", HINT]),
        (Watching("up == 0", names=()), [f"{HEAD}: A0", NOBODY]),
        (Watching(f"{SCANS} > 10"), [HEAD, f"  - A0: no series is {SCANS}", HINT]),
        (Watching(f"rate({SCANS}[5m]) > 10", there=(SCANS,)),
         [HEAD, f"  - A0: nothing comes of rate ( {SCANS} [ 5m ] ): do the labels match?", HINT]),
    ],
)  # fmt: skip
def test_no_rule_or_one_that_would_never_fire_fails(prometheus: Watching, said: list[str]) -> None:
    """And a rule is given for what is exported."""
    ran = judge(prometheus)
    assert (ran.status, ran.reason.splitlines()) == (Status.FAILED, said)


def test_an_unhealthy_rule_fails() -> None:
    """With what the server says of it."""
    prometheus = Watching(f"{SCANS} > 10", there=(SCANS,))
    prometheus.health = "err"
    assert judge(prometheus).reason.splitlines()[1] == "  - A0: its health is err: bad"
