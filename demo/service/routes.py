"""The API's routes: each fetches, and answers; what they know lives in the modules they call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query

from . import store
from .errors import ApiError
from .listing import Listing
from .models import Customer, NewOrder, Order, OrderPage, Price, Quote, StatusChange, StatusTotal
from .placing import placing
from .quoting import quoting
from .resources import Administrator, Caller, Held, Resources
from .settings import Settings

OrderId = Annotated[int, Path(ge=1, le=2**63 - 1)]
SkuPath = Annotated[str, Path(pattern=r"^SKU-[A-Z0-9]{1,16}$")]
IdempotencyKey = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[A-Za-z0-9._-]{8,128}$")]
TOTALS_PATH = "/v1/admin/totals"


def build(settings: Settings) -> APIRouter:
    """All routes under ``/v1`` that need an identity."""
    router = APIRouter(tags=["orders"])
    router.include_router(_orders(settings))
    router.include_router(_catalogue(settings))
    router.include_router(_administration(settings))
    return router


def _orders(settings: Settings) -> APIRouter:
    router = APIRouter()
    place = placing(settings)
    lookup = Listing.of(settings)
    # Seeded defect bounded-results-page-size: whatever the caller asks for.
    size = Query(20, ge=1, le=10_000_000 if settings.has("bounded-results-page-size") else 100)

    @router.get("/v1/orders", response_model=OrderPage)
    async def list_orders(
        held: Held,
        identity: Caller,
        limit: int = size,
        before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
        reference: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = None,
    ) -> dict[str, Any]:
        """The tenant's orders, newest first, a page at a time; all of them, or those with the client's own name."""
        async with held.pool.connection() as connection:
            if reference is None:
                found = await lookup.all(connection, identity.tenant, limit, before)
            else:
                found = await lookup.named(connection, identity.tenant, reference, limit, before)
        return {"orders": found, "next": found[-1]["id"] if len(found) == limit else None}

    @router.post("/v1/orders", response_model=Order, status_code=201)
    async def create_order(held: Held, identity: Caller, key: IdempotencyKey, order: NewOrder) -> dict[str, Any]:
        """Place an order. The same key with the same body gives the same order again."""

        async def quote(wanted: NewOrder) -> Sequence[store.Line]:
            return await _quote(held, wanted)

        made = await place(held.pool, quote, identity.tenant, key, order)
        await held.cache.forget("order", identity.tenant, str(made["id"]))
        return made

    @router.get("/v1/orders/{order_id}", response_model=Order)
    async def read_order(held: Held, identity: Caller, order_id: OrderId) -> dict[str, Any]:
        """One order of the tenant."""

        async def load() -> dict[str, Any] | None:
            async with held.pool.connection() as connection:
                return await lookup.one(connection, identity.tenant, order_id)

        return _found(await held.cache.fetch("order", identity.tenant, str(order_id), load))

    @router.patch("/v1/orders/{order_id}", response_model=Order)
    async def change_order(held: Held, identity: Caller, order_id: OrderId, change: StatusChange) -> dict[str, Any]:
        """Change the state of an order."""
        async with held.pool.connection() as connection:
            async with connection.transaction():
                if await store.set_status(connection, identity.tenant, order_id, change.status):
                    await store.put_out(connection, identity.tenant, order_id, change.status)
            changed = await store.order(connection, identity.tenant, order_id)
        await held.cache.forget("order", identity.tenant, str(order_id))
        return _found(changed)

    if settings.has("route-budgets-undeclared"):  # seeded defect: nobody has said what this route may cost
        router.add_api_route("/v1/orders/{order_id}/reminder", _remind, methods=["POST"], status_code=202)
    return router


async def _remind(_: Caller, order_id: OrderId) -> dict[str, int]:
    """Remind the customer of an order that is open."""
    return {"order": order_id}


def _catalogue(settings: Settings) -> APIRouter:
    router = APIRouter()
    quote = quoting(settings)

    @router.get("/v1/customers/{customer_id}", response_model=Customer)
    async def read_customer(held: Held, identity: Caller, customer_id: OrderId) -> dict[str, Any]:
        """One customer of the tenant."""

        async def load() -> dict[str, Any] | None:
            async with held.pool.connection() as connection:
                return await store.customer(connection, identity.tenant, customer_id)

        return _found(await held.cache.fetch("customer", identity.tenant, str(customer_id), load))

    @router.get("/v1/prices/{sku}", response_model=Price)
    async def read_price(held: Held, _: Caller, sku: SkuPath) -> dict[str, Any]:
        """What an article costs; the same for every tenant."""
        return _found(await _price(held, sku))

    @router.get("/v1/customers/{customer_id}/quotes/{sku}", response_model=Quote)
    async def read_quote(held: Held, identity: Caller, customer_id: OrderId, sku: SkuPath) -> dict[str, Any]:
        """What an article would cost a customer today."""
        return _found(await quote(held.pool, held.pricing, identity.tenant, customer_id, sku))

    return router


def _administration(settings: Settings) -> APIRouter:
    router = APIRouter()

    async def totals(held: Held) -> list[dict[str, Any]]:
        """Orders and amounts by tenant and state."""
        async with held.pool.connection() as connection:
            return await store.totals(connection)

    guards = [] if settings.has("authentication-open-path") else [Administrator]
    router.add_api_route(TOTALS_PATH, totals, response_model=list[StatusTotal], dependencies=guards)
    return router


async def _price(held: Resources, sku: str) -> dict[str, Any] | None:
    async def load() -> dict[str, Any] | None:
        return await held.pricing.price(sku)

    price: dict[str, Any] | None = await held.cache.fetch("price", "shared", sku, load)
    return price


async def _quote(held: Resources, order: NewOrder) -> Sequence[store.Line]:
    prices = await asyncio.gather(*(_price(held, item.sku) for item in order.items))
    unknown = sorted({item.sku for item, price in zip(order.items, prices, strict=True) if price is None})
    if unknown:
        raise ApiError(422, "unknown_article", f"There is no such article: {', '.join(unknown)}")
    return [
        store.Line(item.sku, item.quantity, price["unit_price_cents"])
        for item, price in zip(order.items, prices, strict=True)
        if price is not None
    ]


def _found(value: dict[str, Any] | None) -> dict[str, Any]:
    if value is None:
        raise ApiError(404, "not_found", "There is no such thing here.")
    return value
