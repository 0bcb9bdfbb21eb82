"""An alert fires when a pool is saturated.

The alerting rules of Prometheus are read; those that ask for the callers that wait for a connection of a pool, or for
the connections in use, watch saturation, themselves or by way of recording rules; and so do those that ask PgBouncer's
exporter for the clients that wait in it. Each expression is then evaluated: the rule is healthy, each series that it
asks for is there, of an application's pool for the service (targets.prometheus.selector), and what it compares has a
value. A rule that asks for a series that was renamed, or whose labels don't match, would never fire.

Impact: The pool runs full, requests queue for connections, and the first to tell are customers.

Remediation: Alert on callers that wait, or on the share of the pool that is in use; the message gives a rule.

Verification: promtool check rules, and the expression without its comparison in Prometheus' graph shows the pool.

Effort: S
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.alert_rules import Selector, alerting, asked
from pytest_backend_audit.analysis.pool_metrics import ACTIVE, WAITING, signal_of
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites._alerts import matchers, why_silent

POOLERS = re.compile(r"pgbouncer_pools?_(?:client_(?:waiting|maxwait)|cl_waiting|maxwait)")
"""Series of PgBouncer's exporters that tell who waits in it; they bear the pooler's labels, not the service's."""


@audit(dimension="4.2", criterion="saturation-alerts", level=4)
def test_an_alert_fires_when_a_pool_is_saturated(audit_prometheus: Any) -> None:
    """An alert fires when a pool is saturated."""
    rules = audit_prometheus.rules()
    alerts = alerting(rules)
    watching = [rule for rule in alerts if any(map(_tells_saturation, asked(rule, rules)))]
    faults = {rule["name"]: why_silent(rule, audit_prometheus, _of_a_pooler) for rule in watching}
    sound = [name for name, fault in faults.items() if not fault]
    assert sound, (
        f"none of {len(alerts)} alerting rules watches a pool's waiting callers or used connections"
        + ("" if watching else f": {listed(rule['name'] for rule in alerts) or 'there are none'}")
        + f"{lines(f'{name}: {fault}' for name, fault in faults.items())}\n"
        f"one that does: {_rule(audit_prometheus)}"
    )


def _tells_saturation(selector: Selector) -> bool:
    return _of_a_pooler(selector.name) or signal_of(selector.name, selector.labels) in {WAITING, ACTIVE}


def _of_a_pooler(name: str) -> bool:
    return POOLERS.match(name) is not None


def _rule(prometheus: Any) -> str:
    """A rule for the series that the service has."""
    names: Sequence[str] = sorted(n for n in prometheus.series_counts() if signal_of(n, {}) == WAITING)
    if not names:
        return "none yet, since no pool exports who waits (4.2 pool-metrics)"
    labels = f"{{{matchers(prometheus.selector)}}}" if prometheus.selector else ""
    return f"{{alert: PoolSaturated, expr: '{names[0]}{labels} > 0', for: 5m}}"
