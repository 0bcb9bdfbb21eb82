"""Connections in use stay well under the server's maximum; their states and applications are on record.

Impact: The next deploy, or the next instance of the autoscaler, is refused by the database: "too many clients".

Remediation: Find the application that holds most of them (the message names it), size its pool by what it uses, and put
a pooler in front of the database before raising max_connections: each connection costs memory.

Verification: Run the check at peak; SELECT state, count(*) FROM pg_stat_activity GROUP BY 1.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.sessions import by, clients, hidden, others
from pytest_backend_audit.analysis.text import percent
from pytest_backend_audit.suites.connections._seeing import looked

SESSIONS = """
SELECT backend_type, application_name, state, count(*) AS sessions,
       current_setting('max_connections')::int AS max_connections
FROM pg_catalog.pg_stat_activity
GROUP BY 1, 2, 3 ORDER BY sessions DESC
"""


@audit(dimension="4.2", criterion="headroom", level=3)
def test_connections_leave_headroom(audit_postgres: Any, audit_settings: Any) -> None:
    """Connections in use stay well under the server's maximum; their states and applications are on record."""
    limit = audit_settings.value("connections-used-ratio")
    rows = looked(lambda: audit_postgres.execute(SESSIONS).fetchall(), lambda found: others(clients(found)))
    if unseen := hidden(rows):
        raise CouldNotRun(f"{unseen} sessions are hidden from the audit's role: GRANT pg_monitor to it")
    found, most = clients(rows), rows[0].max_connections
    if not others(found):
        raise CouldNotRun("nobody is connected but the audit: audit while the service runs")
    used = sum(row.sessions for row in found)
    assert used < limit.number * most, (
        f"{used} of {most} connections are in use ({percent(used / most)}), the limit is {limit}; "
        f"by application: {by(found, 'application_name')}; by state: {by(found, 'state')}"
    )
