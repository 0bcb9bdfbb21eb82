"""The service in this process, over a real database and a real cache, and the statements that its requests send."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx
import psycopg
import pytest
import redis
from orders import seed  # type: ignore[import-not-found]
from orders.app import create  # type: ignore[import-not-found]
from orders.resources import Resources  # type: ignore[import-not-found]
from orders.settings import Settings  # type: ignore[import-not-found]
from psycopg import AsyncCursor

TOKEN = "of-the-tests"  # noqa: S105 - good for nothing but these tests
DATA = """
INSERT INTO customers (id, tenant, name, email)
    SELECT n, 'acme', 'Customer ' || n, 'customer' || n || '@acme.example' FROM generate_series(1, 20) n;
INSERT INTO orders (id, tenant, customer_id, reference, total_cents)
    SELECT n, 'acme', 1 + n % 20, 'seed-' || n, 1020 FROM generate_series(1, 200) n;
INSERT INTO order_items (order_id, line, sku, quantity, unit_price_cents)
    SELECT n, 1, 'SKU-0001', 2, 510 FROM generate_series(1, 200) n;
SELECT setval('orders_id_seq', 200)
"""


class Prices(BaseHTTPRequestHandler):
    """Stands in for the pricing service: every article costs the same."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        body = b'{"unit_price_cents": 510}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Service:
    """The service, asked as its clients do."""

    def __init__(self, runner: asyncio.Runner, client: httpx.AsyncClient) -> None:
        self._runner = runner
        self._client = client

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Its answer, once it is there."""
        return self._runner.run(self._client.request(method, path, **options))


@pytest.fixture(scope="session")
def pricing() -> Iterator[str]:
    """Where the pricing service is."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Prices) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def service(pricing: str) -> Iterator[Service]:
    """The service with an administrator's token, twenty customers and two hundred orders."""
    database, cache = os.environ["ORDERS_TEST_DATABASE_URL"], os.environ["ORDERS_TEST_REDIS_URL"]
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        seed.create_schema(connection)
        connection.execute(DATA)
    with redis.Redis.from_url(cache) as client:
        client.flushdb()
    identity = {
        "name": "ada",
        "tenant": "acme",
        "role": "admin",
        "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
    }
    settings = Settings.from_environment(
        {
            "ORDERS_INSTANCE": "tests",
            "ORDERS_DATABASE_URL": database,
            "ORDERS_REDIS_URL": cache,
            "ORDERS_PRICING_URL": pricing,
            "ORDERS_IDENTITIES": json.dumps([identity]),
            "ORDERS_DEFECTS": os.environ.get("ORDERS_DEFECTS", ""),
        }
    )
    with asyncio.Runner() as runner:

        async def start() -> tuple[Resources, httpx.AsyncClient]:
            held = Resources.make(settings)
            await held.open()
            transport = httpx.ASGITransport(create(settings, held))
            headers = {"Authorization": f"Bearer {TOKEN}"}
            client = httpx.AsyncClient(transport=transport, base_url="http://orders.example", headers=headers)
            async with asyncio.timeout(10):
                while not (await client.get("/readyz")).is_success:
                    await asyncio.sleep(0.05)
            return held, client

        held, asked = runner.run(start())
        yield Service(runner, asked)
        runner.run(asked.aclose())
        runner.run(held.close())


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to the database while a test runs, in order; the pool's own checks are empty, and left out."""
    sent: list[str] = []
    execute = AsyncCursor.execute

    async def counted(cursor: Any, query: Any, *args: Any, **options: Any) -> Any:
        if query:
            sent.append(" ".join(str(query).split()))
        return await execute(cursor, query, *args, **options)

    monkeypatch.setattr(AsyncCursor, "execute", counted)
    return sent
