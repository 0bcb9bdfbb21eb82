"""An alert watches the hit rate.

The alerting rules of Prometheus are read; those that ask for what a cache found or missed, themselves or by way of
recording rules, watch the hit rate. Each expression is then evaluated: the rule is healthy, each series that it asks
for is there for the service (targets.prometheus.selector), and what it compares has a value.

Impact: A deploy that changes a key, or a cache that evicts too early, shows as a slow database some day, and nobody
thinks of the cache.

Remediation: Alert on the share of lookups that hit, over some minutes; the message gives a rule.

Verification: promtool check rules, and the expression without its comparison in Prometheus' graph shows the hit rate.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.alert_rules import alerting, asked
from pytest_backend_audit.analysis.cache_metrics import HIT, tells_hits
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites._alerts import matchers, why_silent


@audit(dimension="4.3", criterion="hit-rate-alert", level=5)
def test_an_alert_watches_the_hit_rate(audit_prometheus: Any, audit_settings: Any) -> None:
    """An alert watches the hit rate."""
    least = audit_settings.value("hit-rate-deliberate")
    rules = audit_prometheus.rules()
    alerts = alerting(rules)
    watching = [rule for rule in alerts if any(tells_hits(s.name, s.text) for s in asked(rule, rules))]
    faults = {rule["name"]: why_silent(rule, audit_prometheus) for rule in watching}
    sound = [name for name, fault in faults.items() if not fault]
    assert sound, (
        f"none of {len(alerts)} alerting rules watches what the cache finds or misses"
        + ("" if watching else f": {listed(rule['name'] for rule in alerts) or 'there are none'}")
        + f"{lines(f'{name}: {fault}' for name, fault in faults.items())}\n"
        f"one that does: {_rule(audit_prometheus, least.number)}"
    )


def _rule(prometheus: Any, least: float) -> str:
    """A rule for the series that the service has."""
    of = matchers(prometheus.selector)
    for name in sorted(prometheus.series_counts()):
        for sample in prometheus.query(f"{name}{{{of}}}") if tells_hits(name, 'result="hit"') else []:
            label = next((key for key, value in sample["metric"].items() if value in HIT), None)
            if label is not None:
                some = f'{of},{label}="{sample["metric"][label]}"'.lstrip(",")
                share = f"sum(rate({name}{{{some}}}[5m])) / sum(rate({name}{{{of}}}[5m]))"
                return f"{{alert: CacheHitRateLow, expr: '{share} < {least:g}', for: 10m}}"
            if "hits" in name:
                missed = name.replace("hits", "misses")
                share = f"rate({name}{{{of}}}[5m]) / (rate({name}{{{of}}}[5m]) + rate({missed}{{{of}}}[5m]))"
                return f"{{alert: CacheHitRateLow, expr: '{share} < {least:g}', for: 10m}}"
    return "none yet, since no series of the service counts what the cache finds"
