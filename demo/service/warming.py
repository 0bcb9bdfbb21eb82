"""A cache that is warm for the first requests after a deploy: an instance loads what was hot before it is ready.

A deploy empties the cache, since the new code may read entries differently. Each instance notes in the database, when
it stops, what its cache was asked for lately; those that start next load that, afresh.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import psycopg
from psycopg_pool import PoolTimeout

from . import store
from .cache import Cache
from .errors import ApiError
from .pricing import Pricing
from .settings import Settings

log = logging.getLogger("orders.warming")

AGAIN = 0.5
"""Seconds until the database is asked again; without it, no instance is ready anyway."""
NOTING = 1.0
"""Seconds that noting may take: it is not worth a slow stop."""
AT_A_TIME = 5
"""Prices that are asked for at a time: the pricing service has others to answer."""


class WarmUp:
    """Of one instance."""

    def __init__(self, settings: Settings, pool: store.Pool, cache: Cache, pricing: Pricing) -> None:
        self.under_way = False
        """Whether requests had better wait."""
        self.pricing = pricing
        self._off = settings.has("warm-up")
        self._instance = settings.instance
        self._pool = pool
        self._cache = cache
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to load, in the background."""
        if not self._off:
            self.under_way = True
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Load no more, and note what was hot."""
        if self._task is not None:
            self._task.cancel()
        with suppress(TimeoutError, PoolTimeout, psycopg.Error):
            async with asyncio.timeout(NOTING), self._pool.connection(NOTING) as connection:
                await store.note_hot(connection, self._instance, list(self._cache.recent))

    async def _run(self) -> None:
        while self.under_way:
            try:
                await self._load()
            except (PoolTimeout, psycopg.Error) as error:
                log.warning("the cache can't be warmed yet", extra={"fields": {"error": type(error).__name__}})
                await asyncio.sleep(AGAIN)
            except Exception:  # whatever it is: a cold cache is better than no service
                log.exception("the cache could not be warmed")
                self.under_way = False
            else:
                self.under_way = False

    async def _load(self) -> None:
        wanted: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        async with self._pool.connection() as connection:
            for kind, tenant, identifier in await store.hot(connection):
                wanted[kind, tenant].add(identifier)
            found: dict[tuple[str, str, str], Any] = {}
            for (kind, tenant), names in wanted.items():
                if kind == "order":
                    rows = await store.orders_by_id(connection, tenant, [int(name) for name in names])
                    found |= _entries(kind, tenant, rows)
                if kind == "customer":
                    rows = await store.customers_by_id(connection, tenant, [int(name) for name in names])
                    found |= _entries(kind, tenant, rows)
        # After the connection was given back: another service may take its time.
        found |= await self._prices(wanted["price", "shared"])
        await self._cache.keep(found)
        log.info("the cache is warm", extra={"fields": {"entries": len(found)}})

    async def _prices(self, skus: Iterable[str]) -> dict[tuple[str, str, str], Any]:
        free = asyncio.Semaphore(AT_A_TIME)

        async def price(sku: str) -> Mapping[str, Any] | None:
            async with free:
                with suppress(ApiError):
                    return await self.pricing.price(sku)
            return None

        known = await asyncio.gather(*map(price, names := sorted(skus)))
        return {("price", "shared", sku): found for sku, found in zip(names, known, strict=True) if found is not None}


def _entries(kind: str, tenant: str, rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str, str], Any]:
    return {(kind, tenant, str(row["id"])): row for row in rows}
