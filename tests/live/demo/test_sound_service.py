"""The reference service is a sound one when no switch is on."""

from __future__ import annotations

import re
import signal
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest
import yaml
from live.demo.conftest import REVISION

from pytest_backend_audit import demo
from pytest_backend_audit.demo.service.middleware import SECURITY_HEADERS
from pytest_backend_audit.demo.stack.process import wait_for

pytestmark = pytest.mark.live

PROJECT = Path(demo.__path__[0]) / "project"


def _order(reference: str, quantity: int = 1) -> dict[str, object]:
    return {"customer_id": 1000, "reference": reference, "items": [{"sku": "SKU-0001", "quantity": quantity}]}


def _rows(stack, reference: str) -> int:
    with psycopg.connect(stack.dsn) as connection:
        row = connection.execute("SELECT count(*) FROM orders WHERE reference = %s", (reference,)).fetchone()
    return int(row[0])


def test_replays_at_once_make_one_order(stack, alice) -> None:
    """Sixteen requests with one key, sent together, get one and the same order, and there is one row."""
    key = uuid.uuid4().hex
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda _: alice.post("/v1/orders", json=_order(key), headers={"Idempotency-Key": key}), range(16))
        )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["total_cents"] == 510
    assert _rows(stack, key) == 1


def test_a_key_is_good_for_one_request(stack, alice) -> None:
    """The same key with another body is refused, and writes nothing."""
    key = uuid.uuid4().hex
    headers = {"Idempotency-Key": key}
    assert alice.post("/v1/orders", json=_order(key), headers=headers).status_code == 201
    again = alice.post("/v1/orders", json=_order(key, 2), headers=headers)
    assert (again.status_code, again.json()["error"]["code"]) == (422, "key_reused")
    assert _rows(stack, key) == 1


def test_a_refused_order_does_not_use_up_its_key(alice) -> None:
    """After an error the key can be used for the corrected request."""
    key = uuid.uuid4().hex
    wrong = {**_order(key), "customer_id": 1}  # a customer of the other tenant
    headers = {"Idempotency-Key": key}
    assert alice.post("/v1/orders", json=wrong, headers=headers).status_code == 404
    assert alice.post("/v1/orders", json=_order(key), headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/orders", 200),
        ("GET", "/v1/orders/0", 422),
        ("GET", "/v1/orders/999999999", 404),
        ("GET", "/v1/prices/SKU-OUTAGE", 502),
        ("GET", "/v1/admin/totals", 403),
        ("GET", "/nothing/here", 404),
        ("DELETE", "/v1/orders", 405),
    ],
)
def test_every_answer_has_the_headers_and_tells_nothing_of_our_insides(alice, method, path, status) -> None:
    """Errors too are JSON of one form, with an id, the security headers, and no trace."""
    answer = alice.request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == dict(SECURITY_HEADERS)
    assert "Traceback" not in answer.text
    if status >= 400:
        assert set(answer.json()["error"]) == {"code", "message", "request_id"}
        assert answer.json()["error"]["request_id"] == answer.headers["X-Request-Id"]


def test_every_operation_but_the_public_ones_asks_for_a_token(stack, nobody) -> None:
    """By the service's own OpenAPI document; whatever the body, the question who asks comes first."""
    document = nobody.get("/openapi.json").json()
    operations = {(path, method) for path, item in document["paths"].items() for method in item}
    secured = {(p, m) for p, m in operations if document["paths"][p][m].get("security")}
    assert operations - secured == {(p, "get") for p in ("/healthz", "/readyz", "/version", "/v1/whoami")}
    assert len(secured) == 8
    for path, method in secured:
        place = path.format(order_id=1, customer_id=1, sku="SKU-0001")
        for content in (b"", b"{not json"):
            answer = nobody.request(method, place, content=content, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), (method, path)
    assert nobody.get("/v1/orders", headers={"Authorization": "Bearer made-up"}).status_code == 401


def test_tenants_do_not_see_each_other(stack, alice) -> None:
    """What one tenant reads, from the cache or not, the other one does not find."""
    order = alice.get("/v1/orders", params={"limit": 1}).json()["orders"][0]["id"]
    assert alice.get(f"/v1/orders/{order}").status_code == 200
    bob = {"Authorization": f"Bearer {stack.tokens['bob']}"}
    assert alice.get(f"/v1/orders/{order}", headers=bob).status_code == 404
    assert alice.patch(f"/v1/orders/{order}", headers=bob, json={"status": "cancelled"}).status_code == 404


def test_a_write_is_seen_by_the_next_read(alice) -> None:
    """Whichever instance answers, the cache does not show the order as it was."""
    order = alice.get("/v1/orders", params={"limit": 50}).json()["orders"][49]["id"]  # none that the traffic changes
    for status in ("paid", "shipped", "open"):
        assert alice.patch(f"/v1/orders/{order}", json={"status": status}).status_code == 200
        assert alice.get(f"/v1/orders/{order}").json()["status"] == status


def test_pages_are_bounded_and_join(alice) -> None:
    """No page is larger than 100 orders; the next one begins where the last one ended."""
    assert alice.get("/v1/orders", params={"limit": 101}).status_code == 422
    first = alice.get("/v1/orders", params={"limit": 3, "before": 5000}).json()
    second = alice.get("/v1/orders", params={"limit": 3, "before": first["next"]}).json()
    ids = [order["id"] for order in first["orders"] + second["orders"]]
    assert len(ids) == 6
    assert ids == sorted(set(ids), reverse=True)


def test_every_instance_tells_its_build(stack) -> None:
    """All instances run the commit that they were started for."""
    told = [httpx.get(f"{i.url}/version", trust_env=False).json() for i in stack.instances]
    assert told == [{"sha": REVISION}] * 2


def test_forty_connections_spread_over_the_instances(stack) -> None:
    """New connections reach the instances in turn."""
    names = [httpx.get(f"{stack.base_url}/v1/whoami", trust_env=False).json()["instance"] for _ in range(40)]
    assert {name: names.count(name) >= 6 for name in set(names)} == {"orders-1": True, "orders-2": True}


def test_the_declared_pool_is_that_of_every_process(stack) -> None:
    """The worker has one, too: its connection would be one too many where both instances use all of theirs."""
    declared = yaml.safe_load((PROJECT / "audit.yaml").read_text("utf-8"))["pools"]["orders"]
    told = [Path(f"/proc/{part.process.pid}/environ").read_text() for part in (*stack.instances, stack.worker)]
    sizes = [re.findall(r"\bORDERS_POOL_MAX=(\d+)\b", text) for text in told]
    assert sizes == [[str(declared["size"])]] * declared["instances"]


def test_probes_and_scrapes_are_not_counted_as_requests(stack) -> None:
    """Health, readiness and metrics have no series of their own."""
    text = httpx.get(stack.metrics_urls[0], trust_env=False).text
    routes = {line.split('route="')[1].split('"')[0] for line in text.splitlines() if 'route="' in line}
    assert "/v1/orders/{order_id}" in routes
    assert routes & {"/healthz", "/readyz", "/metrics"} == set()


def test_without_the_cache_the_service_answers(stack, alice) -> None:
    """A cache that hangs costs some milliseconds; when it is back, it is used again."""
    order = alice.get("/v1/orders", params={"limit": 1}).json()["orders"][0]["id"]
    stack.valkey.process.send(signal.SIGSTOP)
    try:
        answers = [alice.get(f"/v1/orders/{order}").status_code for _ in range(4)]
    finally:
        stack.valkey.process.send(signal.SIGCONT)
    assert answers == [200] * 4
    with stack.valkey.connect() as client:
        wait_for(lambda: client.exists(f"orders:v1:acme:order:{order}"), "the cache to be used again")


@pytest.mark.needs("pgbouncer")
def test_readiness_follows_the_database(stack, nobody) -> None:
    """Without the way to the database an instance is alive but not ready; it comes back by itself."""
    stack.pooler.stop()
    try:
        wait_for(lambda: nobody.get("/readyz").status_code == 503, "readiness to turn false")
        assert nobody.get("/healthz").status_code == 200
    finally:
        stack.pooler.restart()
    wait_for(lambda: nobody.get("/readyz").status_code == 200, "readiness to turn true")
