"""Connections on a real server: headroom, identity, the pooler; a role that sees too little, and a service's own."""

from __future__ import annotations

import re
import socket
import struct
from collections import namedtuple
from collections.abc import Iterator
from types import SimpleNamespace

import psycopg
import pytest
from live.suites.conftest import PASSWORD
from psycopg.rows import namedtuple_row

from pytest_backend_audit.analysis.sessions import AUDIT, others
from pytest_backend_audit.demo.stack.process import wait_for
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.connections import _seeing
from pytest_backend_audit.suites.connections._seeing import looked, rows_of
from pytest_backend_audit.suites.connections.connection_identity import (
    test_every_connection_names_its_application as identity,
)
from pytest_backend_audit.suites.connections.headroom import test_connections_leave_headroom as headroom
from pytest_backend_audit.suites.connections.pooler import test_the_service_comes_through_a_pooler as pooler
from pytest_backend_audit.targets.postgres import APPLICATION_NAME
from pytest_backend_audit.testing import LiteralPostgres, run_check

pytestmark = pytest.mark.live
NO_POOLER = SimpleNamespace(configured=lambda _: False)


class Console:
    """A PgBouncer's console: nobody comes through its one pool."""

    def __init__(self, database: str) -> None:
        self.told = {
            "SHOW DATABASES": [{"name": "orders", "database": database}],
            "SHOW POOLS": [{"database": "orders", "user": "app", "cl_waiting": 0, "pool_mode": "transaction"}],
            "SHOW SERVERS": [],
        }

    def execute(self, command: str) -> SimpleNamespace:
        """What it answers."""
        rows = self.told[command]
        columns = [SimpleNamespace(name=name) for name in (rows[0] if rows else ())]
        return SimpleNamespace(description=columns, fetchall=lambda: [tuple(row.values()) for row in rows])


def judge_pooler(looking, database, audit_yaml):
    """The check of the pooler, as this connection sees the server."""
    around = audit_yaml()
    return run_check(
        pooler, audit_pgbouncer=Console(database.name), audit_postgres=looking, audit_settings=around.settings,
        audit_window=None, audit_declared=around.declared, audit_acknowledged=around.acknowledged,
    )  # fmt: skip


def room(looking, around):
    """The check of headroom, as this connection sees the server."""
    return run_check(
        headroom, audit_postgres=looking, audit_settings=around.settings, audit_acknowledged=around.acknowledged
    )


def named(looking, audit_yaml, more: str = ""):
    """The check of names, without a pooler."""
    return run_check(
        identity, audit_postgres=looking, audit_declared=NO_POOLER, request=None,
        audit_acknowledged=audit_yaml(more).acknowledged,
    )  # fmt: skip


@pytest.fixture
def app(superuser, database) -> Iterator[str]:
    """DSN of a service's role, which may do nothing but connect."""
    database.admin.execute("CREATE ROLE app LOGIN PASSWORD 'only-an-app-0001'")
    yield (superuser % database.name).replace(f"postgres:{PASSWORD}", "app:only-an-app-0001")
    database.admin.execute("DROP OWNED BY app; DROP ROLE app")


@pytest.fixture
def blind(superuser, database):
    """A role without pg_monitor."""
    database.admin.execute("CREATE ROLE unseeing LOGIN PASSWORD 'may-see-nothing'")
    dsn = (superuser % database.name).replace(f"postgres:{PASSWORD}", "unseeing:may-see-nothing")
    with psycopg.connect(dsn, autocommit=True, row_factory=namedtuple_row, application_name=AUDIT) as connection:
        yield connection
    database.admin.execute("DROP ROLE unseeing")


def test_headroom_is_counted_against_the_maximum(database, audit_yaml) -> None:
    """With the applications that hold it; the limit is the audit's."""
    audit = audit_yaml("thresholds: {connections-used-ratio: 0.01}\n")
    ran = room(database.looker, audit)
    assert ran.status is Status.FAILED
    assert "connections are in use (" in ran.reason
    assert "the limit is 0.01 (audit.yaml:3); by application: " in ran.reason
    assert "test-admin: 1" in ran.reason
    ran = room(database.looker, audit_yaml())
    assert (ran.status, ran.reason) == (Status.PASSED, "")


@pytest.mark.parametrize(
    ("limit", "who"), [("ROLE app", "role app"), ("DATABASE {}", "database {}")], ids=["role", "database"]
)
def test_a_limit_of_a_role_or_a_database_is_a_maximum_too(database, app, audit_yaml, limit: str, who: str) -> None:
    """On a shared server a role may have five connections, whatever max_connections is."""
    limit, who = limit.format(database.name), who.format(database.name)
    with psycopg.connect(app), psycopg.connect(app), psycopg.connect(app):
        used = 3 if who == "role app" else 5
        database.admin.execute(f"ALTER {limit} CONNECTION LIMIT {used + 1}")
        around = audit_yaml("thresholds: {connections-used-ratio: 0.75}\n")
        ran = room(database.looker, around)
        assert (ran.status, ran.reason) == (
            Status.FAILED,
            "1 of 1 limits of roles and databases are nearly used up, at most 0.75 (audit.yaml:3) may be\n"
            f"  - {who} has {used} of the {used + 1} connections it may have\n"
            f"  to acknowledge: headroom:{who}",
        )
        known = f"acknowledged: [{{item: 'headroom:{who}', reason: a, who: A, ticket: T, expires: 2026-02-01}}]\n"
        assert room(database.looker, audit_yaml(f"thresholds: {{connections-used-ratio: 0.75}}\n{known}")).status is (
            Status.PASSED
        )
        database.admin.execute(f"ALTER {limit} CONNECTION LIMIT 90")
        assert room(database.looker, around).status is Status.PASSED


def test_the_name_of_a_driver_is_no_name(database, app, audit_yaml) -> None:
    """Every service in Java has it that doesn't set its own; who can't be named can be acknowledged by role."""
    with psycopg.connect(app, application_name="PostgreSQL JDBC Driver"):
        ran = named(database.looker, audit_yaml)
        assert ran.status is Status.FAILED
        assert "; by role: " in ran.reason
        assert "app: 1" in ran.reason
        assert "; called by their driver: PostgreSQL JDBC Driver: 1; to acknowledge: " in ran.reason
        items = ran.reason.rpartition("to acknowledge: ")[2].split(", ")
        assert "connection-identity:app" in items
        known = ", ".join(f"{{item: '{i}', reason: a, who: A, ticket: T, expires: 2026-02-01}}" for i in items)
        assert named(database.looker, audit_yaml, f"acknowledged: [{known}]\n").status is Status.PASSED


def test_who_is_still_authenticating_is_not_anonymous(database, app, audit_yaml) -> None:
    """From PostgreSQL 18 on such a session is shown, without the name that its client did send."""
    told = psycopg.conninfo.conninfo_to_dict(app)
    sent = {"user": "app", "database": database.name, "application_name": "app-1"}
    body = struct.pack("!I", 3 << 16) + b"".join(f"{k}\0{v}\0".encode() for k, v in sent.items()) + b"\0"
    server = (str(told["host"]), int(str(told["port"])))
    with psycopg.connect(app, application_name="app-1"):
        before = named(database.looker, audit_yaml)  # the test's own connections have no name
        with socket.create_connection(server) as halfway:
            halfway.sendall(struct.pack("!I", len(body) + 4) + body)
            assert halfway.recv(1) == b"R"  # the server asks for the password, and waits
            assert named(database.looker, audit_yaml).reason == before.reason


def test_anonymous_connections_are_counted_by_role_and_address(superuser, database, audit_yaml) -> None:
    """Named ones, and the audit's own, are not among them."""
    ran = named(database.looker, audit_yaml)
    assert ran.status is Status.FAILED
    before = ran.reason
    assert "client connections have no application_name; by role: postgres: " in before
    with psycopg.connect(superuser % database.name, application_name=" "):
        ran = named(database.looker, audit_yaml)
    assert int(ran.reason.split()[0]) == int(before.split()[0]) + 1
    assert f"; by address: 127.0.0.1: {ran.reason.split()[0]}; to acknowledge: connection-ident" in ran.reason


def test_a_role_that_sees_too_little_could_not_look(blind, database, audit_yaml) -> None:
    """Sessions of others are there, and nothing of them is shown."""
    for ran in (
        room(blind, audit_yaml()),
        named(blind, audit_yaml),
        judge_pooler(blind, database, audit_yaml),
    ):
        assert ran.status is Status.COULD_NOT_RUN
        assert ran.reason.endswith("sessions are hidden from the audit's role: GRANT pg_monitor to it")


def test_a_service_that_has_the_audits_role_is_seen(superuser, database, audit_yaml) -> None:
    """Whatever the role may look at: only what is named as the audit's own is left out."""
    assert AUDIT == APPLICATION_NAME
    service = (superuser % database.name).replace(f"postgres:{PASSWORD}", "looker:look-but-do-not-touch")

    def nameless() -> int:
        ran = named(database.looker, audit_yaml)
        found = re.search(r"looker: (\d+)", ran.reason)
        return int(found[1]) if found else 0

    def direct() -> list[str]:
        return [row.role for row in others(rows_of(database.looker)) if not row.operator]

    assert (nameless(), direct()) == (0, [])
    with psycopg.connect(service), psycopg.connect(service, application_name=AUDIT):
        assert (nameless(), direct()) == (1, ["looker"])
        ran = judge_pooler(database.looker, database, audit_yaml)
    assert ran.status is Status.FAILED
    assert ran.reason == (
        "1 of 2 sessions did not come through PgBouncer: looker@unnamed: 1; to acknowledge: pooler:looker@unnamed"
    )


@pytest.mark.parametrize(("name", "status"), [(AUDIT, Status.COULD_NOT_RUN), ("web", Status.PASSED)])
def test_headroom_that_nobody_takes_shows_nothing(audit_yaml, monkeypatch, name: str, status: Status) -> None:
    """The audit's own connections are no use of the service."""
    monkeypatch.setattr(_seeing, "PAUSE", 0)
    row = namedtuple("Row", "backend_type application_name state sessions max_connections")
    found = [row("client backend", name, "idle", 2, 100), row("walwriter", "", None, 1, 100)]
    ran = room(LiteralPostgres({"rolconnlimit": []}, otherwise=found), audit_yaml())
    assert ran.status is status
    assert ran.reason in {"", "nobody is connected but the audit: audit while the service runs"}


def test_who_connects_for_a_moment_only_is_looked_for_again(superuser, database, monkeypatch) -> None:
    """A connection a request, as Django makes them: most looks show nobody."""
    monkeypatch.setattr(_seeing, "PAUSE", 0)
    looks = []

    def look() -> list[str]:
        if len(looks) < 3:
            looks.append(present())
            return looks[-1]
        with psycopg.connect(superuser % database.name, application_name="a moment"):
            looks.append(present())
        return looks[-1]

    def present() -> list[str]:
        return [row.role for row in rows_of(database.looker) if row.application_name == "a moment"]

    assert looked(look, bool) == ["postgres"]
    assert looks == [[], [], [], ["postgres"]]
    looks.clear()
    wait_for(lambda: present() == [], "the server to see that the connection is closed")
    assert looked(present, bool, looks=4) == []
