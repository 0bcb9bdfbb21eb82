"""The worker: takes what instances have put into the outbox, and tells customers what became of their orders.

A message is put there in the transaction of what it tells of (`store.put_out`), so that neither is without the other.
It is removed in the transaction in which it was told: one that fails halfway is told again, never lost. Several workers
share the work: what one of them has locked the others leave alone.

Run one: ``python -m orders.worker``, configured as an instance is; its metrics are at ``ORDERS_PORT``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, start_http_server
from psycopg_pool import PoolTimeout

from . import logs, store
from .settings import Settings, SettingsError

log = logging.getLogger("orders.worker")

BATCH = 20
"""Messages that one transaction takes: few enough that their locks are short."""
IDLE = 0.5
"""Seconds until a worker that found nothing looks again. Behind PgBouncer in transaction mode nobody can LISTEN."""

Tell = Callable[[Mapping[str, Any]], None]


class Gauges:
    """What the queue looks like, for Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.depth = Gauge("outbox_messages", "Messages that wait in the outbox.", registry=self.registry)
        self.age = Gauge("outbox_oldest_seconds", "Age of the oldest of them; 0 for none.", registry=self.registry)
        self.told = Counter("outbox_told", "Messages that were told.", ["event"], registry=self.registry)
        self.unknown()

    def unknown(self) -> None:
        """The database does not tell; the numbers of before would look like news."""
        self.depth.set(math.nan)
        self.age.set(math.nan)


class Worker:
    """One worker."""

    def __init__(self, pool: store.Pool, gauges: Gauges, tell: Tell) -> None:
        self._pool = pool
        self._gauges = gauges
        self._tell = tell

    async def work(self) -> int:
        """Tell what waits, the oldest first, up to a batch; gives how many that were."""
        async with self._pool.connection() as connection:
            async with connection.transaction():
                messages = await store.claim_out(connection, BATCH)
                for message in messages:
                    with _as_part_of(message["request_id"]):
                        self._tell(message)
                if messages:
                    await store.drop_out(connection, [message["id"] for message in messages])
            waiting, age = await store.outbox(connection)
        self._gauges.depth.set(waiting)
        self._gauges.age.set(age)
        for message in messages:
            self._gauges.told.labels(message["event"]).inc()
        return len(messages)

    async def run(self) -> None:
        """Work until cancelled, through outages of the database too."""
        while True:
            done = 0
            try:
                done = await self.work()
            except (psycopg.Error, PoolTimeout) as error:
                self._gauges.unknown()
                log.warning("the outbox can't be read", extra={"fields": {"error": type(error).__name__}})
            if done < BATCH:
                await asyncio.sleep(IDLE)


@contextlib.contextmanager
def _as_part_of(request_id: str) -> Iterator[None]:
    """Log lines bear the id of the request that wrote the message."""
    token = logs.REQUEST_ID.set(request_id)
    try:
        yield
    finally:
        logs.REQUEST_ID.reset(token)


def mail(message: Mapping[str, Any]) -> None:
    """Tell the customer: a line of the log, where others would send a mail."""
    fields = {"tenant": message["tenant"], "order": message["order_id"], "event": message["event"]}
    log.info("customer told", extra={"fields": fields})


async def _work(settings: Settings, gauges: Gauges) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with store.make_pool(settings) as pool:
        with contextlib.suppress(asyncio.CancelledError):
            await Worker(pool, gauges, mail).run()


def main() -> int:
    """Work until told to stop."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"orders.worker: {error}\n")
        return 2
    logs.set_up(settings.instance)
    gauges = Gauges()
    start_http_server(settings.port, settings.host, gauges.registry)
    asyncio.run(_work(settings, gauges))
    return 0


if __name__ == "__main__":
    sys.exit(main())
