"""A page of orders costs two statements, on the data that there really are.

Impact: the page gets slower with each order on it.
Remediation: load what belongs to the orders with one statement for all (select_related, prefetch_related).
Verification: this check passes.
Effort: S
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from pytest_backend_audit import audit


@audit(dimension="4.1", criterion="page-of-orders", level=4)
def test_a_page_of_orders_costs_two_statements(shop: Any, audit_query_budget: Any) -> None:
    """However many orders there are on it."""
    with audit_query_budget(limit=2, what="GET /orders?limit=100", of=connection):
        assert shop.get("/orders", {"limit": 100}).status_code == 200
