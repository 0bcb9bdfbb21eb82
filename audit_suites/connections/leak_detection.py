"""No session stays idle in a transaction, the server ends those that do, and a failing request leaves none open.

The limit that the server puts on idleness inside a transaction is read, as roles of services get it: those that may log
in to the database and don't look after the server (superusers, members of pg_monitor, the audit's own). Then requests
are sent that fail, to targets.http.error_path of audit.yaml, and the server's sessions are looked at: a transaction
that began meanwhile and idles on and on after the answers, while nobody sends it a statement, was left open. One that
ends within seconds was somebody's work, as a worker's that does a job in it. The path has to be one whose handler has
used the database before it fails: where pg_stat_statements shows that no statement came with each of these requests,
nothing could have leaked, and the check could not run.

Impact: Each failing request takes a connection out of the pool for good, and after some hours every request waits for
one that never comes back. The transaction's locks stay, and vacuum can't clean up behind it.

Remediation: End transactions in a context manager or a finally block, so that an exception rolls back and gives the
connection back. Have the server end what idles: the message gives the statement.

Verification: SELECT pid, application_name, now() - xact_start, query FROM pg_stat_activity WHERE state LIKE 'idle in
transaction%' after some failing requests shows nothing that stays.

Effort: M
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis import role_settings as settings
from pytest_backend_audit.analysis.attribution import by_each
from pytest_backend_audit.analysis.sessions import hidden
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.analysis.units import seconds
from pytest_backend_audit.suites._costs import costs
from pytest_backend_audit.suites._role_settings import role_settings

GUARD = "idle_in_transaction_session_timeout"
FAILURES = 5
"""Requests of ours: more than a pool loses by chance, too few to empty one or to trip a breaker."""
PATIENCE, PAUSE = 15.0, 0.5
"""Seconds after which a transaction that still idles was not about to end, and between two looks at it."""
GUARDED = 0.5
"""Share of the server's own limit, from which on it may have ended what was left open: it is not waited for so long."""
IDLE = """
SELECT pid, usename AS role, coalesce(nullif(application_name, ''), 'unnamed') AS application_name, backend_type,
       1 AS sessions, extract(epoch FROM clock_timestamp() - state_change)::float8 AS idle,
       extract(epoch FROM xact_start)::float8 AS began, extract(epoch FROM clock_timestamp())::float8 AS now
FROM pg_catalog.pg_stat_activity
WHERE usename IS NOT NULL AND application_name <> 'backend-audit'
  AND (backend_type IS NULL OR state LIKE 'idle in transaction%')
ORDER BY began
"""
NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"


@audit(dimension="4.2", criterion="leak-detection", level=3)
def test_the_server_ends_what_idles_in_a_transaction(audit_postgres: Any, audit_settings: Any) -> None:
    """The server ends sessions that stay idle in a transaction."""
    limit = audit_settings.value("idle-in-transaction-limit")
    [guards] = role_settings(audit_postgres, GUARD)
    useless = [g for g in guards if g.value is not None and not 0 < seconds(g.value) <= limit.number]
    assert not useless, (
        f"{GUARD} is {listed(useless)}; it should be more than 0 (which ends nothing) and at most {limit}: "
        f"{settings.remedies(useless, f'{limit.number * 1000:.0f}ms')}"
    )
    if unseen := settings.hidden(guards):
        raise CouldNotRun(unseen)


@audit(dimension="4.2", criterion="leak-detection", level=3)
def test_a_failing_request_leaves_no_transaction_open(
    audit_postgres: Any,
    audit_http: Any,
    audit_identity: Any,
    audit_declared: Any,
    *,
    audit_query_budget: Any,
    audit_settings: Any,
    audit_acknowledged: Any,
) -> None:
    """No session stays idle in a transaction, also after requests that failed."""
    limit = audit_settings.value("idle-in-transaction-limit")
    path, identities = audit_declared("targets.http.error_path"), audit_declared("identities", ())
    [(begun,)] = audit_postgres.execute(NOW).fetchall()
    client = audit_identity(identities[0]) if identities else audit_http
    statuses: list[int] = []

    def fail() -> None:
        # A new connection each: behind a load balancer every instance gets its share.
        statuses.extend(client.get(path, headers={"Connection": "close"}).status_code for _ in range(FAILURES))

    unused = _unused(audit_query_budget, fail, path)
    if not statuses:  # what they cost can't be counted; what they leave behind can be seen all the same
        fail()
    if min(statuses) < 400:
        raise CouldNotRun(
            f"GET {path} answered {min(statuses)}: no failure to look behind; name a path that fails after it has used "
            f"the database ({audit_declared.origin('targets.http.error_path')})"
        )

    found, fresh = _watched(audit_postgres, begun)
    staying = [r for r in found if (r.pid, r.began) in fresh or r.idle > limit.number]
    known = set(audit_acknowledged(sorted({f"{row.role}@{row.application_name}" for row in staying})))
    left = [row for row in staying if f"{row.role}@{row.application_name}" in known]
    assert not left, (
        f"{len(left)} sessions are idle in a transaction, after {FAILURES} requests to {path} that failed "
        f"({min(statuses)} to {max(statuses)}) or for more than {limit}"
        f"{lines(_told(row, begun) for row in left)}\n"
        f"to acknowledge: {', '.join(f'leak-detection:{who}' for who in sorted(known))}"
    )
    if unused:
        raise CouldNotRun(f"{unused} ({audit_declared.origin('targets.http.error_path')})")


def _unused(budget: Any, fail: Callable[[], None], path: str) -> str:
    """Why nothing could have leaked, or nobody can tell; empty where the failing requests used the database."""
    try:
        sent = costs(budget, fail, f"{FAILURES} requests to {path} that fail")
    except CouldNotRun as reason:
        return f"nothing is left open, and whether {path} uses the database before it fails can't be told: {reason}"
    if by_each(sent, FAILURES):
        return ""
    return (
        f"{FAILURES} failing requests to {path} sent the database no statement each, so none could leave a "
        "transaction open: name a path that fails after it has used the database"
    )


def _watched(server: Any, begun: float) -> tuple[list[Any], set[tuple[int, float]]]:
    """What idles in a transaction at last; and which of it began in this time and has idled since the first look."""
    [guards] = role_settings(server, GUARD)
    limits = [limit for guard in guards if guard.value is not None and (limit := seconds(guard.value)) > 0]
    patience = min([PATIENCE, *(GUARDED * limit for limit in limits)])
    started, found = time.monotonic(), _idle(server)
    first = found[0].now if found else 0.0
    fresh = {(row.pid, row.began) for row in found if row.began >= begun}
    while fresh and (waited := time.monotonic() - started) < patience:
        time.sleep(min(PAUSE, patience - waited))
        found = _idle(server)
        fresh &= {(row.pid, row.began) for row in found if row.now - row.idle <= first}
    return found, fresh


def _idle(server: Any) -> list[Any]:
    rows: list[Any] = server.execute(IDLE).fetchall()
    if unseen := hidden(rows):
        raise CouldNotRun(f"{unseen} sessions are hidden from the audit's role: GRANT pg_monitor to it")
    return rows


def _told(row: Any, begun: float) -> str:
    since = "left open by a request that failed" if row.began >= begun else f"idle for {row.idle:.0f} s"
    return f"{row.role}@{row.application_name}, pid {row.pid}: {since}"
