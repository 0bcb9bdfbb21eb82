"""After a restart of the database the service reconnects by itself, in time.

The database is restarted by the command that audit.yaml names (targets.faults.dependencies.postgres.restart), then its
connections are refused for a moment and those that stood ended, as in a failover. Each time, once the database answers
the audit again, the reads that audit.yaml declares are sent until each is answered well, round after round. Reads that
are refused before any fault, or that never ask the database (pg_stat_statements shows which statements come with each),
would be answered as ever whatever became of it: then the check could not run.

Impact: A restart of a minute becomes an outage that lasts until somebody restarts the service.

Remediation: Have the pool test connections when it hands them out (check=check_connection, pool_pre_ping=True,
testOnBorrow), throw broken ones away, and limit their lifetime.

Verification: Restart the database under traffic, and see errors end within seconds of its return.

Effort: M
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.attribution import by_each
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites._costs import costs

DATABASES = ("postgres", "pgbouncer")
ROUNDS = 3
"""Rounds in a row that have to be well: one can meet the one connection that lives. And as many requests for each
instance, so that one behind a balancer that never comes back is met."""
ASKING = 5
"""Rounds over which the statements are counted that the reads send."""
PAUSE, LONGEST_PAUSE = 0.1, 1.0
"""Seconds between two rounds, a tenth longer each time: what is down needs no hundred looks."""
AFTERWARDS = 30.0
"""Seconds that a service which is late is given to come back before the next fault, or the next check."""


@audit(dimension="4.2", criterion="failover", level=5, needs=("faults",))
def test_the_service_reconnects_after_a_restart(
    audit_faults: Any,
    audit_http: Any,
    audit_identity: Any,
    *,
    audit_endpoints: Any,
    audit_declared: Any,
    audit_settings: Any,
    request: pytest.FixtureRequest,
) -> None:
    """After a restart of the database the service reconnects by itself, in time."""
    limit = audit_settings.value("recovery-limit")
    found = [name for name in audit_faults.dependencies if name in DATABASES]
    reads = [e for e in audit_endpoints.declared() if e.method == "GET"]
    if not found or not reads:
        raise CouldNotRun(
            f"{len(found)} dependencies are a database (targets.faults.dependencies: postgres) and {len(reads)} reads "
            "(endpoints) are declared in audit.yaml: one of each is needed at least"
        )

    instances = len(audit_declared("targets.http.metrics", ()))
    rounds = max(ROUNDS, math.ceil(ROUNDS * instances / len(reads)))

    def ailing(least: int = 500) -> list[str]:
        said = []
        for endpoint in reads:
            client = audit_identity(endpoint.identity) if endpoint.identity else audit_http
            status = client.get(endpoint.url(), headers={"Connection": "close"}).status_code
            if status >= least:
                said.append(f"{endpoint}: {status}")
        return said

    if before := ailing(400):
        raise CouldNotRun(f"before any fault not all is well: {listed(before)}")
    unproven = _unproven(ailing, request)
    late = []
    for name in found:
        restartable = audit_declared("targets.faults.dependencies")[name].restart
        faults = {"its connections were ended": audit_faults.refuse}
        if restartable:
            faults = {"it restarted": audit_faults.restart} | faults
        for what, fault in faults.items():
            with fault(name):
                pass
            seconds, last = _until_well(ailing, limit.number, rounds)
            if seconds is None:
                late.append(f"{name}, after {what}: not well within {limit}; at last {listed(last)}")
                _until_well(ailing, AFTERWARDS, rounds)
    assert not late, f"the service did not come back in time from {len(late)} faults{lines(late)}"
    if unproven:
        raise CouldNotRun(unproven)


def _unproven(send: Callable[[], object], request: Any) -> str:
    """Why answers prove nothing of the database; empty where it is asked for them."""
    try:
        budget = request.getfixturevalue("audit_query_budget")
        sent = costs(budget, lambda: [send() for _ in range(ASKING)], f"{ASKING} rounds of the declared reads")
    except CouldNotRun as reason:
        return f"reads were answered after each fault, and whether they ask the database can't be told: {reason}"
    if by_each(sent, ASKING):
        return ""
    return (
        f"{ASKING} rounds of the declared reads sent the database no statement each: they are answered without it; "
        "declare a read that isn't (audit.yaml, endpoints)"
    )


def _until_well(ailing: Callable[[], list[str]], within: float, rounds: int) -> tuple[float | None, list[str]]:
    """Seconds until some rounds in a row were well; None, and what ailed at last, when that took too long."""
    begun, good, last, pause = time.monotonic(), 0, list[str](), PAUSE
    well = 0.0
    while good or time.monotonic() - begun < within:  # rounds that are well so far may end later
        told = ailing()
        well = well if good else time.monotonic() - begun
        good = 0 if told else good + 1
        if good == rounds:
            return well, []
        last = told or last
        time.sleep(pause)
        pause = min(LONGEST_PAUSE, 1.1 * pause) if told else PAUSE
    return None, last
