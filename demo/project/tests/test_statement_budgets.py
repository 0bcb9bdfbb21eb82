"""How many statements a request to each route may cost the database, whatever it finds in the cache."""

from __future__ import annotations

from typing import Any

import pytest

READS = [
    ("/v1/orders?limit=100", 2),
    ("/v1/orders?limit=20&reference=seed-7", 2),
    ("/v1/orders/7", 2),
    ("/v1/customers/7", 1),
    ("/v1/prices/SKU-0001", 0),
    ("/v1/customers/7/quotes/SKU-0001", 1),
    ("/v1/admin/totals", 1),
    ("/v1/whoami", 0),
    ("/version", 0),
    ("/healthz", 0),
    ("/readyz", 1),
]
PLACING, CHANGING = 8, 4


@pytest.mark.parametrize(("path", "budget"), READS)
def test_a_read_keeps_to_its_budget(service: Any, statements: list[str], path: str, budget: int) -> None:
    """However many orders are on the page."""
    assert service.request("GET", path).status_code == 200
    assert len(statements) <= budget, statements


def test_placing_an_order_keeps_to_its_budget(service: Any, statements: list[str]) -> None:
    """The key, the customer, the order and its lines, the message, and the answer; however many lines."""
    items = [{"sku": f"SKU-{number:04}", "quantity": 1} for number in range(10)]
    body = {"customer_id": 7, "reference": "budget", "items": items}
    answer = service.request("POST", "/v1/orders", json=body, headers={"Idempotency-Key": "budget-of-placing"})
    assert answer.status_code == 201
    assert len(statements) <= PLACING, statements


def test_changing_an_order_keeps_to_its_budget(service: Any, statements: list[str]) -> None:
    """The change, the message of it, and the order as it is then."""
    order = 9
    assert service.request("PATCH", f"/v1/orders/{order}", json={"status": "paid"}).status_code == 200
    assert len(statements) <= CHANGING, statements
