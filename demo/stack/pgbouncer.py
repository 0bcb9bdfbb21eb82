"""PgBouncer in front of the database, where the machine has it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from pytest_backend_audit.analysis import pgbouncer
from pytest_backend_audit.demo.stack import unprivileged
from pytest_backend_audit.demo.stack.postgres import DATABASE, Postgres
from pytest_backend_audit.demo.stack.process import Process, free_port, wait_for

POOL_SIZE = 20
"""Server connections: no fewer than all instances together ever ask for."""
CLIENTS = 200
"""Clients: some fleets' pools."""
STATS_PERIOD = 1
"""Seconds over which the console's averages go: short, so that those of starting up are soon gone."""
_CONFIGURATION = """
[databases]
{database} = host=127.0.0.1 port={server_port} dbname={database} pool_size={pool_size} max_db_connections={pool_size}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
stats_users = audit_monitor
pool_mode = {mode}
max_client_conn = {max_clients}
default_pool_size = {pool_size}
server_idle_timeout = 600
server_lifetime = 3600
stats_period = {stats_period}
query_wait_timeout = 10
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
{prepared}
"""


def program() -> Path | None:
    """The program, or None where the machine lacks it. Debian keeps it where ordinary users don't look."""
    found = shutil.which(
        "pgbouncer", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    )
    return Path(found) if found else None


@dataclass(slots=True)
class PgBouncer:
    """A running pooler."""

    process: Process
    port: int
    folder: Path
    server: Postgres
    monitor_password: str = field(repr=False)

    @classmethod
    def start(cls, folder: Path, server: Postgres) -> PgBouncer:
        """Start it in transaction mode.

        Raises:
            StackError: It does not start.
        """
        home = unprivileged.own_folder(folder, "pgbouncer", unprivileged.user())
        pooler = cls.__new__(cls)
        pooler.port, pooler.folder, pooler.server = free_port(), home, server
        pooler.monitor_password = secrets.token_urlsafe(18)
        pooler._launch("transaction", POOL_SIZE)
        return pooler

    def restart(self, mode: str = "transaction", pool_size: int = POOL_SIZE, max_clients: int = CLIENTS) -> None:
        """Come back on the same port with other limits; the service's pools reconnect by themselves."""
        self.stop()
        self._launch(mode, pool_size, max_clients)

    @property
    def prepares(self) -> bool:
        """Whether clients may prepare statements through it: it knows how from 1.21 on."""
        binary = program()
        assert binary is not None
        told = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
        return pgbouncer.version([{"version": told}]) >= pgbouncer.PREPARES

    @property
    def console_dsn(self) -> str:
        """The console, for a user who may look and not touch."""
        return f"postgresql://audit_monitor:{self.monitor_password}@127.0.0.1:{self.port}/pgbouncer"

    def show(self, what: str) -> list[tuple[object, ...]]:
        """Rows of a SHOW command of the console."""
        with self._console() as console:
            return console.execute(f"SHOW {what}".encode()).fetchall()

    def average_wait(self) -> float:
        """Microseconds that clients waited for a server connection in each second of late (1.18), or on average."""
        with self._console() as console:
            cursor = console.cursor(row_factory=dict_row)
            rows = cursor.execute(b"SHOW STATS").fetchall()
        return float(sum(row["avg_wait_time"] for row in rows if row["database"] == DATABASE))

    def stop(self) -> None:
        """Stop it at once; what clients were doing fails, and is done again by them."""
        self.process.stop()

    def _console(self) -> psycopg.Connection[tuple[object, ...]]:
        # The console speaks the simple protocol, and knows no transactions.
        return psycopg.connect(
            self.console_dsn, autocommit=True, cursor_factory=psycopg.ClientCursor, prepare_threshold=None
        )

    def _launch(self, mode: str, pool_size: int, max_clients: int = CLIENTS) -> None:
        owner = unprivileged.user()
        users = self.folder / "users.txt"
        passwords = {"orders_app": self.server.passwords["orders_app"], "audit_monitor": self.monitor_password}
        users.write_text("".join(f'"{name}" "{password}"\n' for name, password in passwords.items()))
        configuration = self.folder / "pgbouncer.ini"
        configuration.write_text(
            _CONFIGURATION.format(
                database=DATABASE,
                server_port=self.server.port,
                pool_size=pool_size,
                port=self.port,
                users=users,
                mode=mode,
                max_clients=max_clients,
                stats_period=STATS_PERIOD,
                prepared="max_prepared_statements = 200" if self.prepares else "",
            )
        )
        for path in (users, configuration):
            path.chmod(0o600)
            unprivileged.give(path, owner)
        binary = program()
        assert binary is not None
        log = self.folder.parent / "pgbouncer.log"
        self.process = Process(
            "PgBouncer", [binary, configuration], log, cwd=self.folder, user=owner, stop_signal=signal.SIGTERM
        )
        try:
            wait_for(lambda: self._pool_mode() == mode, f"PgBouncer to answer in {mode} mode", process=self.process)
        except BaseException:
            self.process.stop()
            raise

    def _pool_mode(self) -> str:
        return next(str(row[1]) for row in self.show("CONFIG") if row[0] == "pool_mode")
