"""What settings of the server each role gets, as checks of several dimensions ask it."""

from __future__ import annotations

from typing import Any

from pytest_backend_audit.analysis.role_settings import Effective, effective

# A role's setting in this database wins over its setting in all, that over the database's, that over everybody's (ALTER
# ROLE ALL), and that over the server's. The last one is not to be seen by a session whose own role has the setting;
# what the session itself has set since its start does not matter.
SETTINGS = """
WITH given AS (
    SELECT s.setrole, s.setdatabase, split_part(entry, '=', 1) AS name, substr(entry, strpos(entry, '=') + 1) AS value
    FROM pg_catalog.pg_db_role_setting s
    CROSS JOIN unnest(s.setconfig) AS entry
    WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
)
SELECT p.name, quote_ident(r.rolname) AS role, r.rolname = current_user AS own, r.rolsuper AS superuser,
    pg_has_role(r.oid, 'pg_monitor', 'MEMBER') AS operator,
    EXISTS (SELECT FROM pg_catalog.pg_stat_activity a
            WHERE a.usesysid = r.oid AND a.datname = current_database() AND a.application_name <> 'backend-audit'
           ) AS connected,
    CASE WHEN g.setdatabase <> 0 THEN quote_ident(current_database()) END AS database,
    coalesce(g.setrole <> 0, false) AS of_role, g.value IS NOT NULL AS given,
    coalesce(g.value, CASE
        WHEN EXISTS (SELECT FROM given o JOIN pg_catalog.pg_roles m ON m.oid = o.setrole AND m.rolname = current_user
                     WHERE o.name = p.name) THEN NULL
        WHEN p.source <> 'session' THEN current_setting(p.name)
        WHEN p.reset_val IN ('0', '-1') THEN p.reset_val
        ELSE p.reset_val || coalesce(p.unit, '') END) AS value
FROM pg_catalog.pg_settings p
CROSS JOIN pg_catalog.pg_roles r
LEFT JOIN LATERAL (
    SELECT * FROM given WHERE given.name = p.name AND given.setrole IN (r.oid, 0)
    ORDER BY given.setrole = 0, given.setdatabase = 0 LIMIT 1) AS g ON true
WHERE p.name = ANY(%s) AND r.rolcanlogin AND has_database_privilege(r.oid, current_database(), 'CONNECT')
ORDER BY p.name, r.rolname
"""


def role_settings(server: Any, *names: str) -> list[list[Effective]]:
    """For each name the values that hold for roles of services, see `effective`."""
    rows = server.execute(SETTINGS, (list(names),)).fetchall()
    return [effective([row for row in rows if row.name == name]) for name in names]
