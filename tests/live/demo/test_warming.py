"""A cache that is warm after a deploy: what instances noted when they stopped is loaded before the next are ready."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import httpx
import psycopg
import pytest
import redis

from pytest_backend_audit.demo.service import seed
from pytest_backend_audit.demo.service.app import create
from pytest_backend_audit.demo.service.cache import RECENT
from pytest_backend_audit.demo.service.resources import Resources
from pytest_backend_audit.demo.service.settings import Settings

DATA = """
INSERT INTO customers (id, tenant, name, email) VALUES (7, 'acme', 'Seven', 'seven@acme.example');
INSERT INTO orders (id, tenant, customer_id, total_cents) SELECT n, 'acme', 7, 510 FROM generate_series(1, 300) n;
INSERT INTO order_items (order_id, line, sku, quantity, unit_price_cents)
    SELECT n, 1, 'SKU-0001', 1, 510 FROM generate_series(1, 300) n
"""
PATHS = ("/v1/orders/7", "/v1/orders/9", "/v1/customers/7", "/v1/prices/SKU-0001")


class Prices:
    """Stands in for the pricing service."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.free = asyncio.Event()
        self.free.set()

    async def price(self, sku: str) -> dict[str, Any]:
        """The same for all, once it is let go."""
        await self.free.wait()
        self.asked.append(sku)
        return {"sku": sku, "unit_price_cents": 510}

    async def close(self) -> None:
        """Nothing is open."""


class Instance:
    """One instance in this process, and its metrics."""

    def __init__(self, held: Resources, client: httpx.AsyncClient, prices: Prices) -> None:
        self.held, self.client, self.prices = held, client, prices

    async def get(self, *paths: str) -> list[int]:
        """The statuses of answers."""
        return [(await self.client.get(path)).status_code for path in paths]

    def lookups(self, result: str) -> float:
        """How many lookups in the cache ended so."""
        kinds = ("order", "customer", "price")
        found = (
            self.held.metrics.registry.get_sample_value("cache_lookups_total", {"kind": kind, "result": result})
            for kind in kinds
        )
        return sum(value or 0 for value in found)


Act = Callable[[Instance], Coroutine[Any, Any, None]]


@pytest.fixture
def deploy(postgres_server, valkey_server) -> Iterator[Callable[..., None]]:
    """Starts an instance anew on an emptied cache, has it do something, and stops it."""
    server = postgres_server.dsn(password="super-secret-0001")
    dsn = postgres_server.dsn(password="super-secret-0001", database="orders_warming")
    token = "of-the-tests"
    identity = {"name": "ada", "tenant": "acme", "role": "user"}
    identity["token_sha256"] = hashlib.sha256(token.encode()).hexdigest()

    def run(act: Act, *, instance: str = "orders-1", defects: str = "", hold_prices: bool = False) -> None:
        settings = Settings.from_environment(
            {
                "ORDERS_INSTANCE": instance,
                "ORDERS_DATABASE_URL": dsn,
                "ORDERS_REDIS_URL": valkey_server.url(),
                "ORDERS_PRICING_URL": "http://127.0.0.1:1",
                "ORDERS_IDENTITIES": json.dumps([identity]),
                "ORDERS_DEFECTS": defects,
            }
        )

        async def live() -> None:
            held, prices = Resources.make(settings), Prices()
            await held.pricing.close()
            held.pricing = held.warm_up.pricing = prices  # type: ignore[assignment]
            if hold_prices:
                prices.free.clear()
            await held.open()
            headers = {"Authorization": f"Bearer {token}"}
            transport = httpx.ASGITransport(create(settings, held))
            async with httpx.AsyncClient(transport=transport, base_url="http://orders", headers=headers) as client:
                made = Instance(held, client, prices)
                if not hold_prices:
                    while held.warm_up.under_way:
                        await asyncio.sleep(0.01)
                await act(made)
            await held.close()

        with redis.Redis.from_url(valkey_server.url()) as cache:
            cache.flushdb()
        asyncio.run(live())

    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE orders_warming")
        with psycopg.connect(dsn, autocommit=True) as connection:
            seed.create_schema(connection)
            connection.execute(DATA)
        yield run
        admin.execute("DROP DATABASE orders_warming WITH (FORCE)")


async def use(instance: Instance) -> None:
    """Ask for each thing twice: first it is loaded, then found."""
    assert await instance.get(*PATHS, *PATHS) == [200] * 8
    assert (instance.lookups("hit"), instance.lookups("miss")) == (4, 4)


def test_what_was_found_lately_is_there_after_a_deploy(deploy) -> None:
    """Of whichever instance: orders, customers and prices are found at once, and are what the database has."""

    async def warm(instance: Instance) -> None:
        assert instance.prices.asked == ["SKU-0001"]
        assert await instance.get(*PATHS) == [200] * 4
        assert (instance.lookups("hit"), instance.lookups("miss")) == (4, 0)
        assert (await instance.client.get("/v1/orders/9")).json()["items"] == [
            {"sku": "SKU-0001", "quantity": 1, "unit_price_cents": 510}
        ]

    deploy(use)
    deploy(warm, instance="orders-2")


def test_without_the_warm_up_it_is_not(deploy) -> None:
    """The seeded defect: the first requests miss."""

    async def cold(instance: Instance) -> None:
        assert await instance.get(*PATHS) == [200] * 4
        assert (instance.lookups("hit"), instance.lookups("miss")) == (0, 4)

    deploy(use)
    deploy(cold, defects="warm-up")


def test_until_it_is_warm_an_instance_is_not_ready(deploy) -> None:
    """It lives, and says so."""

    async def wait(instance: Instance) -> None:
        assert await instance.get("/healthz", "/readyz") == [200, 503]
        instance.prices.free.set()
        while instance.held.warm_up.under_way:
            await asyncio.sleep(0.01)
        assert await instance.get("/readyz") == [200]

    deploy(use)
    deploy(wait, hold_prices=True)


def test_only_what_was_found_last_counts_as_hot(deploy) -> None:
    """So many entries, however many were asked for."""

    async def much(instance: Instance) -> None:
        many = [f"/v1/orders/{n}" for n in range(1, RECENT + 12)]
        await instance.get(*many, *many)
        noted = list(instance.held.cache.recent)
        assert (len(noted), noted[0], noted[-1]) == (
            RECENT,
            ("order", "acme", "12"),
            ("order", "acme", str(RECENT + 11)),
        )

    deploy(much)
