"""How defects are switched on and off in the parts that keep running: database, cache, and their connections."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import psycopg
from psycopg.pq import TransactionStatus

from pytest_backend_audit.demo.defects import Defect, Remedy
from pytest_backend_audit.demo.stack.postgres import Postgres
from pytest_backend_audit.demo.stack.process import StackError, wait_for
from pytest_backend_audit.demo.stack.valkey import Valkey


class LiveDefects:
    """What is wrong in the database and in the cache at the moment."""

    def __init__(self, server: Postgres, cache: Valkey) -> None:
        self._server = server
        self._cache = cache
        self._held: list[psycopg.Connection[tuple[object, ...]]] = []

    def bring_about(self, defect: Defect) -> None:
        """Switch a defect on."""
        self._run(defect.sql, fails=defect.fails)
        for name, change in defect.settings.items():
            self._server.configure(name, change.to, change.shown, restart=change.restart)
        for name, change in defect.cache.items():
            self._cache.configure(name, change.to, change.shown)
        self._hold(defect.hold)
        if defect.locks:
            self._lock(defect.locks)

    def put_right(self, defect: Defect) -> None:
        """Switch a defect off."""
        self._run(defect.undo)
        for name, change in defect.settings.items():
            self._server.configure(name, "DEFAULT", change.sound, restart=change.restart)
        for name, change in defect.cache.items():
            self._cache.configure(name, change.sound, change.sound)
        self.send(defect.redis_undo)
        if defect.hold or defect.locks:
            self.release()

    @contextlib.contextmanager
    def remedied(self, remedy: Remedy) -> Iterator[None]:
        """Do what a failing check told to do, and after the block undo it."""
        self._run(remedy.sql)
        try:
            self.send(remedy.redis)
            yield
        finally:
            self._run(remedy.undo)

    def release(self) -> None:
        """Close the connections that were held, and what they were doing."""
        for connection in self._held:
            if connection.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self._server.admin_query(f"SELECT pg_terminate_backend({connection.info.backend_pid}, 5000)")
            connection.close()
        self._held.clear()

    def send(self, lines: Iterable[str]) -> None:
        """Send commands to the cache."""
        with self._cache.connect() as client:
            for line in lines:
                client.execute_command(*line.split())

    def _hold(self, number: int) -> None:
        dsn = self._server.admin_dsn
        for _ in range(number):
            self._held.append(psycopg.connect(dsn, autocommit=True, application_name="batch-import"))

    def _lock(self, statement: str) -> None:
        begun = len(self._held)
        self._hold(2)
        holder, waiter = self._held[begun:]
        # Both are left busy: they are to be found by what one of them waits for, not as idle in a transaction.
        holder.pgconn.send_query(f"BEGIN; {statement}; SELECT pg_sleep(3600)".encode())
        wait_for(lambda: self._waits_for(holder, "PgSleep"), "a session to hold its lock")
        waiter.pgconn.send_query(statement.encode())
        wait_for(lambda: self._waits_for(waiter, "transactionid"), "a session to wait for the lock")

    def _waits_for(self, connection: psycopg.Connection[tuple[object, ...]], what: str) -> bool:
        pid = connection.info.backend_pid
        return self._server.admin_query(f"SELECT wait_event FROM pg_stat_activity WHERE pid = {pid}") == [(what,)]  # noqa: S608 - a number

    def _run(self, statements: Iterable[str], *, fails: str = "") -> None:
        with self._server.connect() as connection:
            for statement in statements:
                if not fails:
                    connection.execute(statement.encode())
                    continue
                with contextlib.suppress(psycopg.errors.lookup(fails)):
                    connection.execute(statement.encode())
                    raise StackError(f"this should have failed with {fails} and didn't: {statement}")
