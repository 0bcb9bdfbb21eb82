"""A read replica: a copy of the primary's cluster by pg_basebackup, which then streams what changes."""

from __future__ import annotations

import secrets
import signal
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from pytest_backend_audit.demo.stack import unprivileged
from pytest_backend_audit.demo.stack.postgres import DATABASE, Postgres
from pytest_backend_audit.demo.stack.process import Process, StackError, free_port, wait_for

ROLE = "orders_replica"
SLOT = "replica_1"


@dataclass(slots=True)
class Replica:
    """A replica, first as a copy that is being made, then as a running server."""

    primary: Postgres
    home: Path
    port: int
    password: str = field(repr=False)
    process: Process
    """The copying, and from `finish` on the server."""

    @classmethod
    def begin(cls, folder: Path, primary: Postgres) -> Replica:
        """Begin to copy the primary, and return at once.

        Raises:
            StackError: The copying does not start.
        """
        owner = unprivileged.user()
        home = unprivileged.own_folder(folder, "replica", owner)
        password = secrets.token_urlsafe(18)
        primary.admin_query(f"CREATE ROLE {ROLE} LOGIN REPLICATION CONNECTION LIMIT 5 PASSWORD '{password}'")
        # The server's own word for where it streams from: the slot keeps for it what it has not read yet.
        source = f"host=127.0.0.1 port={primary.port} user={ROLE} password={password} application_name={SLOT}"
        argv: list[str | Path] = [primary.programs / "pg_basebackup", "-d", source, "-D", home / "data"]
        argv += ["--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--no-sync"]
        argv += ["--create-slot", f"--slot={SLOT}"]
        process = Process("pg_basebackup", argv, folder / "replica.log", cwd=home, user=owner)
        return cls(primary, home, free_port(), password, process)

    def finish(self) -> None:
        """Start the server on the copy, and wait until it answers, has caught up, and streams.

        Raises:
            StackError: Copying failed, or the server does not start.
        """
        copying = self.process
        wait_for(lambda: copying.poll() is not None, "the primary to be copied")
        copying.stop()
        if copying.poll() != 0:
            raise StackError(f"pg_basebackup ended with status {copying.poll()}{copying.tail()}")
        argv: list[str | Path] = [self.primary.programs / "postgres", "-D", self.home / "data", "-p", str(self.port)]
        log = self.home.parent / "replica.log"
        self.process = Process(
            "the replica", argv, log, cwd=self.home, user=unprivileged.user(), stop_signal=signal.SIGINT
        )
        wait_for(self._has_caught_up, "the replica to catch up", process=self.process)
        wait_for(self._streams, "the replica to stream", process=self.process)

    def dsn(self, role: str) -> str:
        """Connection string for a role; roles and passwords are the primary's."""
        return self.primary.dsn(role, port=self.port)

    def stop(self) -> None:
        """Stop copying, or the server."""
        self.process.stop()

    def _has_caught_up(self) -> bool:
        written = self.primary.admin_query("SELECT pg_current_wal_lsn()::text")[0][0]
        with psycopg.connect(self.dsn("postgres"), autocommit=True, application_name="demo-admin") as connection:
            row = connection.execute(
                "SELECT pg_is_in_recovery() AND pg_last_wal_replay_lsn() >= %s::pg_lsn", (written,)
            ).fetchone()
        return row is not None and bool(row[0])

    def _streams(self) -> bool:
        found = self.primary.admin_query("SELECT application_name, state FROM pg_stat_replication", DATABASE)
        return (SLOT, "streaming") in found
