"""The companions' database: of its own, on the session's server."""

from __future__ import annotations

import os
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from live.conftest import PASSWORD, Server
from witnesses import matrix
from witnesses.matrix import Seen

MORE_PROGRAMS = ("/usr/local/go/bin", sysconfig.get_path("scripts"))
"""Where Go and sqlc are besides PATH."""


@dataclass(frozen=True)
class Databases:
    """Connection strings of one database."""

    owner: str
    service: str
    auditor: str


@pytest.fixture(scope="module")
def programs() -> Iterator[None]:
    """Go and sqlc are on PATH."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", os.pathsep.join([os.environ["PATH"], *MORE_PROGRAMS]))
        yield


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """What the tests of a companion see; for the record of the witnesses."""
    run = Seen()
    yield run
    matrix.record(run)


@pytest.fixture(scope="module")
def shop_database(monitored: Server) -> Iterator[Databases]:
    """An empty database for the shop, its role, and the monitoring role that may read it."""
    server = f"{monitored.host}:{monitored.port}"
    owner = f"postgresql://postgres:{PASSWORD}@{server}/shop"
    run_statements(
        monitored.dsn(password=PASSWORD),
        "CREATE DATABASE shop",
        "CREATE ROLE shop LOGIN PASSWORD 'keeps-the-shop-0001'",
    )
    run_statements(
        owner,
        "CREATE EXTENSION pg_stat_statements",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO shop",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO auditor",
    )
    yield Databases(
        owner=owner,
        service=f"postgresql://shop:keeps-the-shop-0001@{server}/shop",
        auditor=f"postgresql://auditor:look-but-do-not-touch@{server}/shop",
    )
    run_statements(monitored.dsn(password=PASSWORD), "DROP DATABASE shop WITH (FORCE)", "DROP ROLE shop")


def run_statements(dsn: str, *statements: str) -> None:
    """Each by itself, on a connection that is gone afterwards: an audit would see it."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
