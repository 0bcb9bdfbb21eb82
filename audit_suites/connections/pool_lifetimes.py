"""Pools limit how long a connection lives and idles, and no server session is older than they allow.

audit.yaml tells the limits of each pool (pools.NAME.max_lifetime and idle_timeout). The connections of each pool are
then looked at, at the server or, where audit.yaml names a PgBouncer, among its clients: none may be older than both
together, since most pools look at a connection's age only when it is used or given back. PgBouncer is a pool as well:
its own limits are read, and the server's sessions of it are held to them: to twice server_lifetime, over which it
closes those that it opened together. When the instances have run for less than the limits, or the server that they are
connected to, their connections' youth proves nothing; what is missing is waited for, if it is little. How long
instances have run is read from process_start_time_seconds of their metrics pages.

Impact: A connection that lives for ever stays with the server that the name led to when it was opened: after a failover
by DNS the service goes on writing to the old one. Memory of old server sessions grows.

Remediation: Set the pool's longest lifetime (max_lifetime, pool_recycle, SetConnMaxLifetime, maxLifetime) to some
minutes and its idle timeout to less, and declare both in audit.yaml.

Verification: SELECT application_name, max(now() - backend_start) FROM pg_stat_activity GROUP BY 1; behind PgBouncer
connect_time of SHOW CLIENTS.

Effort: S
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis import pgbouncer
from pytest_backend_audit.analysis.pools import by_pool, told
from pytest_backend_audit.analysis.process import youngest
from pytest_backend_audit.analysis.text import listed
from pytest_backend_audit.suites.connections._seeing import (
    connected,
    console_of,
    declared_pools,
    looked,
    metrics_pages,
    seen_with,
    show,
)

SERVER_UP = "SELECT extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS up"
SLACK = 1.5
"""Seconds: PgBouncer tells times in whole ones, and a connection in use ends when its request does."""
STARTING = 2.5
"""Seconds from the start of a process until its pool is open."""
PATIENCE = 20.0
"""Seconds that may be waited for instances to have run long enough."""
LIMITS = ("max_lifetime", "idle_timeout")


@audit(dimension="4.2", criterion="pool-lifetimes", level=3)
def test_no_connection_outlives_its_pools_limits(
    audit_postgres: Any, audit_http: Any, audit_declared: Any, audit_acknowledged: Any, request: pytest.FixtureRequest
) -> None:
    """Pools limit how long a connection lives and idles, and no server session is older than they allow."""
    pools = declared_pools(audit_declared)
    unset = [f"{name}.{limit}" for name, pool in pools.items() for limit in LIMITS if getattr(pool, limit) is None]
    lasting = audit_acknowledged(unset)
    assert not lasting, (
        f"{len(lasting)} of {len(LIMITS) * len(pools)} limits of pools are not set: {listed(lasting)} "
        f"({audit_declared.origin('pools')}); to acknowledge: {lasting.names}"
    )
    limited = {n: p for n, p in pools.items() if p.max_lifetime is not None and p.idle_timeout is not None}
    allowed = {name: pool.max_lifetime + pool.idle_timeout for name, pool in limited.items()}
    console = console_of(audit_declared, request)
    server = audit_postgres if console is None else None  # the pooler's clients outlive the server's restarts
    _wait_until_run_for(max(allowed.values(), default=0) + SLACK + STARTING, audit_http, audit_declared, server)

    if console is not None:
        _hold_the_pooler_to_its_limits(audit_postgres, console)
    found = looked(lambda: connected(audit_postgres, console, pools), bool)
    belonging, _ = by_pool(found, pools)
    if empty := [name for name, members in belonging.items() if not members]:
        raise CouldNotRun(f"nobody is connected out of the pool {listed(empty)}: audit while the service is used")
    for name, limit in allowed.items():
        old = [s for s in belonging[name] if s.age > limit + SLACK]
        known = audit_acknowledged(sorted({session.who for session in old}))
        assert not known, (
            f"{len(old)} of {len(belonging[name])} connections of the pool {name} are older than it allows: "
            f"{told(old)}; declared are max_lifetime {limited[name].max_lifetime:g} s and idle_timeout "
            f"{limited[name].idle_timeout:g} s ({audit_declared.origin(f'pools.{name}')}); "
            f"to acknowledge: {known.names}"
        )


def _hold_the_pooler_to_its_limits(server: Any, console: Any) -> None:
    served = pgbouncer.served(show(console, "DATABASES"), server.info.dbname)
    limits = pgbouncer.lifetimes(show(console, "CONFIG"), served)
    assert limits["server_idle_timeout"], "PgBouncer has server_idle_timeout = 0: idle connections stay for ever"
    rows, opened = seen_with(console, server)
    own = [row for row in rows if row.pid in opened]
    old = [row for row in own if row.age > pgbouncer.oldest(limits) + SLACK]
    assert not old, (
        f"{len(old)} of {len(own)} sessions that PgBouncer opened are older than it allows: up to "
        f"{max(row.age for row in old):.0f} s; {listed(f'{name} is {value:g} s' for name, value in limits.items())}, "
        "and it closes what it opened together over twice server_lifetime"
    )


def _wait_until_run_for(
    seconds: float, http: Any, declared: Any, server: Any | None, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Let the youngest instance, and the server, become older than any connection may: before, none can be too old."""
    pages = metrics_pages(http, declared)
    up, youth = youngest(pages.values()), "the youngest instance"
    if up is None:
        raise CouldNotRun(
            f"{listed(pages)} has no process_start_time_seconds: without it nobody knows whether a connection could be "
            "too old yet; client libraries of Prometheus export it"
        )
    if server is not None and (serving := server.execute(SERVER_UP).fetchone().up) < up:
        up, youth = serving, "the database server"
    if (missing := seconds - up) > PATIENCE:
        raise CouldNotRun(
            f"{youth} has run for {up:.0f} s, and its connections may live for {seconds:.0f} s: audit when it has run "
            "for longer"
        )
    if missing > 0:
        sleep(missing)
