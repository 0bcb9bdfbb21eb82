"""An alert fires when a plan flips or a large table is scanned sequentially against expectation.

The alerting rules of Prometheus are read; those that ask for sequential scans or for changes of plans watch for it,
themselves or by way of recording rules. Each expression is then evaluated: the rule is healthy, each series that it
asks for is there, and what it compares has a value. A rule for a series that nobody exports would never fire.

Impact: An index is dropped, or the planner's estimate tips over with the next ten thousand rows, and a statement of a
millisecond reads the whole table from then on; who notices first is whoever waits for it.

Remediation: Have the database's counters exported (postgres_exporter: pg_stat_user_tables), and alert on rows that are
read by sequential scans of the large tables; the message gives a rule.

Verification: promtool check rules, and the expression without its comparison in Prometheus' graph shows the tables.

Effort: S
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.alert_rules import alerting, asked, compared, selectors
from pytest_backend_audit.analysis.plan_metrics import proposed, tells_plans
from pytest_backend_audit.analysis.text import lines, listed

NAMES = 'count by (__name__) ({__name__=~".*(seq_|sequential_|plan).*"})'


@audit(dimension="4.1", criterion="plan-alerts", level=5)
def test_an_alert_fires_when_a_plan_flips(audit_prometheus: Any) -> None:
    """An alert fires when a plan flips or a large table is scanned sequentially against expectation."""
    rules = audit_prometheus.rules()
    alerts = alerting(rules)
    watching = [rule for rule in alerts if any(tells_plans(s.name) for s in asked(rule, rules))]
    faults = {rule["name"]: _silent(rule, audit_prometheus) for rule in watching}
    sound = [name for name, fault in faults.items() if not fault]
    assert sound, (
        f"none of {len(alerts)} alerting rules watches sequential scans or changes of plans"
        + ("" if watching else f": {listed(rule['name'] for rule in alerts) or 'there are none'}")
        + f"{lines(f'{name}: {fault}' for name, fault in faults.items())}\n"
        f"one that does: {_rule(audit_prometheus)}"
    )


def _silent(rule: Mapping[str, Any], prometheus: Any) -> str:
    """Why a rule would not fire; the database's series are another job's than the service's."""
    if rule.get("health") != "ok":
        return f"its health is {rule.get('health')}: {rule.get('lastError') or 'not evaluated yet'}"
    missing = [s.text for s in selectors(rule["query"]) if not prometheus.query(s.text)]
    if missing:
        return f"no series is {listed(missing)}"
    empty = [side for side in compared(rule["query"]) if not prometheus.query(side)]
    return f"nothing comes of {listed(empty)}: do the labels match?" if empty else ""


def _rule(prometheus: Any) -> str:
    """A rule for the series that are there."""
    names = [sample["metric"].get("__name__", "") for sample in prometheus.query(NAMES)]
    return proposed(names) or "none yet, since nobody exports the database's counters (pg_stat_user_tables)"
