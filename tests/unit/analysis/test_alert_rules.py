"""What rules of Prometheus ask for and compare; of captured ones, and of expressions that are awkward to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_backend_audit.analysis.alert_rules import Selector, alerting, asked, compared, selectors
from pytest_backend_audit.analysis.pool_metrics import signal_of

DATA = json.loads((Path(__file__).parent / "data" / "rules-prometheus-2.42.json").read_text())
RULES = [rule for group in DATA["data"]["groups"] for rule in group["rules"]]
BY_NAME = {rule["name"]: rule for rule in RULES}


@pytest.mark.parametrize(
    ("expression", "texts"),
    [
        ("up", ["up"]),
        ('sum by (job, le) (rate(http_seconds_bucket{job="a",le!="+Inf"}[5m])) > 0.5',
         ['http_seconds_bucket{job="a",le!="+Inf"}']),
        ("a / on (x) group_left (y) b unless c offset 5m", ["a", "b", "c"]),
        ('{__name__=~"db_.*", state="active"}', ['{__name__=~"db_.*",state="active"}']),
        ('x{a="}"} == bool 3e-2', ['x{a="}"}']),
        ("job:use:ratio >= 1 # not_this_one", ["job:use:ratio"]),
        ("max_over_time(x[10m:1m]) > -Inf", ["x"]),
        ('absent(up{job="a"}) or vector(1) > time()', ['up{job="a"}']),
        ("a > 1 or a > 2", ["a"]),
    ],
)  # fmt: skip
def test_selectors_are_told_from_functions_words_and_labels(expression: str, texts: list[str]) -> None:
    """Each once, as it can be asked for."""
    assert [selector.text for selector in selectors(expression)] == texts


def test_a_selector_tells_its_name_and_labels() -> None:
    """Only those that have to be equal."""
    [selector] = selectors('db_pool{state="active", job=~"o.*"}')
    assert selector == Selector("db_pool", 'db_pool{state="active",job=~"o.*"}')
    assert selector.labels == {"state": "active"}


@pytest.mark.parametrize(
    ("expression", "sides"),
    [
        ("up == 0", ["up"]),
        ("(a / b) > 0.9", ["a / b"]),
        ("a > 1 or b{x='>'} / c >= 2", ["a", "b { x = '>' } / c"]),
        ("(a > 1)", ["a"]),
        ("sum(a > bool 1) by (x) < 3 unless on (x) c", ["sum ( a > bool 1 ) by ( x )", "on ( x ) c"]),
        ("absent(up)", ["absent ( up )"]),
    ],
)
def test_what_is_compared_stands_left(expression: str, sides: list[str]) -> None:
    """Outside of all brackets; a part that compares nothing is whole."""
    assert compared(expression) == sides


def test_rules_that_alert_are_told_from_those_that_record() -> None:
    """Of a real answer."""
    assert [rule["name"] for rule in alerting(RULES)] == ["PoolNearlyFull", "Errors", "DatabasePoolSaturated"]


def test_what_a_recorded_series_is_made_of_is_followed() -> None:
    """An alert on a recorded ratio watches the pool all the same."""
    names = [selector.name for selector in asked(BY_NAME["PoolNearlyFull"], RULES)]
    assert names == ["job:pool_use:ratio", "hikaricp_connections_active", "hikaricp_connections_max"]
    assert [s.name for s in asked(BY_NAME["Errors"], RULES)] == ["http_requests_total", "up"]


def test_rules_that_build_upon_each_other_end() -> None:
    """A circle is no reason to hang."""
    rules = [{"type": "recording", "name": "a", "query": "b"}, {"type": "recording", "name": "b", "query": "a"}]
    assert [s.name for s in asked({"query": "a"}, rules)] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "labels", "signal"),
    [
        ("db_pool_requests_waiting", {}, "waiting"), ("db_pool_connections", {"state": "active"}, "active"),
        ("db_pool_connections", {}, None), ("go_sql_wait_count_total", {}, "waiting"),
        ("http_requests_total", {}, None), ("go_sql_wait_duration_seconds_total", {}, None),
    ],
)  # fmt: skip
def test_series_of_pools_are_known_by_name_and_labels(name: str, labels: dict[str, str], signal: str | None) -> None:
    """As an expression writes them."""
    assert signal_of(name, labels) == signal
