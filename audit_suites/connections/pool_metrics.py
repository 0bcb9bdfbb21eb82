"""Each pool exports how many of its connections are active and idle, and how many callers wait.

Looked for is each pool that audit.yaml declares (pools), on the metrics page of every instance: by the pool's name in a
label, else by the names of its series. Pools of HTTP clients, whose libraries tell nothing, are left to 4.2 http-pools.

Impact: That requests wait for a connection shows up as slowness of everything else, and nobody sees which pool it is.

Remediation: Export the pool's own statistics as gauges: psycopg's get_stats(), SQLAlchemy's pool.checkedout() and
checkedin(), Go's db.Stats() (collectors.NewDBStatsCollector), pgxpool's Stat(), HikariCP through Micrometer.

Verification: curl the metrics page, and see three gauges for each pool, for instance
db_pool_connections{state="active"}.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.pool_metrics import ACTIVE, IDLE, SIGNALS, assigned, exported
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites.connections._seeing import metrics_pages

OVER_HTTP = ("http", "downstream")


@audit(dimension="4.2", criterion="pool-metrics", level=4)
def test_each_pool_exports_active_idle_and_waiting(
    audit_http: Any, audit_declared: Any, audit_acknowledged: Any
) -> None:
    """Each pool exports how many of its connections are active and idle, and how many callers wait."""
    pools = {name: pool for name, pool in audit_declared("pools").items() if pool.target not in OVER_HTTP}
    if not pools:
        raise CouldNotRun(f"no pool of a database or cache is declared in pools ({audit_declared.origin('pools')})")
    pages = metrics_pages(audit_http, audit_declared, wrong=AssertionError)
    told = {url: assigned(pools, exported(page)) for url, (page, _) in pages.items()}
    missing = {
        name: silent
        for name in pools
        if (silent := {url: [s for s in SIGNALS if s not in of[name]] for url, of in told.items()})
        and any(silent.values())
    }
    left = audit_acknowledged(missing)
    assert not left, (
        f"{len(left)} of {len(pools)} pools don't export all of {listed(SIGNALS)}"
        f"{lines(f'{n}: no {listed(what)} at {url}' for n in left for url, what in missing[n].items() if what)}\n"
        f"to acknowledge: {left.names}"
    )
    unused = [n for n in pools if n not in missing and not any(of[n][ACTIVE] + of[n][IDLE] for of in told.values())]
    if unused:
        raise CouldNotRun(
            f"{listed(unused)}: all {len(told)} pages say that the pool has no connection at all: audit while the "
            "service is used"
        )
