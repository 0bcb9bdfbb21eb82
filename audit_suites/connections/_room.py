"""What of a server's connections there is for a service, and what it may come to take past a pooler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.analysis import pgbouncer
from pytest_backend_audit.analysis.pool_formula import Need, declared, through_pooler
from pytest_backend_audit.analysis.pools import by_pool, sessions
from pytest_backend_audit.suites.connections._seeing import leading_to, seen_with, served_here, show

# What the server keeps back for superusers, and since 16 for pg_use_reserved_connections, is part of the reserve.
# Who looks after the server takes of the reserve as well; everybody else in its other databases is a neighbour.
ROOM = """
SELECT current_setting('max_connections')::int AS most,
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true), '0')::int AS kept_back,
       (SELECT count(*) FROM pg_catalog.pg_replication_slots)::int AS slots,
       (SELECT setting::float8 FROM pg_catalog.pg_settings WHERE name = 'authentication_timeout') AS login,
       ARRAY(SELECT pid FROM pg_catalog.pg_stat_activity
             WHERE datname <> current_database() AND application_name <> 'backend-audit'
               AND coalesce(backend_type, 'client backend') = 'client backend'
               AND NOT pg_has_role(usesysid, 'pg_monitor', 'MEMBER')) AS neighbours
"""


@dataclass(frozen=True, slots=True)
class Room:
    """A server's maximum, and what is taken of it before any pool of the service takes some."""

    most: int
    login: float
    """Seconds that it gives a login."""
    taken: list[Need]


def room(server: Any, reserve: float, console: Any | None) -> Room:
    """What the server has for services of the database at hand.

    Args:
        server: ``audit_postgres``.
        reserve: Connections that are to be kept for administrators; more where the server keeps more.
        console: Of the pooler, where there is one: it is counted by what it may open.
    """
    told = server.execute(ROOM).fetchone()
    neighbours = len(told.neighbours) - (_opened_elsewhere(console, told.neighbours) if console else 0)
    taken = [
        Need("replication slots", told.slots),
        Need("reserve for administrators", max(int(reserve), told.kept_back)),
        *([Need("connected to other databases now", neighbours)] if neighbours > 0 else []),
    ]
    return Room(told.most, told.login, taken)


def _opened_elsewhere(console: Any, neighbours: Iterable[int]) -> int:
    """How many of the sessions of other databases the pooler opened."""
    return len(set(neighbours) & {int(row["remote_pid"]) for row in show(console, "SERVERS")})


def past(server: Any, console: Any, pools: Mapping[str, Any]) -> tuple[dict[str, Any], list[Need]]:
    """The declared pools that connect past the pooler, and what there is past it of no pool that names itself.

    Args:
        server: ``audit_postgres``.
        console: Of the pooler.
        pools: Declared pools.
    """
    rows, opened = seen_with(console, server)
    belonging, stray = by_pool(sessions(rows, without=opened, pools=pools), pools)
    named = {n: pools[n] for n, members in belonging.items() if members and pools[n].application_name is not None}
    nameless = len(stray) + sum(len(members) for n, members in belonging.items() if n not in named)
    return named, [Need("connected past PgBouncer now", nameless)] if nameless else []


def through(server: Any, console: Any) -> list[Need]:
    """What the pooler may come to hold at the server.

    Args:
        server: ``audit_postgres``.
        console: Of the pooler.
    """
    rows, _ = seen_with(console, server)
    here = leading_to(console, server, rows)
    return through_pooler(show(console, "DATABASES"), show(console, "POOLS"), server.info.dbname, here)


def strangers(server: Any, console: Any) -> list[Need]:
    """Clients that the pooler has now for other databases than the audited one.

    Args:
        server: ``audit_postgres``.
        console: Of the pooler.
    """
    rows, _ = seen_with(console, server)
    names = {row["name"] for row in served_here(console, server, rows)} | {pgbouncer.CONSOLE}
    others = sum(row["database"] not in names for row in show(console, "CLIENTS"))
    return [Need("clients of other databases now", others)] if others else []


def straight(pools: Mapping[str, Any], generations: int = 1) -> list[Need]:
    """What pools may come to hold of the server, of so many fleets."""
    return [Need(need.who, need.connections * generations) for need in declared(pools)]
