"""Servers on which the bundled checks' statements are tried: the embedded one, and Debian's older one where it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from live.servers import free_port, postgres, running
from psycopg.rows import namedtuple_row

from pytest_backend_audit.analysis.sessions import AUDIT
from pytest_backend_audit.targets.window import Window, Windows
from pytest_backend_audit.testing import Surroundings, recorder, surroundings

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
PASSWORD = "super-secret-0001"


@pytest.fixture(scope="session")
def debian_15(server_folder: Path) -> Iterator[str]:
    """DSN of the superuser on Debian's PostgreSQL 15, with %s for the database."""
    with postgres(
        DEBIAN_15, server_folder / "pgdata-15", PASSWORD, shared_preload_libraries="pg_stat_statements"
    ) as port:
        yield f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/%s"


@pytest.fixture(scope="session", params=["embedded", *(["debian-15"] if DEBIAN_15.is_dir() else [])])
def superuser(request: pytest.FixtureRequest) -> str:
    """DSN of a server's superuser, with %s for the database; each server in turn, with a role that may only look."""
    if request.param == "embedded":
        server = request.getfixturevalue("postgres_server")
        dsn = f"postgresql://postgres:{PASSWORD}@{server.host}:{server.port}/%s"
    else:
        dsn = request.getfixturevalue("debian_15")
    # Made again for each group of tests that a worker gets, on a server that stays.
    with psycopg.connect(dsn % "postgres", autocommit=True) as admin, suppress(psycopg.errors.DuplicateObject):
        admin.execute("CREATE ROLE looker LOGIN PASSWORD 'look-but-do-not-touch' IN ROLE pg_monitor")
    return dsn


@dataclass(frozen=True)
class Database:
    """A database of one test."""

    name: str
    admin: psycopg.Connection[Any]
    looker: psycopg.Connection[Any]
    """As the monitoring role: no right on any table."""


_NUMBERS = itertools.count(1)


@pytest.fixture
def database(superuser: str) -> Iterator[Database]:
    """A fresh database, dropped afterwards."""
    name = f"suites_{next(_NUMBERS)}"
    looking = (superuser % name).replace(f"postgres:{PASSWORD}", "looker:look-but-do-not-touch")
    with psycopg.connect(superuser % "postgres", autocommit=True) as maintenance:
        maintenance.execute(f"CREATE DATABASE {name}")
        try:
            with (
                psycopg.connect(superuser % name, autocommit=True, application_name="test-admin") as admin,
                psycopg.connect(looking, autocommit=True, row_factory=namedtuple_row, application_name=AUDIT) as looker,
            ):
                yield Database(name, admin, looker)
        finally:
            maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def audit_yaml() -> Callable[..., Surroundings]:
    """Makes a check's surroundings from further lines of an audit.yaml."""
    return surroundings


DEBIAN_REDIS = Path("/usr/bin/redis-server")


@dataclass(frozen=True)
class CacheServer:
    """A server of caches."""

    url: str
    """Of an empty database, with %s for the user and its password."""
    admin: redis.Redis
    """May do everything."""


@pytest.fixture(scope="session")
def debian_redis(server_folder: Path) -> Iterator[str]:
    """Address of Debian's Redis."""
    port = free_port()
    run: list[str | Path] = [DEBIAN_REDIS, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with redis.Redis("127.0.0.1", port) as client, running("Redis", run, server_folder / "redis.log", client.ping):
        yield f"127.0.0.1:{port}"


@pytest.fixture(params=["valkey", *(["debian-redis"] if DEBIAN_REDIS.is_file() else [])])
def cache_server(request: pytest.FixtureRequest) -> Iterator[CacheServer]:
    """An empty database of each server in turn, and everything that was counted forgotten."""
    if request.param == "valkey":
        server = request.getfixturevalue("valkey_server")
        address = f"{server.host}:{server.port}"
    else:
        address = request.getfixturevalue("debian_redis")
    with redis.Redis.from_url(f"redis://{address}/5") as admin:
        admin.flushdb()
        admin.config_resetstat()
        admin.slowlog_reset()
        yield CacheServer(f"redis://%s{address}/5", admin)
        admin.flushdb()


@dataclass(frozen=True)
class BusyWindows:
    """Stands in for `audit_window`: while a window is open, this work is done."""

    work: Callable[[], object]

    def ahead(self, name: str, read: Callable[[], Mapping[str, object]], *, traffic: Sequence[str]) -> None:
        """Nothing has happened before the window in which the work is done."""

    @contextmanager
    def __call__(self, read: Callable[[], Mapping[str, object]], **options: Any) -> Iterator[Window]:
        """A window in which the work is done."""
        with Windows(recorder())(read, **options | {"within": 2.0, "lasting": 0.0}) as window:
            self.work()
            yield window
