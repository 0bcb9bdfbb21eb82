"""Cache-aside over Redis: versioned keys per tenant, a lifetime per kind, one load at a time, and life without it."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.connection import BlockingConnectionPool
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from .flights import Flights
from .metrics import Metrics
from .settings import Settings

log = logging.getLogger("orders.cache")

VERSION = "v1"
"""Part of every key: a deploy that changes the form of the entries raises it, and never reads the old ones."""
LIFETIMES: Mapping[str, int] = {"order": 300, "customer": 900, "price": 120}
"""Seconds, by kind: an order changes during a day, a customer hardly ever, a price as its owner likes."""
MISSING_LIFETIME = 30
"""Seconds that the absence of something is remembered."""
JITTER = 0.1
"""Share by which lifetimes differ, so that entries made together don't expire together."""
TIMEOUT = 0.25
"""Seconds that one cache operation may take; a page without cache is better than a page that waits for it."""
LEASE = 1.0
"""Seconds in which nobody else loads what one instance is loading: longer than a load takes, shorter than any entry
lives."""
LOOK_AGAIN = 0.02
"""Seconds between two looks for what another instance is loading."""
LOOKING = 0.5
"""Seconds of looking after which an instance loads by itself."""
SLOW = 0.6
"""Seconds that a load takes longer with the seeded defect ``miss-path``."""
PAUSE = 1.0
"""Seconds without cache after an error."""
RECENT = 200
"""Entries, found last, that count as hot."""


class Cache:
    """The cache of one instance."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        timeout = None if settings.has("outage-hang") else TIMEOUT
        self._fails = settings.has("outage-fails")
        pool = BlockingConnectionPool.from_url(
            settings.redis_url,
            max_connections=16,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            client_name=settings.instance,
        )
        self._redis: Redis = Redis(connection_pool=pool)
        self._metrics = metrics
        self._one_connection_a_call = settings.has("cache-connections")
        self._off = settings.has("cache-in-place")
        self._one_second = settings.has("hit-rate-short-ttl")
        self._one_hour = settings.has("explicit-ttls-hour")
        self._for_ever = settings.has("explicit-ttls-none")
        self._random_keys = settings.has("hit-rate-random-key")
        self._forgets_nothing = settings.has("invalidation")
        self._without_tenant = settings.has("tenant-isolation")
        pickled = settings.has("safe-serialization")
        self._dumps: Callable[[Any], str | bytes] = pickle.dumps if pickled else json.dumps
        self._loads: Callable[[bytes], Any] = pickle.loads if pickled else json.loads
        self._stampedes = settings.has("stampede")
        self._slow_misses = settings.has("miss-path")
        self._forgets_absence = settings.has("negative-caching")
        self._lists_keys = settings.has("slow-commands")
        self._flights = Flights()
        self.recent: dict[tuple[str, str, str], None] = {}
        """Kind, tenant and identifier of the entries that were found lately, the last of them at the end."""
        self._jitter = random.Random()  # noqa: S311 - spreads expiries, guards nothing
        self._closed_until = 0.0

    async def fetch(
        self, kind: str, tenant: str, identifier: str, load: Callable[[], Awaitable[Any | None]]
    ) -> Any | None:
        """The entry from the cache, else from `load`, which is then remembered, its absence too."""
        key = self._key(kind, tenant, identifier)
        if self._lists_keys:
            await self._try(self._redis.keys, f"orders:{VERSION}:{tenant}:{kind}:*")
        entry = await self._try(self._redis.get, key)
        if entry is not None:
            self._metrics.cache_lookups.labels(kind, "hit").inc()
            self._note((kind, tenant, identifier))
            return self._loads(entry)
        self._metrics.cache_lookups.labels(kind, "miss").inc()

        async def fill() -> Any | None:
            if self._slow_misses:
                await asyncio.sleep(SLOW)
            value = await load()
            if value is None and self._forgets_absence:
                await self._try(self._redis.delete, _lease(key))
                return None
            await self._try(self._redis.set, key, self._dumps(value), ex=self._lifetime(kind, value))
            return value

        if self._stampedes:
            return await fill()
        return await self._flights.join(key, lambda: self._once(key, fill))

    async def _once(self, key: str, fill: Callable[[], Awaitable[Any | None]]) -> Any | None:
        """Fill an entry, unless another instance has just taken the lease for it: then wait for what it puts there.

        The lease outlives the load, so that whoever had missed before the entry was there finds it now.
        """
        lease = _lease(key)
        if await self._try(self._redis.set, lease, 1, nx=True, px=round(1000 * LEASE)):
            try:
                return await fill()
            except BaseException:
                await self._try(self._redis.delete, lease)
                raise
        until = time.monotonic() + LOOKING
        while time.monotonic() < until and not self._is_out():
            entry = await self._try(self._redis.get, key)
            if entry is not None:
                return self._loads(entry)
            await asyncio.sleep(LOOK_AGAIN)
        return await fill()

    async def keep(self, found: Mapping[tuple[str, str, str], Any]) -> None:
        """Put entries there, by kind, tenant and identifier, in one go."""
        pipe = self._redis.pipeline(transaction=False)
        for (kind, tenant, identifier), value in found.items():
            pipe.set(self._key(kind, tenant, identifier), self._dumps(value), ex=self._lifetime(kind, value))
        await self._try(pipe.execute)

    async def forget(self, kind: str, tenant: str, identifier: str) -> None:
        """Remove an entry after what it shows has changed."""
        if not self._forgets_nothing:
            key = self._key(kind, tenant, identifier)
            await self._try(self._redis.delete, key, _lease(key))

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()
        await self._redis.connection_pool.disconnect()

    def _note(self, entry: tuple[str, str, str]) -> None:
        self.recent.pop(entry, None)
        self.recent[entry] = None
        if len(self.recent) > RECENT:
            del self.recent[next(iter(self.recent))]

    def _key(self, kind: str, tenant: str, identifier: str) -> str:
        owner = "any" if self._without_tenant else tenant
        key = f"orders:{VERSION}:{owner}:{kind}:{identifier}"
        return f"{key}:{uuid.uuid4().hex}" if self._random_keys else key

    def _lifetime(self, kind: str, value: object) -> int | None:
        if self._for_ever:
            return None
        if self._one_second or self._one_hour:
            return 1 if self._one_second else 3600
        base = MISSING_LIFETIME if value is None else LIFETIMES[kind]
        return round(base * self._jitter.uniform(1 - JITTER, 1 + JITTER))

    def _is_out(self) -> bool:
        return self._off or time.monotonic() < self._closed_until

    async def _try(self, operation: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any | None:
        if self._is_out():
            return None
        try:
            return await operation(*args, **kwargs)
        except (RedisError, OSError) as error:
            if self._fails:
                raise
            if not _was_in_use(error):
                self._closed_until = time.monotonic() + PAUSE
            self._metrics.cache_lookups.labels("any", "error").inc()
            log.warning("cache unavailable", extra={"fields": {"error": type(error).__name__}})
            return None
        finally:
            if self._one_connection_a_call:
                await self._redis.connection_pool.disconnect(inuse_connections=False)


def _was_in_use(error: RedisError | OSError) -> bool:
    """Whether all connections were in use for too long: a burst, which is no reason to do without a cache."""
    return isinstance(error, RedisConnectionError) and isinstance(error.__cause__, asyncio.TimeoutError)


def _lease(key: str) -> str:
    return f"{key}:lease"
