"""How this instance looks orders up: as `store` does, unless a seeded defect is on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from . import paging, store
from .settings import Settings

Orders = Callable[[store.Connection, str, int, int | None], Awaitable[list[dict[str, Any]]]]
Named = Callable[[store.Connection, str, str, int, int | None], Awaitable[list[dict[str, Any]]]]
Order = Callable[[store.Connection, str, int], Awaitable[dict[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class Listing:
    """The three ways to orders."""

    all: Orders
    named: Named
    one: Order

    @classmethod
    def of(cls, settings: Settings) -> Listing:
        """Those of this instance."""
        made = cls(store.orders, store.orders_of_reference, store.order)
        if settings.has("sort-without-index"):
            made = cls(_newest, made.named, made.one)
        if settings.has("filter-on-two-values"):
            made = cls(_with_age, made.named, made.one)
        if settings.has("disjunctions"):
            made = cls(made.all, _counted, made.one)
        if settings.has("plan-review-nested-loop"):
            made = cls(made.all, made.named, _compared)
        if settings.has("n-plus-one"):
            made = cls(paging.one_by_one, made.named, made.one)
        if settings.has("bounded-results-no-limit"):
            made = cls(paging.cut_late, made.named, made.one)
        if settings.has("route-budgets-exceeded"):
            made = cls(paging.with_newest_customer, made.named, made.one)
        return made


async def _newest(connection: store.Connection, tenant: str, limit: int, before: int | None) -> list[dict[str, Any]]:
    """Seeded defect ``sort-without-index``: no index has orders by the date that they are sorted by."""
    query = (
        f"SELECT {store.ORDER} FROM orders WHERE tenant = %s AND id < %s"  # noqa: S608 - a constant
        " ORDER BY created_at DESC LIMIT %s"
    )
    rows = await (await connection.execute(query, (tenant, before or 2**63 - 1, limit))).fetchall()
    return await store.with_items(connection, rows)


async def _with_age(connection: store.Connection, tenant: str, limit: int, before: int | None) -> list[dict[str, Any]]:
    """Seeded defect ``filter-on-two-values``: each page averages the age of the tenant's orders."""
    await connection.execute("SELECT avg(now() - created_at) FROM orders WHERE tenant = %s", (tenant,))
    return await store.orders(connection, tenant, limit, before)


async def _counted(
    connection: store.Connection, tenant: str, reference: str, limit: int, before: int | None
) -> list[dict[str, Any]]:
    """Seeded defect ``disjunctions``: it counts what an optional filter leaves, written as an OR with the other one."""
    await connection.execute(
        "SELECT count(*) FROM orders WHERE tenant = %s AND (reference = %s OR total_cents = %s)", (tenant, reference, 0)
    )
    return await store.orders_of_reference(connection, tenant, reference, limit, before)


async def _compared(connection: store.Connection, tenant: str, order_id: int) -> dict[str, Any] | None:
    """Seeded defect ``plan-review-nested-loop``: it looks for lines of about the same price without an index."""
    await connection.execute(
        "SELECT count(*) FROM order_items AS mine JOIN order_items AS like_it"
        " ON like_it.unit_price_cents BETWEEN mine.unit_price_cents - 5 AND mine.unit_price_cents + 5"
        " WHERE mine.order_id = %s",
        (order_id,),
    )
    return await store.order(connection, tenant, order_id)
