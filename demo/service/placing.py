"""Placing an order exactly once, however often the client asks.

The key, the order and the answer are written in one transaction. Prices are fetched before it begins: no database
connection waits for another service.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any

from . import store
from .errors import ApiError
from .models import NewOrder
from .settings import Settings

Quote = Callable[[NewOrder], Awaitable[Sequence[store.Line]]]


def request_hash(order: NewOrder) -> str:
    """What tells one request from another under the same key."""
    return sha256(json.dumps(order.model_dump(), sort_keys=True).encode()).hexdigest()


async def place(pool: store.Pool, quote: Quote, tenant: str, key: str, order: NewOrder) -> dict[str, Any]:
    """Make the order, or give the answer that the key's first use got.

    Raises:
        ApiError: The key was used for another request (422), the customer does not exist (404), or a price is missing.
    """
    digest = request_hash(order)
    async with pool.connection() as connection:
        known = await store.stored_answer(connection, tenant, key)
    if known:
        return _replay(known, digest)
    lines = await quote(order)
    async with pool.connection() as connection, connection.transaction():
        if await store.claim_key(connection, tenant, key, digest):
            answer = await _add(connection, tenant, order, lines)
            await store.store_answer(connection, tenant, key, answer["id"], answer)
            return answer
        known = await store.stored_answer(connection, tenant, key)
    if known is None:
        raise ApiError(409, "in_progress", "A request with this key has just failed; try again.")
    return _replay(known, digest)


async def place_ignoring_key(pool: store.Pool, quote: Quote, tenant: str, _: str, order: NewOrder) -> dict[str, Any]:
    """Seeded defect ``idempotency-ignored``: the key is accepted, and that is all."""
    lines = await quote(order)
    async with pool.connection() as connection, connection.transaction():
        return await _add(connection, tenant, order, lines)


async def place_with_race(pool: store.Pool, quote: Quote, tenant: str, key: str, order: NewOrder) -> dict[str, Any]:
    """Seeded defect ``idempotency-race``: looks whether the key is known, and writes it down after the order.

    Replays one after the other make one order, and ten at once make several.
    """
    digest = request_hash(order)
    async with pool.connection() as connection:
        known = await store.stored_answer(connection, tenant, key)
    if known:
        return _replay(known, digest)
    lines = await quote(order)
    async with pool.connection() as connection:
        async with connection.transaction():
            answer = await _add(connection, tenant, order, lines)
        if await store.claim_key(connection, tenant, key, digest):
            await store.store_answer(connection, tenant, key, answer["id"], answer)
    return answer


def placing(settings: Settings) -> Callable[[store.Pool, Quote, str, str, NewOrder], Awaitable[dict[str, Any]]]:
    """How this instance places orders: `place`, unless a seeded defect is on."""
    if settings.has("idempotency-ignored"):
        return place_ignoring_key
    if settings.has("idempotency-race"):
        return place_with_race
    return place


async def _add(
    connection: store.Connection, tenant: str, order: NewOrder, lines: Sequence[store.Line]
) -> dict[str, Any]:
    if await store.customer(connection, tenant, order.customer_id) is None:
        raise ApiError(404, "no_such_customer", "There is no such customer.")
    made = await store.add_order(connection, tenant, order.customer_id, order.reference, lines)
    await store.put_out(connection, tenant, made["id"], "placed")
    return made


def _replay(known: tuple[str, Any], digest: str) -> dict[str, Any]:
    stored_digest, answer = known
    if stored_digest != digest:
        raise ApiError(422, "key_reused", "This idempotency key was used for another request.")
    if not isinstance(answer, dict):
        raise ApiError(409, "in_progress", "The first request with this key has no answer yet; try again.")
    return answer
