"""What checks of alerts share: whether a rule could ever fire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_backend_audit.analysis.alert_rules import compared, selectors
from pytest_backend_audit.analysis.text import listed


def why_silent(rule: Mapping[str, Any], prometheus: Any, anybodys: Callable[[str], bool] = lambda _name: False) -> str:
    """Why a rule would not fire, whatever happened; empty where it would.

    Args:
        rule: As `prometheus.rules()` gives it.
        prometheus: ``audit_prometheus``.
        anybodys: Whether a metric by its name tells of something that services share, and bears the labels of that.
    """
    if rule.get("health") != "ok":
        return f"its health is {rule.get('health')}: {rule.get('lastError') or 'not evaluated yet'}"
    for selector in selectors(rule["query"]):
        found = prometheus.query(selector.text)
        if not found:
            return f"no series is {selector.text}"
        if anybodys(selector.name):
            continue
        if not any(_of_the_service(sample["metric"], prometheus.selector) for sample in found):
            return f"no series of the service ({matchers(prometheus.selector)}) is {selector.text}"
    empty = [side for side in compared(rule["query"]) if not prometheus.query(side)]
    return f"nothing comes of {listed(empty)}: do the labels match?" if empty else ""


def matchers(selector: Mapping[str, str]) -> str:
    """Labels as an expression has them."""
    return ",".join(f'{name}="{value}"' for name, value in selector.items())


def _of_the_service(labels: Mapping[str, str], selector: Mapping[str, str]) -> bool:
    # A recording rule may have summed a label away.
    return all(labels.get(name, value) == value for name, value in selector.items())
