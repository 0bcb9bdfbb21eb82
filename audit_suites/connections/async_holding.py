"""Slow concurrent requests do not hold database connections while they wait on something else.

What the service depends on beside its database is made slow, one after the other (targets.faults.dependencies of
audit.yaml). Of the reads that audit.yaml declares, those that become slow with it are then sent at a constant rate,
some of them at a time, and meanwhile the instances' metrics pages say how many connections are taken out of the pools
of the database (those to the cache or to other services are rightly busy), and the server in how many of them a
statement runs: of sessions that bear the pools' names, where audit.yaml tells these. What is out, does not work, and
was not out before is held. A read that comes from a cache mostly, or that few requests at a time wait in, tells nothing
and is left out.

Impact: When a downstream takes a second longer, a pool of ten connections lets ten requests through at a time, and
everything waits that needs the database: one slow neighbour stops the whole service.

Remediation: Give the connection back before awaiting anything else; fetch what is needed from elsewhere first. In async
code call the database through an async driver; a synchronous call holds the event loop as well.

Verification: Slow the downstream down, send ten requests at once, and see the gauge of active connections stay low.

Effort: M
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from fnmatch import fnmatchcase
from statistics import median
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.pool_metrics import ACTIVE, exported, of_databases
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites.connections._seeing import metrics_pages

DATABASES = ("postgres", "replica", "pgbouncer")
LATENCY = 0.5
"""Seconds by which the dependency is slower."""
SLOW = 0.8
"""Share of it by which a request must have become slower, to have waited for it."""
AT_A_TIME = 8
"""Requests under way: more than statements run by chance, fewer than a pool usually has."""
ENOUGH = 4
"""Of them, that must have waited at a time; a connection or two are out at any moment."""
HELD = 0.5
"""Connections per waiting request from which on they count as held: some of them may have other things to do."""
SAMPLES = 8
WORKING = """
SELECT application_name, count(*)::int FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND application_name <> 'backend-audit' AND state = 'active'
  AND backend_type = 'client backend'
GROUP BY application_name
"""


@audit(dimension="4.2", criterion="async-holding", level=3, needs=("load", "faults"))
def test_waiting_requests_hold_no_connection(
    audit_postgres: Any,
    audit_http: Any,
    audit_identity: Any,
    *,
    audit_load: Any,
    audit_faults: Any,
    audit_endpoints: Any,
    audit_declared: Any,
) -> None:
    """Slow concurrent requests do not hold database connections while they wait on something else."""
    others = [name for name in audit_faults.dependencies if name not in DATABASES]
    reads = [e for e in audit_endpoints.declared() if e.method == "GET"]
    if not others or not reads:
        raise CouldNotRun(
            f"{len(others)} dependencies beside the database (targets.faults) and {len(reads)} reads (endpoints) are "
            "declared in audit.yaml: one of each is needed at least"
        )

    def duration(endpoint: Any) -> float:
        begun = time.monotonic()
        (audit_identity(endpoint.identity) if endpoint.identity else audit_http).get(endpoint.url())
        return time.monotonic() - begun

    pools = audit_declared("pools", {})
    served = {name: pool.target in DATABASES for name, pool in pools.items()}
    names = [pools[name].application_name for name, leads in served.items() if leads]

    def held() -> int:
        pages = metrics_pages(audit_http, audit_declared)
        told = [pool for page, _ in pages.values() for pool in of_databases(exported(page), served).values()]
        active = [pool[ACTIVE] for pool in told if ACTIVE in pool]
        if not active:
            raise CouldNotRun("no metrics page tells how many connections are in use (4.2 pool-metrics)")
        working = audit_postgres.execute(WORKING).fetchall()
        return int(sum(active) - sum(count for name, count in working if _one_of(name, names)))

    usual = {str(endpoint): duration(endpoint) for endpoint in reads}
    # What others take, or a leak has taken, is out with these requests and without.
    before = max(0.0, median(held() for _ in range(SAMPLES)))
    tried, faults = [], []
    for dependency in others:
        with audit_faults.latency(dependency, LATENCY):
            slow = [e for e in reads if duration(e) > usual[str(e)] + SLOW * LATENCY]
            for endpoint in slow:
                with audit_load.background(endpoint, AT_A_TIME / LATENCY, 2 * LATENCY + 5) as load:
                    time.sleep(2 * LATENCY)
                    samples = [held() for _ in range(SAMPLES)]
                waiting = min(AT_A_TIME, load.done.concurrency)
                if waiting < ENOUGH:
                    continue
                tried.append(f"{endpoint} on {dependency}")
                more = median(samples) - before
                if more >= HELD * waiting:
                    faults.append(
                        f"{endpoint} waits for {dependency}: {more:g} more connections out and idle (median of "
                        f"{SAMPLES}) while {waiting} requests wait"
                    )
    if not tried:
        raise CouldNotRun(
            f"none of {len(reads)} declared reads became slow with {listed(others)} and let {ENOUGH} requests wait at "
            "a time: declare one that waits for it each time (audit.yaml, endpoints)"
        )
    assert not faults, f"{len(faults)} of {len(tried)} waiting reads hold database connections{lines(faults)}"


def _one_of(name: str, patterns: Sequence[str | None]) -> bool:
    """Whether a session is one of these pools', as far as they name theirs."""
    return not patterns or any(pattern is None or fnmatchcase(name, pattern) for pattern in patterns)
