"""The worker in the stack: what instances put into the outbox is told, through restarts, and Prometheus sees it."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from pytest_backend_audit.demo.stack.process import wait_for


def told_of(stack, order: int) -> list[tuple[str, str, str]]:
    """What the worker has told of an order: event, tenant, and the request that it goes back to."""
    lines = (json.loads(line) for line in stack.worker.process.log.read_text().splitlines())
    mine = [line for line in lines if line["message"] == "customer told" and line["order"] == order]
    return [(line["event"], line["tenant"], line["request_id"]) for line in mine]


def test_a_customer_is_told_once_of_an_order(stack, alice) -> None:
    """With the id of the request that placed it, also when that is replayed; nothing waits afterwards."""
    key = f"worker-{uuid.uuid4()}"
    body = {"customer_id": 1000, "reference": key, "items": [{"sku": "SKU-0001", "quantity": 1}]}
    for request_id in (f"first-{key[-12:]}", f"second-{key[-12:]}"):
        headers = {"Idempotency-Key": key, "X-Request-Id": request_id}
        answer = alice.post("/v1/orders", json=body, headers=headers)
        assert answer.status_code == 201
    order = answer.json()["id"]
    wait_for(lambda: told_of(stack, order), "the worker to tell of an order")
    wait_for(lambda: stack.worker.waiting() == 0, "the outbox to be empty")
    assert told_of(stack, order) == [("placed", "acme", f"first-{key[-12:]}")]


def test_of_a_change_that_was_none_nobody_is_told(stack, alice) -> None:
    """There is no such order."""
    assert alice.patch("/v1/orders/999999998", json={"status": "paid"}).status_code == 404
    [(waiting,)] = stack.postgres.admin_query("SELECT count(*) FROM outbox WHERE order_id = 999999998")
    assert (waiting, told_of(stack, 999_999_998)) == (0, [])


def test_the_worker_comes_back_with_its_database(stack, alice) -> None:
    """After a restart it goes on by itself."""
    [order] = [o["id"] for o in alice.get("/v1/orders", params={"limit": 1}).json()["orders"]]
    stack.postgres.restart()
    wait_for(lambda: alice.patch(f"/v1/orders/{order}", json={"status": "shipped"}).is_success, "an order to change")
    wait_for(lambda: [event for event, _, _ in told_of(stack, order) if event == "shipped"], "the worker to tell of it")


@pytest.mark.needs("prometheus")
def test_prometheus_scrapes_the_worker(stack) -> None:
    """As a job of its own, whose series have no part in what is asked of the instances."""

    def depth() -> list[Any]:
        query = {"query": 'outbox_messages{job="orders-worker"}'}
        answer = httpx.get(f"{stack.prometheus_url}/api/v1/query", params=query, timeout=5, trust_env=False)
        result: list[Any] = answer.raise_for_status().json()["data"]["result"]
        return result

    wait_for(depth, "Prometheus to scrape the worker")
