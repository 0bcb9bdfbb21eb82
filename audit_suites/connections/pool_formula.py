"""The size of a pool follows from who uses it, and all pools together fit the database.

For each declared pool (audit.yaml, pools), the size is compared with workers x threads x factor, also the size that the
metrics pages of the instances tell. Added up is then what may come to be connected: all instances' pools or, where
audit.yaml names a PgBouncer, the connections to the server that it allows itself, with the pools that are seen to
connect past it; and replication slots, a reserve for administrators, and who is connected to the server's other
databases. Their sum must fit max_connections.

Impact: A pool that is larger than those who can use it takes connections from others; when all fill up, as after a
failover, the database refuses: "too many clients", for administrators as well.

Remediation: Make the size workers x threads x factor, and declare the three in audit.yaml. Where the sum is too large,
let PgBouncer hold fewer connections (pool_size, max_db_connections) or put one in front; raise max_connections last,
since each connection costs memory.

Verification: The sum of the message, by hand: SHOW DATABASES, pg_replication_slots, SHOW max_connections, and
pg_stat_activity for other databases.

Effort: M
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.pool_formula import declared, follows, formula
from pytest_backend_audit.analysis.pool_metrics import MOST, assigned, exported
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites.connections._room import past, room, straight, through
from pytest_backend_audit.suites.connections._seeing import console_of, declared_pools, metrics_pages


@audit(dimension="4.2", criterion="pool-formula", level=3)
def test_pools_follow_from_their_users_and_fit_the_server(
    audit_postgres: Any,
    audit_declared: Any,
    audit_settings: Any,
    audit_acknowledged: Any,
    request: pytest.FixtureRequest,
) -> None:
    """The size of a pool follows from who uses it, and all pools together fit the database."""
    reserve = audit_settings.value("admin-reserve")
    pools = declared_pools(audit_declared)
    sizes: dict[str, dict[str, float]] = {name: {"declared": pool.size} for name, pool in pools.items()}
    if audit_declared.configured("http") and audit_declared("targets.http.metrics", ()):
        for url, (page, _) in metrics_pages(request.getfixturevalue("audit_http"), audit_declared).items():
            for name, told in assigned(pools, exported(page)).items():
                if MOST in told:
                    sizes[name][url] = told[MOST] / (pools[name].processes if told[MOST] > pools[name].size else 1)
    wrong = {name: why for name, pool in pools.items() if (why := _wrong(pool, sizes[name]))}
    left = audit_acknowledged(wrong)
    said = [f"{name}: {wrong[name]} ({audit_declared.origin(f'pools.{name}')})" for name in left]
    assert not left, (
        f"the size of {len(left)} of {len(pools)} pools does not follow from workers x threads x factor{lines(said)}\n"
        f"to acknowledge: {left.names}"
    )

    console = console_of(audit_declared, request)
    server = room(audit_postgres, reserve.number, console)
    needs = declared(pools)
    if console is not None and (pooled := through(audit_postgres, console)):
        direct, nameless = past(audit_postgres, console, pools)
        needs = pooled + straight(direct) + nameless
    needs += server.taken
    total = sum(need.connections for need in needs)
    assert total <= server.most, (
        f"together {total} connections may be asked for, and max_connections is {server.most}: {listed(needs)}; the "
        f"reserve is at least {reserve}"
    )


def _wrong(pool: Any, sizes: dict[str, float]) -> str:
    made = formula(pool)
    if not made:
        return f"size {pool.size}, and workers and threads are not declared"
    others = [f"{size:g} at {where}" if where != "declared" else f"declared {size:g}" for where, size in sizes.items()
              if not follows(size, pool)]  # fmt: skip
    return f"{made}, and not {listed(others)}" if others else ""
