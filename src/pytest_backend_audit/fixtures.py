"""The ``audit_*`` fixtures: thin doors to the targets, which load on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.runtime import runtime

if TYPE_CHECKING:
    import httpx
    import psycopg
    import redis


@pytest.fixture
def audit_postgres(pytestconfig: pytest.Config) -> psycopg.Connection[Any]:
    """A psycopg connection to targets.postgres that records; autocommit and read-only.

    ``audit_postgres.execute("SHOW max_connections").fetchone()``
    """
    from pytest_backend_audit.targets import open_target  # noqa: PLC0415

    made: psycopg.Connection[Any] = open_target(pytestconfig, "postgres")
    return made


@pytest.fixture
def audit_postgres_connect(pytestconfig: pytest.Config) -> Iterator[Callable[..., psycopg.Connection[Any]]]:
    """More psycopg connections: ``audit_postgres_connect(target="replica")``; closed at the check's end.

    With ``read_only=False`` the check must be marked ``needs=("writes",)``.
    """
    opened: list[psycopg.Connection[Any]] = []

    def connect(target: str = "postgres", **kwargs: Any) -> psycopg.Connection[Any]:
        from pytest_backend_audit.targets import postgres  # noqa: PLC0415

        made = postgres.connect(runtime(pytestconfig), target, **kwargs)
        opened.append(made)
        return made

    yield connect
    for connection in opened:
        connection.close()


@pytest.fixture
def audit_pgbouncer(pytestconfig: pytest.Config) -> psycopg.Connection[Any]:
    """PgBouncer's console: ``audit_pgbouncer.execute("SHOW POOLS").fetchall()``."""
    from pytest_backend_audit.targets import open_target  # noqa: PLC0415

    made: psycopg.Connection[Any] = open_target(pytestconfig, "pgbouncer")
    return made


@pytest.fixture
def audit_redis(pytestconfig: pytest.Config) -> redis.Redis:
    """A redis.Redis on targets.redis that records, and sends reads only: ``audit_redis.info("stats")``."""
    from pytest_backend_audit.targets import open_target  # noqa: PLC0415

    made: redis.Redis = open_target(pytestconfig, "redis")
    return made


@pytest.fixture
def audit_http(pytestconfig: pytest.Config) -> Iterator[httpx.Client]:
    """An httpx.Client on targets.http.base_url that records: ``audit_http.get("/healthz").status_code``."""
    from pytest_backend_audit.targets import open_target  # noqa: PLC0415

    with open_target(pytestconfig, "http") as client:
        yield client


@pytest.fixture
def audit_identity(pytestconfig: pytest.Config) -> Iterator[Callable[[str], httpx.Client]]:
    """A client as a declared test identity: ``audit_identity("alice").get("/v1/orders")``."""
    clients: list[httpx.Client] = []

    def identity(name: str) -> httpx.Client:
        from pytest_backend_audit.targets.common import settings_of  # noqa: PLC0415
        from pytest_backend_audit.targets.http import open_identity  # noqa: PLC0415

        audit = runtime(pytestconfig)
        made = open_identity(audit, settings_of(audit, "http"), name)
        clients.append(made)
        return made

    yield identity
    for client in clients:
        client.close()


@pytest.fixture
def audit_prometheus(pytestconfig: pytest.Config) -> Any:
    """Reads targets.prometheus: ``.query(promql)``, ``.rules()``, ``.series_counts()``."""
    from pytest_backend_audit.targets import open_target  # noqa: PLC0415

    return open_target(pytestconfig, "prometheus")
