"""No session waits on a lock throughout the sampling window.

Looked at are the sessions of clients in the audited database, and since when each waits, as the server tells it. Who
has waited for the whole window by the first look is reported at once; where others wait, they are looked at again until
they have stopped, or the window has passed for them. If nobody waits at the first look, nobody can have waited
throughout a window that it begins.

Impact: Each waiting session holds a connection and whatever it has locked itself; requests pile up behind it until the
pool is empty, and one forgotten transaction has stopped the service.

Remediation: End the transaction that the message names (pg_terminate_backend if need be), then shorten it: no call to
another service inside it, rows locked in one order everywhere. Set lock_timeout and idle_in_transaction_session_timeout
for the service's role, so that the next one ends by itself.

Verification: SELECT pid, pg_blocking_pids(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock', while the service
is busy.

Effort: M
"""

from __future__ import annotations

import time
from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.locks import waits
from pytest_backend_audit.analysis.text import lines

PAUSE = 0.5
"""Seconds between two looks."""
# Statements only as far as their first literal: what follows may be somebody's data.
WAITS = r"""
SELECT w.pid, w.usename AS role, w.application_name AS application, l.locktype AS kind,
    CASE WHEN l.database = w.datid THEN (
        SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = l.relation) END AS relation,
    coalesce(extract(epoch FROM clock_timestamp() - l.waitstart), 0)::float8 AS seconds,
    regexp_replace(regexp_replace(left(w.query, 200), '(''|\$[^0-9]|\m\d).*$', '...'), '\s+', ' ', 'g') AS statement,
    ARRAY(SELECT format('pid %s (%s, %s for %s s)', b.pid, coalesce(nullif(b.application_name, ''), b.usename), b.state,
                        extract(epoch FROM clock_timestamp() - b.xact_start)::int)
          FROM pg_catalog.pg_stat_activity b WHERE b.pid = ANY(pg_blocking_pids(w.pid)) ORDER BY b.pid) AS holders
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_stat_activity w ON w.pid = l.pid
WHERE NOT l.granted AND w.datname = current_database() AND w.backend_type = 'client backend'
ORDER BY seconds DESC, w.pid
"""
SESSIONS = """
SELECT count(*) AS all FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@audit(dimension="4.1", criterion="lock-waits", level=3)
def test_no_session_waits_on_a_lock_for_long(audit_postgres: Any, audit_settings: Any, audit_acknowledged: Any) -> None:
    """No session waits on a lock throughout the sampling window."""
    window = audit_settings.value("lock-window")
    begun = time.monotonic()
    sessions = audit_postgres.execute(SESSIONS).fetchone().all
    while True:
        waiting = audit_postgres.execute(WAITS).fetchall()
        passed = time.monotonic() - begun
        stuck = waits(waiting, window.number)
        if not waiting or stuck or passed >= window.number:
            break
        time.sleep(min(PAUSE, window.number - passed))
    left = audit_acknowledged(stuck, key="item")
    assert not left, (
        f"{len(left)} of {sessions} sessions waited on a lock for all of {window}:{lines(left)}\n"
        f"to acknowledge: {left.names}"
    )
