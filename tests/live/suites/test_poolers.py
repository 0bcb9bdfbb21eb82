"""The checks that ask a pooler, beside a real PgBouncer that reaches its server by TCP and by a Unix socket."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from live.servers import folder_for_servers, free_port, postgres, running, unprivileged
from live.suites.conftest import PASSWORD
from psycopg.rows import namedtuple_row

from pytest_backend_audit.analysis.sessions import AUDIT
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.connections import pooler as pooling
from pytest_backend_audit.suites.connections.connection_identity import (
    test_every_connection_names_its_application as identity,
)
from pytest_backend_audit.suites.connections.deploy_headroom import (
    test_two_generations_fit_and_drain_slowly as deploys,
)
from pytest_backend_audit.suites.connections.pool_formula import (
    test_pools_follow_from_their_users_and_fit_the_server as formula,
)
from pytest_backend_audit.suites.connections.pool_size import test_each_pool_has_the_size_that_was_set as size
from pytest_backend_audit.suites.connections.pooler import test_the_service_comes_through_a_pooler as pooler
from pytest_backend_audit.testing import run_check

pytestmark = [pytest.mark.live, pytest.mark.needs("pgbouncer")]
APP = "app:only-an-app-0001"


@dataclass(frozen=True)
class Stack:
    """A server with a pooler in front."""

    direct: str
    """DSN of the service's role at the server."""
    through: str
    """The same at the pooler, with %s for the name that it has for the database."""
    looker: psycopg.Connection[Any]
    console: psycopg.Connection[Any]


@pytest.fixture(scope="module")
def server(postgres_programs: Path) -> Iterator[tuple[Path, int]]:
    """A server of sixty connections that listens at a Unix socket as well: its folder, and its port."""
    with folder_for_servers() as folder:
        if (owner := unprivileged()) is not None:
            shutil.chown(folder, owner, owner)
        with postgres(
            postgres_programs, folder / "pgdata", PASSWORD, max_connections=60, unix_socket_directories=str(folder)
        ) as port:
            with psycopg.connect(
                f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres", autocommit=True
            ) as admin:
                admin.execute("CREATE ROLE app LOGIN PASSWORD 'only-an-app-0001'")
                admin.execute("CREATE ROLE looker LOGIN PASSWORD 'look-but-do-not-touch' IN ROLE pg_monitor")
                admin.execute("CREATE DATABASE orders")
            yield folder, port


@pytest.fixture(scope="module")
def replica(postgres_programs: Path) -> Iterator[int]:
    """The port of another server that has a database of the same name."""
    with folder_for_servers() as folder:
        if (owner := unprivileged()) is not None:
            shutil.chown(folder, owner, owner)
        with postgres(postgres_programs, folder / "pgdata", PASSWORD) as port:
            with psycopg.connect(
                f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres", autocommit=True
            ) as admin:
                admin.execute("CREATE ROLE app LOGIN PASSWORD 'only-an-app-0001'")
                admin.execute("CREATE DATABASE orders")
            yield port


@pytest.fixture(params=["tcp", "unix"])
def stack(request: pytest.FixtureRequest, server: tuple[Path, int], replica: int, tmp_path: Path) -> Iterator[Stack]:
    """A pooler before them, by either way to the first."""
    folder, port = server
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    listening = free_port()
    place = f"host={folder if request.param == 'unix' else '127.0.0.1'} port={port} dbname=orders"
    (folder / "users.txt").write_text('"app" "only-an-app-0001"\n"looker" "look-but-do-not-touch"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\norders = {place}\nmigrations = {place} pool_mode=session\n"
        f"orders_ro = host=127.0.0.1 port={replica} dbname=orders\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {listening}\nunix_socket_dir =\nauth_type = plain\n"
        f"auth_file = {folder}/users.txt\nstats_users = looker\npool_mode = transaction\ndefault_pool_size = 4\n"
    )
    console = f"postgresql://looker:look-but-do-not-touch@127.0.0.1:{listening}/pgbouncer"

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(console, autocommit=True, cursor_factory=psycopg.ClientCursor, application_name=AUDIT)

    def ready() -> bool:
        connect().close()
        return True

    run: list[str | Path] = [str(program), folder / "pgbouncer.ini"]
    with running("PgBouncer", run, tmp_path / "log", ready, user=unprivileged()), contextlib.ExitStack() as opened:
        looking = f"postgresql://looker:look-but-do-not-touch@127.0.0.1:{port}/orders"
        looker = psycopg.connect(looking, autocommit=True, row_factory=namedtuple_row, application_name=AUDIT)
        yield Stack(
            f"postgresql://{APP}@127.0.0.1:{port}/orders",
            f"postgresql://{APP}@127.0.0.1:{listening}/%s",
            opened.enter_context(looker),
            opened.enter_context(connect()),
        )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two looks at the console."""
    monkeypatch.setattr(pooling, "PAUSE", 0)


@contextlib.contextmanager
def used(dsn: str, *names: str) -> Iterator[None]:
    """Connections with these names, each in a transaction of its own."""
    with contextlib.ExitStack() as opened:
        for name in names:
            connection = opened.enter_context(psycopg.connect(dsn, application_name=name, prepare_threshold=None))
            connection.execute("SELECT 1")
        yield


def judge(check, stack: Stack, audit_yaml, pools: str, more: str = ""):
    """A check of this stack, with these declared pools."""
    around = audit_yaml(
        "targets:\n  postgres: {dsn: 'host=db'}\n  pgbouncer: {dsn: 'host=pooler'}\n" + f"pools:\n{pools}{more}"
    )
    window = contextlib.nullcontext(SimpleNamespace(delta={"transactions": 10.0, "waited": 0.0}))
    source = SimpleNamespace(grep=lambda _regex, glob: [SimpleNamespace(path="app.py", text="max_size=2")])
    given = {"audit_pgbouncer": stack.console, "audit_source": source}
    asked = {
        "audit_postgres": stack.looker,
        "audit_pgbouncer": stack.console,
        "audit_declared": around.declared,
        "audit_settings": around.settings,
        "audit_acknowledged": around.acknowledged,
        "audit_window": lambda *_, **__: window,
        "request": SimpleNamespace(getfixturevalue=given.__getitem__),
    }
    wanted = check.__code__.co_varnames[: check.__code__.co_argcount + check.__code__.co_kwonlyargcount]
    return run_check(check, **{name: asked[name] for name in wanted})


ORDERS = "  orders: {size: 2, application_name: orders-*, workers: 1, threads: 2, drain: 61}\n"
WORKER = "  worker: {size: 20, application_name: worker, workers: 1, threads: 20, drain: 61, instances: %d}\n"


def test_sessions_of_a_pooler_are_its_own(stack: Stack, audit_yaml) -> None:
    """By TCP as over a Unix socket, where the kernel would tell another process than PgBouncer does."""
    with used(stack.through % "orders", "orders-1", "orders-2"):
        for check in (pooler, size, identity, formula, deploys):
            ran = judge(check, stack, audit_yaml, ORDERS)
            assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_a_session_past_it_is_told_from_them(stack: Stack, audit_yaml) -> None:
    """Of the same role."""
    with used(stack.through % "orders", "orders-1", "orders-2"), used(stack.direct, "orders-3"):
        ran = judge(pooler, stack, audit_yaml, ORDERS)
        assert (ran.status, ran.reason) == (
            Status.FAILED,
            "1 of 3 sessions did not come through PgBouncer: app@orders-3: 1; to acknowledge: pooler:app@orders-3",
        )
        ran = judge(size, stack, audit_yaml, ORDERS)
        assert "it has 3 connections, and 2 may be" in ran.reason


def test_who_connects_past_it_for_moments_is_seen(stack: Stack, audit_yaml, monkeypatch) -> None:
    """As Django does for each request, unless it is told otherwise."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        moment.close()
        if len(pauses) == 3:
            moment.enter_context(used(stack.direct, "orders-3"))

    monkeypatch.setattr(pooling, "time", SimpleNamespace(sleep=pause))
    with contextlib.ExitStack() as moment, used(stack.through % "orders", "orders-1", "orders-2"):
        ran = judge(pooler, stack, audit_yaml, ORDERS)
    assert (ran.status, ran.reason) == (
        Status.FAILED,
        "1 of 3 sessions did not come through PgBouncer: app@orders-3: 1; to acknowledge: pooler:app@orders-3",
    )
    assert len(pauses) == 10


def test_a_service_with_an_administrators_role_is_a_service(stack: Stack, audit_yaml) -> None:
    """As on managed servers, where it often has the role that the provider made; it bears a declared pool's name."""
    master = stack.direct.replace(APP, f"postgres:{PASSWORD}")
    with used(stack.through % "orders", "orders-1"), used(master, "worker", "psql"):
        ran = judge(pooler, stack, audit_yaml, ORDERS + WORKER % 1)
        assert (ran.status, ran.reason) == (
            Status.FAILED,
            "1 of 3 sessions did not come through PgBouncer: postgres@worker: 1; to acknowledge: "
            "pooler:postgres@worker",
        )
        ran = judge(size, stack, audit_yaml, ORDERS + (WORKER % 1).replace("size: 20", "size: 1"))
        assert ran.status is Status.PASSED
        with used(master, "worker"):
            ran = judge(size, stack, audit_yaml, ORDERS + (WORKER % 1).replace("size: 20", "size: 1"))
        assert "worker: declared is 1 (audit.yaml:8), it has 2 connections, and 1 may be" in ran.reason


def test_a_pool_that_needs_its_session_can_be_acknowledged(stack: Stack, audit_yaml) -> None:
    """As migrations do, for their locks."""
    with used(stack.through % "orders", "orders-1"), used(stack.through % "migrations", "orders-migrate"):
        ran = judge(pooler, stack, audit_yaml, ORDERS)
        assert (ran.status, ran.reason) == (
            Status.FAILED,
            "1 of 2 pools are not in transaction mode: migrations/app (session); to acknowledge: pooler:migrations/app",
        )
        known = "acknowledged: [{item: 'pooler:migrations/app', reason: a, who: A, ticket: T, expires: 2026-02-01}]\n"
        assert judge(pooler, stack, audit_yaml, ORDERS, known).status is Status.PASSED


def test_a_pool_past_the_pooler_takes_connections_of_the_server(stack: Stack, audit_yaml) -> None:
    """A worker that needs its session: what it may open counts beside what the pooler may."""
    with used(stack.through % "orders", "orders-1"), used(stack.direct, "worker"):
        assert judge(formula, stack, audit_yaml, ORDERS + WORKER % 2).status is Status.PASSED
        ran = judge(formula, stack, audit_yaml, ORDERS + WORKER % 3)
        assert (ran.status, ran.reason) == (
            Status.FAILED,
            "together 73 connections may be asked for, and max_connections is 60: PgBouncer for migrations 4, "
            "PgBouncer for orders 4, pool worker 60, replication slots 0, reserve for administrators 5; the reserve is "
            "at least 5 connections (standard)",
        )
        assert judge(deploys, stack, audit_yaml, ORDERS + WORKER % 1).status is Status.PASSED
        ran = judge(deploys, stack, audit_yaml, ORDERS + WORKER % 2)
        assert ran.status is Status.FAILED
        assert ran.reason.startswith(
            "2 fleets (standard) at once ask for 93 connections, and max_connections is 60: pool worker 80, PgBouncer f"
        )


def test_neighbours_on_the_server_take_connections_too(stack: Stack, audit_yaml) -> None:
    """Of other databases: what they have now is not there for the service."""
    with used(stack.through % "orders", "orders-1"), used(stack.direct, "worker"):
        neighbour = stack.direct.replace("/orders", "/postgres")
        with used(neighbour, *["reports"] * 8):
            ran = judge(formula, stack, audit_yaml, ORDERS + WORKER % 2)
        assert ran.status is Status.FAILED
        assert ran.reason.startswith("together 61 connections may be asked for, and max_connections is 60: ")
        assert "reserve for administrators 5, connected to other databases now 8; " in ran.reason


def test_what_goes_through_the_pooler_to_another_server_is_no_matter_of_this_one(stack: Stack, audit_yaml) -> None:
    """As reads do that go to a replica, whose database has the same name; its pool is another."""
    reads = "  reads: {target: replica, size: 3}\n"
    with used(stack.through % "orders", "orders-1", "orders-2"):
        with used(stack.through % "orders_ro", *["orders-ro"] * 3):
            ran = judge(size, stack, audit_yaml, ORDERS + reads)
        assert (ran.status, ran.reason) == (Status.PASSED, "")
        with used(stack.through % "orders", "orders-3"):
            assert "it has 3 connections, and 2 may be" in judge(size, stack, audit_yaml, ORDERS + reads).reason


def test_the_poolers_other_clients_take_of_its_maximum(stack: Stack, audit_yaml) -> None:
    """It takes a hundred: those of another database are not there for two fleets."""
    large = ORDERS.replace("size: 2", "size: 49")
    with used(stack.through % "orders", "orders-1"):
        assert judge(deploys, stack, audit_yaml, large).status is Status.PASSED
        with used(stack.through % "orders_ro", *["reports"] * 3):
            ran = judge(deploys, stack, audit_yaml, large)
    assert (ran.status, ran.reason) == (
        Status.FAILED,
        "2 fleets (standard) at once ask for 101 connections, and PgBouncer's max_client_conn is 100: pool orders 98, "
        "clients of other databases now 3",
    )
