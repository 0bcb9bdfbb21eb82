"""Services that list things out of a database that counts, for the checks of queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from unit.suites.cached import Cached

from pytest_backend_audit.targets.endpoints import Endpoint

LIST, ITEMS = "SELECT id FROM orders LIMIT $1", "SELECT sku FROM items WHERE order_id = ANY($1)"
PARAMETERS = {"parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 100}}]}
ORDERS = Endpoint("GET", "/orders", identity="alice", schema=PARAMETERS, origin="/openapi.json")


def answering(
    rows: Callable[[int], int], statements: Callable[[int], list[str]], **more: Any
) -> Callable[[Cached, httpx.Request], httpx.Response]:
    """A service that gives so many rows for a page size, at the cost of these statements for so many rows."""

    def answer(cached: Cached, request: httpx.Request) -> httpx.Response:
        count = rows(int(request.url.params.get("limit", 20)))
        cached.statement(*statements(count))
        return httpx.Response(200, json={"orders": [{"id": n} for n in range(count)], **more})

    return answer
