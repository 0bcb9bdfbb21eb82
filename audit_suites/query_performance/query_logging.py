"""Slow statements are logged, with a threshold low enough to learn from.

Looked at is what everybody gets from the server or the database, and every role that has a threshold of its own.

Impact: Nobody can say which statements were slow last night; an incident begins with switching the log on and waiting
for it to happen again.

Remediation: Run the statements that the message gives: they set the server's threshold, and take back what a role or
the database has instead.

Verification: SHOW log_min_duration_statement in a new session of the service's role; then SELECT pg_sleep(2) shows up
in the log.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.role_settings import effective, remedies
from pytest_backend_audit.analysis.text import listed
from pytest_backend_audit.analysis.units import seconds

THRESHOLDS = """
SELECT NULL AS role, (
    SELECT quote_ident(current_database()) FROM pg_catalog.pg_db_role_setting s
    JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase AND d.datname = current_database()
    WHERE s.setrole = 0 AND array_to_string(s.setconfig, ',') LIKE '%log\\_min\\_duration\\_statement=%') AS database,
    current_setting('log_min_duration_statement') AS value
UNION ALL
SELECT quote_ident(r.rolname), quote_ident(d.datname), split_part(entry, '=', 2)
FROM pg_catalog.pg_db_role_setting s
CROSS JOIN unnest(s.setconfig) AS entry
JOIN pg_catalog.pg_roles r ON r.oid = s.setrole AND r.rolcanlogin AND r.rolname <> current_user
LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
WHERE entry LIKE 'log\\_min\\_duration\\_statement=%' AND (s.setdatabase = 0 OR d.datname = current_database())
"""


@audit(dimension="4.1", criterion="query-logging", level=2)
def test_slow_statements_are_logged(audit_postgres: Any, audit_settings: Any) -> None:
    """Slow statements are logged, with a threshold low enough to learn from."""
    limit = audit_settings.value("slow-query-threshold")
    thresholds = effective(audit_postgres.execute(THRESHOLDS).fetchall())
    useless = [t for t in thresholds if not 0 <= seconds(t.value) <= limit.number]
    assert not useless, (
        f"log_min_duration_statement is {listed(useless)}; it should be 0 or more (-1 logs nothing) and at most {limit}"
        f": {remedies(useless, 'log_min_duration_statement', f'{limit.number * 1000:.0f}ms')}"
    )
