"""What an article would cost a customer today: its price, less a discount for those who order much.

A quote binds us, so the price is asked for afresh and not taken from the cache. The database's connection is given
back before that: it would wait for as long as another team's service takes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from . import store
from .pricing import Pricing
from .settings import Settings

DISCOUNTS = ((50, 10), (10, 5))
"""From how many orders on, how many percent."""

Quoting = Callable[[store.Pool, Pricing, str, int, str], Awaitable[dict[str, Any] | None]]


async def quote(pool: store.Pool, pricing: Pricing, tenant: str, customer_id: int, sku: str) -> dict[str, Any] | None:
    """The quote; None if there is no such customer or article.

    Raises:
        ApiError: The pricing service gives no usable answer (502).
    """
    async with pool.connection() as connection:
        orders = await store.order_count(connection, tenant, customer_id)
    return _quote(orders, await pricing.price(sku)) if orders is not None else None


class Leaking:
    """Seeded defect ``leak-detection``: what goes wrong between BEGIN and COMMIT leaves both as they are."""

    def __init__(self) -> None:
        self._open: set[store.Connection] = set()

    async def quote(
        self, pool: store.Pool, pricing: Pricing, tenant: str, customer_id: int, sku: str
    ) -> dict[str, Any] | None:
        """As `quote`."""
        connection = await pool.getconn()
        self._open.add(connection)
        await connection.execute("BEGIN")
        orders = await store.order_count(connection, tenant, customer_id)
        price = await pricing.price(sku)
        await connection.execute("COMMIT")
        self._open.discard(connection)
        await pool.putconn(connection)
        return _quote(orders, price) if orders is not None else None


async def quote_holding(
    pool: store.Pool, pricing: Pricing, tenant: str, customer_id: int, sku: str
) -> dict[str, Any] | None:
    """Seeded defect ``async-holding``: the connection is kept while the pricing service takes its time."""
    async with pool.connection() as connection:
        orders = await store.order_count(connection, tenant, customer_id)
        price = await pricing.price(sku)
    return _quote(orders, price) if orders is not None else None


def quoting(settings: Settings) -> Quoting:
    """How this instance quotes: `quote`, unless a seeded defect is on."""
    if settings.has("leak-detection"):
        return Leaking().quote
    return quote_holding if settings.has("async-holding") else quote


def _quote(orders: int, price: dict[str, Any] | None) -> dict[str, Any] | None:
    if price is None:
        return None
    percent = next((percent for least, percent in DISCOUNTS if orders >= least), 0)
    return {**price, "discount_percent": percent}
