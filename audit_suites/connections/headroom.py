"""Connections in use stay well under the server's maximum; their states and applications are on record.

A role or a database may have a lower maximum of its own (CONNECTION LIMIT), as on servers that many services share: the
database at hand and the roles that are connected to it are held to theirs as well.

Impact: The next deploy, or the next instance of the autoscaler, is refused by the database: "too many clients".

Remediation: Find the application that holds most of them (the message names it), size its pool by what it uses, and put
a pooler in front of the database before raising max_connections: each connection costs memory. A limit of a role or a
database is raised by ALTER ROLE or ALTER DATABASE with CONNECTION LIMIT.

Verification: Run the check at peak; SELECT state, count(*) FROM pg_stat_activity GROUP BY 1.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.sessions import by, clients, hidden, others
from pytest_backend_audit.analysis.text import lines, percent
from pytest_backend_audit.suites.connections._seeing import looked

SESSIONS = """
SELECT backend_type, application_name, state, count(*) AS sessions,
       current_setting('max_connections')::int AS max_connections
FROM pg_catalog.pg_stat_activity
GROUP BY 1, 2, 3 ORDER BY sessions DESC
"""

LIMITS = """
SELECT who, most, sum(sessions)::int AS used FROM (
    SELECT 'role ' || quote_ident(r.rolname) AS who, r.rolconnlimit AS most, 1 AS sessions
    FROM pg_catalog.pg_stat_activity a
    JOIN pg_catalog.pg_roles r ON r.oid = a.usesysid
    WHERE a.backend_type = 'client backend' AND a.application_name <> 'backend-audit'
      AND NOT pg_has_role(r.oid, 'pg_monitor', 'MEMBER')
      AND EXISTS (SELECT FROM pg_catalog.pg_stat_activity o
                  WHERE o.usesysid = r.oid AND o.datname = current_database() AND o.application_name <> 'backend-audit')
    UNION ALL
    SELECT 'database ' || quote_ident(d.datname), d.datconnlimit, 1
    FROM pg_catalog.pg_stat_activity a
    JOIN pg_catalog.pg_database d ON d.oid = a.datid
    WHERE a.backend_type = 'client backend' AND d.datname = current_database()
) AS limited
WHERE most > 0
GROUP BY who, most ORDER BY who
"""


@audit(dimension="4.2", criterion="headroom", level=3)
def test_connections_leave_headroom(audit_postgres: Any, audit_settings: Any, audit_acknowledged: Any) -> None:
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
    limited = audit_postgres.execute(LIMITS).fetchall()
    full = audit_acknowledged([row for row in limited if row.used >= limit.number * row.most], key="who")
    said = [f"{row.who} has {row.used} of the {row.most} connections it may have" for row in full]
    assert not full, (
        f"{len(full)} of {len(limited)} limits of roles and databases are nearly used up, at most {limit} may be"
        f"{lines(said)}\nto acknowledge: {full.names}"
    )
