"""The service's cache while a burst has all its connections."""

from __future__ import annotations

import asyncio

import redis

from pytest_backend_audit.demo.service.cache import Cache
from pytest_backend_audit.demo.service.metrics import Metrics
from pytest_backend_audit.demo.service.settings import Settings


def test_a_burst_is_no_outage(valkey_server) -> None:
    """Who finds all connections in use loads by itself; the next one finds the entry, as the cache is not given up."""
    settings = Settings.from_environment(
        {
            "ORDERS_INSTANCE": "orders-1",
            "ORDERS_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
            "ORDERS_REDIS_URL": valkey_server.url(),
            "ORDERS_PRICING_URL": "http://127.0.0.1:1",
            "ORDERS_IDENTITIES": "[]",
        }
    )
    loaded: list[str] = []

    async def load() -> str:
        loaded.append("from the database")
        return "the value"

    async def live() -> None:
        cache = Cache(settings, Metrics(settings))
        pool = cache._redis.connection_pool
        assert await cache.fetch("price", "acme", "SKU-1", load) == "the value"
        assert await cache.fetch("price", "acme", "SKU-1", load) == "the value"
        assert loaded == ["from the database"]
        burst = [await pool.get_connection() for _ in range(pool.max_connections)]
        assert await cache.fetch("price", "acme", "SKU-2", load) == "the value"
        for connection in burst:
            await pool.release(connection)
        assert await cache.fetch("price", "acme", "SKU-1", load) == "the value"
        assert loaded == ["from the database"] * 2
        await cache.close()

    with redis.Redis.from_url(valkey_server.url()) as server:
        server.flushdb()
    asyncio.run(live())
