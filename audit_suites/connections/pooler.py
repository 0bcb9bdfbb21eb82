"""A pooler in transaction mode stands in front of the database, nobody waits in it, and the service comes through it.

PgBouncer's console is read several times while clients work: its pools' mode, the clients that wait, how long they
waited on average, the limits of its databases. Every session that the server has at these times is looked for among
PgBouncer's server connections. Who looks after the server (members of pg_monitor, superusers) may connect directly, but
not by the name of a declared pool; the audit's own role only for audits: whoever else uses it counts as the service. A
session that another pooler opened counts as direct.

Impact: Every instance of the service costs the server a process for each of its connections; a deploy or a failover
opens them all at once. A pool that is too small makes requests queue before their first statement.

Remediation: Set pool_mode = transaction; raise the pool's size (default_pool_size, or pool_size of the database) until
nobody waits, inside max_connections; point every client's connection string at the pooler.

Verification: SHOW POOLS has cl_waiting 0 at peak, SHOW STATS a low wait time, and pg_stat_activity only PgBouncer's
addresses.

Effort: M
"""

from __future__ import annotations

import time
from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis import pgbouncer
from pytest_backend_audit.analysis.sessions import past_the_pooler
from pytest_backend_audit.analysis.text import listed
from pytest_backend_audit.suites.connections._seeing import SERVED, seen_with

MODE = "transaction"
PAUSE = 0.25
"""Seconds between two samples: a window of a few seconds in all."""


@audit(dimension="4.2", criterion="pooler", level=4)
def test_the_service_comes_through_a_pooler(
    audit_pgbouncer: Any,
    audit_postgres: Any,
    audit_settings: Any,
    *,
    audit_window: Any,
    audit_declared: Any,
    audit_acknowledged: Any,
) -> None:
    """A pooler in transaction mode stands before the database, nobody waits in it, the service comes through it."""

    def show(what: str) -> list[dict[str, Any]]:
        return pgbouncer.named(audit_pgbouncer.execute(f"SHOW {what}"))

    database = audit_postgres.info.dbname
    names = [row["name"] for row in pgbouncer.served(show("DATABASES"), database)]
    assert names, f"PgBouncer serves no database that leads to {database}: the service can't come through it"

    pools = pgbouncer.pools(show("POOLS"), names)
    roles = {row["user"] for row in pools}
    calling = [p.application_name for p in audit_declared("pools", {}).values() if p.target in SERVED]
    called = [name for name in calling if name is not None]
    sessions: dict[int, Any] = {}
    through: set[int] = set()

    def look() -> None:
        rows, opened = seen_with(audit_pgbouncer, audit_postgres)
        sessions.update((row.pid, row) for row in rows)
        through.update(opened)

    def all_came_through() -> None:
        past = past_the_pooler(list(sessions.values()), through, roles, called)
        direct = audit_acknowledged(past, key="item")
        assert not direct, (
            f"{sum(d.sessions for d in direct)} of {len(sessions)} sessions did not come through PgBouncer: "
            f"{listed(direct)}; to acknowledge: {direct.names}"
        )

    look()
    all_came_through()
    modes = {f"{row['database']}/{row['user']}": row["pool_mode"] for row in pools}
    others = audit_acknowledged([pool for pool, mode in modes.items() if mode != MODE])
    assert not others, (
        f"{len(others)} of {len(pools)} pools are not in {MODE} mode: "
        f"{listed(f'{pool} ({modes[pool]})' for pool in others)}; to acknowledge: {others.names}"
    )

    samples, most = audit_settings.value("pooler-samples"), audit_settings.value("pooler-waiting")
    longest = audit_settings.value("pooler-avg-wait")
    waiting = []
    with audit_window(
        lambda: pgbouncer.counters(show("STATS"), names),
        traffic=["transactions"],
        at_least=samples.number,
        what="PgBouncer's transactions",
    ) as window:
        for _ in range(int(samples.number)):
            waiting.append(pgbouncer.waiting(pgbouncer.pools(show("POOLS"), names)))
            time.sleep(PAUSE)
            look()  # who connects for each request is there at some moments only
    all_came_through()
    assert max(waiting) <= most.number, (
        f"up to {max(waiting)} clients waited for a server connection, in {sum(map(bool, waiting))} of {len(waiting)} "
        f"samples; at most {most} may"
    )
    wait = pgbouncer.Wait(window.delta["transactions"], window.delta["waited"])
    assert wait.average < longest.number, (
        f"clients waited {wait.average * 1000:.1f} ms on average for a server connection, over {wait.transactions:g} "
        f"transactions; it should be less than {longest}"
    )
