"""Every client connection names its application.

Looked at is every session of the server but the audits' own; and, where audit.yaml names a PgBouncer, every client of
it instead of the sessions that it opened: those keep the name of the client before, when the next one has none. What a
driver calls itself where nobody says otherwise ("PostgreSQL JDBC Driver") names no application.

Impact: When connections run out or a statement blocks others, nobody can tell whose it is, and whom to wake.

Remediation: Set application_name in the connection string or the pool's options; name the service and the instance
(orders-1). Behind PgBouncer the name of the client is passed on.

Verification: SELECT application_name, count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' GROUP BY 1
shows no empty name.

Effort: S
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis import pgbouncer
from pytest_backend_audit.analysis.sessions import by, clients, hidden, others
from pytest_backend_audit.suites.connections._seeing import looked

SESSIONS = """
SELECT pid, backend_type, nullif(btrim(application_name), '') AS application_name, usename AS role,
       host(client_addr) AS address, 1 AS sessions
FROM pg_catalog.pg_stat_activity
WHERE application_name IS DISTINCT FROM 'backend-audit'
  AND state IS DISTINCT FROM 'starting'  -- still authenticating, from PostgreSQL 18 on: its name is not known yet
"""
DRIVERS = {"PostgreSQL JDBC Driver", "r2dbc-postgresql", "vertx-pg-client", "postgres.js"}
"""What drivers call every application that gives itself no name."""


@audit(dimension="4.2", criterion="connection-identity", level=3)
def test_every_connection_names_its_application(
    audit_postgres: Any, audit_declared: Any, audit_acknowledged: Any, request: pytest.FixtureRequest
) -> None:
    """Every client connection names its application."""
    console = request.getfixturevalue("audit_pgbouncer") if audit_declared.configured("pgbouncer") else None
    found = looked(lambda: _clients(audit_postgres, console), bool)
    if not found:
        raise CouldNotRun("nobody is connected but the audit: audit while the service runs")
    anonymous = [row for row in found if row.application_name is None or row.application_name in DRIVERS]
    known = audit_acknowledged(sorted({row.role for row in anonymous}))
    left = [row for row in anonymous if row.role in known]
    called = [row for row in left if row.application_name is not None]
    default = f"; called by their driver: {by(called, 'application_name')}" if called else ""
    assert not left, (
        f"{sum(row.sessions for row in left)} of {sum(row.sessions for row in found)} client connections have no "
        f"application_name; by role: {by(left, 'role')}; by address: {by(left, 'address', 'local')}{default}; "
        f"to acknowledge: {known.names}"
    )


def _clients(server: Any, console: Any | None) -> list[Any]:
    rows = server.execute(SESSIONS).fetchall()
    if unseen := hidden(rows):
        raise CouldNotRun(f"{unseen} sessions are hidden from the audit's role: GRANT pg_monitor to it")
    found = clients(rows)
    if console is not None:
        opened, pooled = (pgbouncer.named(console.execute(f"SHOW {what}")) for what in ("SERVERS", "CLIENTS"))
        found = others(pgbouncer.instead_of_servers(found, opened, pooled))
    return found
