"""Seeded defects in how a page of orders comes about; the sound way is `store.orders`."""

from __future__ import annotations

from typing import Any

from psycopg.rows import DictRow

from . import store


async def one_by_one(connection: store.Connection, tenant: str, limit: int, before: int | None) -> list[dict[str, Any]]:
    """``n-plus-one``: the lines of each order are loaded by a statement of their own."""
    rows = await store.order_rows(connection, tenant, limit, before)
    return [(await store.with_items(connection, [row]))[0] for row in rows]


async def cut_late(connection: store.Connection, tenant: str, limit: int, before: int | None) -> list[dict[str, Any]]:
    """``bounded-results-no-limit``: the statement gives weeks of orders, and the page is cut here."""
    query = (
        f"SELECT {store.ORDER} FROM orders"  # noqa: S608 - a constant
        " WHERE tenant = %s AND id < %s AND id > (SELECT max(id) FROM orders) - 5000 ORDER BY id DESC"
    )
    rows: list[DictRow] = await (await connection.execute(query, (tenant, before or 2**63 - 1))).fetchall()
    return await store.with_items(connection, rows[:limit])


async def with_newest_customer(
    connection: store.Connection, tenant: str, limit: int, before: int | None
) -> list[dict[str, Any]]:
    """``route-budgets-exceeded``: for a greeting, who ordered last is looked up too: a third statement."""
    found = await store.orders(connection, tenant, limit, before)
    if found:
        await store.customer(connection, tenant, found[0]["customer_id"])
    return found
