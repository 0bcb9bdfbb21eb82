"""Servers on which the bundled checks' statements are tried: the embedded one, and Debian's older one where it is."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import namedtuple_row

from pytest_backend_audit.runtime import Runtime
from pytest_backend_audit.targets.acknowledged import Acknowledging
from pytest_backend_audit.targets.declared import Declared
from pytest_backend_audit.targets.settings import Settings
from pytest_backend_audit.testing import runtime_for

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
UNPRIVILEGED = 65534
PASSWORD = "super-secret-0001"


@pytest.fixture(scope="session")
def debian_15(server_folder: Path) -> Iterator[str]:
    """DSN of the superuser on Debian's PostgreSQL 15, with %s for the database."""
    user = {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if os.getuid() == 0 else {}
    data = server_folder / "pgdata-15"
    data.mkdir()
    if user:
        os.chown(data, UNPRIVILEGED, UNPRIVILEGED)
    password = server_folder / "password-15"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    init = [DEBIAN_15 / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password, "-N"]
    settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    dsn = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/%s"
    with (server_folder / "postgres-15.log").open("wb") as log:
        subprocess.run([*init, "-E", "UTF8", "--locale=C"], check=True, stdout=log, stderr=log, cwd="/", **user)
        run = [DEBIAN_15 / "postgres", "-D", data, *(a for k, v in settings.items() for a in ("-c", f"{k}={v}"))]
        process = subprocess.Popen(run, stdout=log, stderr=log, cwd="/", **user)
    try:
        end = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(dsn % "postgres").close()
                break
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > end:
                    pytest.fail(
                        f"PostgreSQL 15 did not start: {(server_folder / 'postgres-15.log').read_text()[-2000:]}"
                    )
                time.sleep(0.05)
        yield dsn
    finally:
        process.terminate()
        process.wait(30)


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
                psycopg.connect(looking, autocommit=True, row_factory=namedtuple_row) as looker,
            ):
                yield Database(name, admin, looker)
        finally:
            maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")


@dataclass(frozen=True)
class Surroundings:
    """What audit.yaml gives to a check."""

    runtime: Runtime

    @property
    def settings(self) -> Settings:
        """For ``audit_settings``."""
        return Settings(self.runtime)

    @property
    def acknowledged(self) -> Acknowledging:
        """For ``audit_acknowledged``."""
        return Acknowledging(self.runtime)

    @property
    def declared(self) -> Declared:
        """For ``audit_declared``."""
        return Declared(self.runtime)


@pytest.fixture
def audit_yaml(tmp_path: Path) -> Callable[..., Surroundings]:
    """Makes a check's surroundings from further lines of an audit.yaml."""

    def make(more: str = "") -> Surroundings:
        return Surroundings(runtime_for(f"version: 1\nenvironment: local\n{more}", folder=tmp_path))

    return make
