"""What the reference service decides without any server: settings, metrics, logs, keys, prices."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from pytest_backend_audit.demo.pricing.__main__ import answer
from pytest_backend_audit.demo.service.logs import REQUEST_ID, JsonFormatter
from pytest_backend_audit.demo.service.metrics import Metrics
from pytest_backend_audit.demo.service.models import NewOrder
from pytest_backend_audit.demo.service.placing import request_hash
from pytest_backend_audit.demo.service.settings import Identity, Settings, SettingsError

ENVIRONMENT = {
    "ORDERS_PORT": "8123",
    "ORDERS_INSTANCE": "orders-1",
    "ORDERS_REVISION": "abc1234",
    "ORDERS_DATABASE_URL": "postgresql://orders@127.0.0.1/orders",
    "ORDERS_APPLICATION_NAME": "orders-1",
    "ORDERS_REDIS_URL": "redis://127.0.0.1/0",
    "ORDERS_PRICING_URL": "http://127.0.0.1:9000",
    "ORDERS_IDENTITIES": '[{"name": "alice", "tenant": "acme", "role": "user", "token_sha256": "00ff"}]',
    "ORDERS_DEFECTS": "red-metrics,latency-tracked",
}


def test_settings_come_from_the_environment() -> None:
    """Every variable lands in its field; what is not set has a default."""
    settings = Settings.from_environment(ENVIRONMENT)
    assert (settings.port, settings.pool_min, settings.pool_max) == (8123, 2, 8)
    assert settings.identities == {"00ff": Identity("alice", "acme", "user")}
    assert settings.defects == {"red-metrics", "latency-tracked"}
    assert settings.has("red-metrics")
    assert not settings.has("security-headers")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("ORDERS_DATABASE_URL", "", "ORDERS_DATABASE_URL is not set"),
        ("ORDERS_POOL_MAX", "many", "ORDERS_POOL_MAX is 'many', and should be a whole number"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, message: str) -> None:
    """The message has the variable's name and value."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({**ENVIRONMENT, name: value})
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["{", "{}x", '[{"name": "alice"}]', "[1]"])
def test_unreadable_identities_are_refused(text: str) -> None:
    """Whatever is wrong with them, the variable is named."""
    with pytest.raises(SettingsError, match=r"^ORDERS_IDENTITIES should be a JSON list of name, tenant, role"):
        Settings.from_environment({**ENVIRONMENT, "ORDERS_IDENTITIES": text})


def _samples(defects: str) -> dict[str, float]:
    metrics = Metrics(Settings.from_environment({**ENVIRONMENT, "ORDERS_DEFECTS": defects}))
    metrics.observe_request("GET", "/v1/orders", 200, 0.004)
    metrics.observe_request("GET", "/v1/orders", 502, 0.2)
    lines = metrics.exposition().decode().splitlines()
    wanted = ("http_requests_total", "http_request_duration_seconds_count")
    return {name: float(value) for name, _, value in (li.rpartition(" ") for li in lines if li.startswith(wanted))}


def test_requests_are_counted_by_method_route_and_status() -> None:
    """A sound instance counts successes and failures, and how long both took."""
    assert _samples("") == {
        'http_requests_total{method="GET",route="/v1/orders",status="200"}': 1,
        'http_requests_total{method="GET",route="/v1/orders",status="502"}': 1,
        'http_request_duration_seconds_count{method="GET",route="/v1/orders",status="200"}': 1,
        'http_request_duration_seconds_count{method="GET",route="/v1/orders",status="502"}': 1,
    }


def test_seeded_defects_of_metrics_take_away_what_they_say() -> None:
    """`red-metrics` forgets failures, `latency-tracked` the histogram."""
    assert set(_samples("red-metrics")) == {
        'http_requests_total{method="GET",route="/v1/orders",status="200"}',
        'http_request_duration_seconds_count{method="GET",route="/v1/orders",status="200"}',
    }
    assert {name.partition("{")[0] for name in _samples("latency-tracked")} == {"http_requests_total"}


def test_a_log_line_is_json_with_its_fields() -> None:
    """Fields stay fields, the request's id is there, and an exception does not break the line."""
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        error = sys.exc_info()
    record = logging.LogRecord("orders", logging.WARNING, "x.py", 1, "done %s", ("so",), error)
    record.fields = {"status": 502}
    token = REQUEST_ID.set("r-1")
    line = JsonFormatter("orders-1").format(record)
    REQUEST_ID.reset(token)
    assert "\n" not in line
    entry = json.loads(line)
    assert "ValueError: first\nsecond" in entry.pop("exception")
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "level": "warning",
        "logger": "orders",
        "message": "done so",
        "instance": "orders-1",
        "request_id": "r-1",
        "status": 502,
    }


def test_the_hash_of_a_request_follows_its_meaning() -> None:
    """The same order written differently hashes the same; another quantity does not."""
    order = NewOrder.model_validate({"customer_id": 1, "items": [{"sku": "SKU-0001", "quantity": 1}]})
    same = NewOrder.model_validate({"items": [{"quantity": 1, "sku": "SKU-0001"}], "reference": "", "customer_id": 1})
    other = NewOrder.model_validate({"customer_id": 1, "items": [{"sku": "SKU-0001", "quantity": 2}]})
    assert request_hash(order) == request_hash(same)
    assert request_hash(order) != request_hash(other)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/prices/SKU-0007", 200, {"sku": "SKU-0007", "unit_price_cents": 570}),
        ("/prices/SKU-0500", 404, {"error": "no such article"}),
        ("/prices/SKU-OUTAGE", 503, {"error": "the supplier of this article can't be reached"}),
        ("/healthz", 200, {"status": "ok"}),
    ],
)
def test_the_pricing_service_knows_its_articles(path: str, status: int, body: dict[str, object]) -> None:
    """Five hundred articles have a price; one always fails."""
    assert answer(path) == (status, body)
