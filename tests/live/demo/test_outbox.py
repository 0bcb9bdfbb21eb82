"""The outbox on a real server: each message is told once, none is lost, workers share, and gauges say what waits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from pytest_backend_audit.demo.service import seed, store
from pytest_backend_audit.demo.service.settings import Settings
from pytest_backend_audit.demo.service.worker import BATCH, Gauges, Worker
from pytest_backend_audit.targets.queues import Queues
from pytest_backend_audit.testing import runtime_for

T = TypeVar("T")
MESSAGES = BATCH + 10


@pytest.fixture
def database(postgres_server) -> Iterator[str]:
    """DSN of the service's database, empty but for some messages that wait, the first for a minute."""
    server = postgres_server.dsn(password="super-secret-0001")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute("CREATE DATABASE orders_outbox")
        dsn = postgres_server.dsn(password="super-secret-0001", database="orders_outbox")
        with psycopg.connect(dsn, autocommit=True) as connection:
            seed.create_schema(connection)
            connection.execute(
                "INSERT INTO outbox (tenant, order_id, event, request_id, created_at)"
                " SELECT 'acme', n, 'paid', 'request-' || n, now() - (61 - n) * interval '1 second'"
                f" FROM generate_series(1, {MESSAGES}) n"
            )
        yield dsn
        admin.execute("DROP DATABASE orders_outbox WITH (FORCE)")


def working(dsn: str, act: Callable[[store.Pool], Coroutine[Any, Any, T]]) -> T:
    """What a coroutine gives that works on the database as the service does."""

    async def run() -> T:
        env = {
            "ORDERS_INSTANCE": "worker",
            "ORDERS_DATABASE_URL": dsn,
            "ORDERS_REDIS_URL": "redis://127.0.0.1:1",
            "ORDERS_PRICING_URL": "http://127.0.0.1:1",
            "ORDERS_IDENTITIES": "[]",
        }
        async with store.make_pool(Settings.from_environment(env)) as pool:
            return await act(pool)

    return asyncio.run(run())


def test_what_waits_is_told_in_order_and_once(database: str) -> None:
    """A batch at a time, until nothing waits."""
    told: list[tuple[int, str, str]] = []

    def tell(message: Mapping[str, Any]) -> None:
        told.append((message["order_id"], message["event"], message["request_id"]))

    async def all_of_it(pool: store.Pool) -> list[int]:
        worker = Worker(pool, Gauges(), tell)
        return [await worker.work() for _ in range(3)]

    assert working(database, all_of_it) == [BATCH, MESSAGES - BATCH, 0]
    assert told == [(n, "paid", f"request-{n}") for n in range(1, MESSAGES + 1)]


def test_two_workers_share_what_waits(database: str) -> None:
    """What one of them has locked the other one leaves alone: nothing is told twice, and nobody waits for anybody."""
    told: list[int] = []

    async def both(pool: store.Pool) -> list[int]:
        async with pool.connection() as connection, connection.transaction():
            first = [message["order_id"] for message in await store.claim_out(connection, BATCH)]
            await Worker(pool, Gauges(), lambda message: told.append(message["order_id"])).work()
        return first

    assert working(database, both) == list(range(1, BATCH + 1))
    assert told == list(range(BATCH + 1, MESSAGES + 1))


def test_a_message_that_can_not_be_told_is_told_again(database: str) -> None:
    """The whole batch stays until all of it was told."""
    heard: list[int] = []

    def fail(message: Mapping[str, Any]) -> None:
        heard.append(message["order_id"])
        if len(heard) == 3:
            raise RuntimeError("the mail server is away")

    async def twice(pool: store.Pool) -> None:
        with pytest.raises(RuntimeError, match="the mail server is away"):
            await Worker(pool, Gauges(), fail).work()
        await Worker(pool, Gauges(), fail).work()

    working(database, twice)
    assert heard == [1, 2, 3, *range(1, BATCH + 1)]


def test_the_gauges_and_the_audit_say_what_waits(database: str, tmp_path) -> None:
    """Depth, and the age of the oldest; ``audit_queues`` sees the same."""
    text = "version: 1\nenvironment: local\ntargets:\n  queues: {tables: {outbox: {table: public.outbox}}}\n"
    gauges = Gauges()

    async def one_batch(pool: store.Pool) -> int:
        return await Worker(pool, gauges, lambda _: None).work()

    with psycopg.connect(database, autocommit=True) as connection:
        queues = Queues(runtime_for(text, folder=tmp_path), lambda: connection)
        before = queues.read("outbox")
        assert working(database, one_batch) == BATCH
        after = queues.read("outbox")
    assert (before.depth, after.depth) == (MESSAGES, MESSAGES - BATCH)
    assert before.oldest - after.oldest == pytest.approx(BATCH, abs=10)
    known = {name: gauges.registry.get_sample_value(name) for name in ("outbox_messages", "outbox_oldest_seconds")}
    assert known["outbox_messages"] == MESSAGES - BATCH
    assert known["outbox_oldest_seconds"] == pytest.approx(after.oldest, abs=10)
    assert gauges.registry.get_sample_value("outbox_told_total", {"event": "paid"}) == BATCH


def test_without_its_database_the_gauges_know_nothing() -> None:
    """Rather than what was."""

    class Away:
        asked = 0

        def connection(self) -> None:
            self.asked += 1
            raise PoolTimeout("no connection")

    away, gauges = Away(), Gauges()
    gauges.depth.set(3)
    gauges.age.set(3)

    async def run() -> None:
        task = asyncio.create_task(Worker(away, gauges, lambda _: None).run())  # type: ignore[arg-type]
        while not away.asked or not math.isnan(gauges.registry.get_sample_value("outbox_messages") or 0):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()

    asyncio.run(run())
    assert math.isnan(gauges.registry.get_sample_value("outbox_oldest_seconds") or 0)
