"""Two generations of the fleet fit the database at once, and a deploy drains more slowly than connections log in.

The pools of audit.yaml, of as many generations as the setting says, are added up against what takes them: PgBouncer's
max_client_conn with its clients of other databases, where audit.yaml names one (it bounds its own connections to the
server), else the server's max_connections with replication slots, a reserve for administrators, and who is connected to
the server's other databases. Pools that are seen to connect past PgBouncer must fit the server beside what it may open.
The time over which a deploy gives back an instance's connections (pools.NAME.drain) is compared with the server's
authentication_timeout.

Impact: During a deploy the new instances' connections are refused while the old ones still have theirs. If the old ones
let go faster than logins that hang are given up, connections that were never used pile up and the deploy cascades.

Remediation: Leave room for two fleets: smaller pools, or a pooler in front. Let an instance drain for longer than
authentication_timeout (terminationGracePeriodSeconds, preStop), or lower that; the message gives the statement.

Verification: Watch SELECT count(*) FROM pg_stat_activity, or SHOW CLIENTS of PgBouncer, over a deploy.

Effort: M
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.pool_formula import Need
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites.connections._room import past, room, straight, strangers, through
from pytest_backend_audit.suites.connections._seeing import console_of, declared_pools, show


@audit(dimension="4.2", criterion="deploy-headroom", level=5)
def test_two_generations_fit_and_drain_slowly(
    audit_postgres: Any,
    audit_declared: Any,
    audit_settings: Any,
    audit_acknowledged: Any,
    request: pytest.FixtureRequest,
) -> None:
    """Two generations of the fleet fit at once, and a deploy drains more slowly than connections log in."""
    generations, reserve = audit_settings.value("deploy-generations"), audit_settings.value("admin-reserve")
    pools = declared_pools(audit_declared)
    console = console_of(audit_declared, request)
    server = room(audit_postgres, reserve.number, console)

    fast = [name for name, pool in pools.items() if pool.drain is None or pool.drain <= server.login]
    quick = audit_acknowledged(fast)
    said = [f"{name}: {_drain(pools[name])} ({audit_declared.origin(f'pools.{name}')})" for name in quick]
    assert not quick, (
        f"{len(quick)} of {len(pools)} pools don't drain more slowly than authentication_timeout, which is "
        f"{server.login:g} s{lines(said)}\n"
        f"either drain for longer, or ALTER SYSTEM SET authentication_timeout = '{_lower(pools, quick)}s'; SELECT "
        f"pg_reload_conf(); to acknowledge: {quick.names}"
    )

    fleets, direct = int(generations.number), pools
    needs: list[Need] = []
    if console is not None:
        told = {row["key"]: row["value"] for row in show(console, "CONFIG")}
        needs = through(audit_postgres, console)
        direct, nameless = past(audit_postgres, console, pools)
        needs += nameless
        clients = straight({name: pool for name, pool in pools.items() if name not in direct}, fleets)
        _fit(
            clients + strangers(audit_postgres, console),
            int(told["max_client_conn"]),
            "PgBouncer's max_client_conn",
            generations,
        )
    if direct:
        _fit(straight(direct, fleets) + needs + server.taken, server.most, "max_connections", generations)


def _fit(needs: list[Need], most: int, limit: str, generations: Any) -> None:
    total = sum(need.connections for need in needs)
    assert total <= most, f"{generations} at once ask for {total} connections, and {limit} is {most}: {listed(needs)}"


def _drain(pool: Any) -> str:
    return "no drain is declared" if pool.drain is None else f"drain is {pool.drain:g} s"


def _lower(pools: Any, names: Any) -> int:
    """A timeout below all drains that are declared; a second is the least that the server takes."""
    return max(1, int(min((pools[n].drain for n in names if pools[n].drain is not None), default=11)) - 1)
