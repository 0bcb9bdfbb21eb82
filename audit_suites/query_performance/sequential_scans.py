"""No large table is read mostly by sequential scans, unless somebody reviewed it and gave the reason.

Looked at is every large table and materialised view of the database that is not an extension's or the system's, over a
window of some seconds, or until enough rows of each are read: what the counters held before may be of another year.
Partitions count for their table. Rows that an index gave without the table count as read by index. A large table that
nobody read in the window is not judged; the evidence says how many were.

Impact: Such a scan costs the more the more rows there are: statements get slower by themselves, and each of them drives
what others need out of the cache.

Remediation: Find the statements (sort-filter-indexes names those among the top ones) and give them an index. A report
that has to read everything belongs on a replica, or is acknowledged in audit.yaml with its reason.

Verification: Read pg_stat_user_tables twice, a busy minute apart: how far seq_tup_read rose, against idx_tup_fetch.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.reads import all_read, rows_by_table, rows_reading
from pytest_backend_audit.analysis.text import lines

# A table's own counter of rows fetched by index leaves out scans of an index alone; the indexes' count them all.
TABLES = """
WITH counted AS (
    SELECT coalesce(pg_partition_root(c.oid), c.oid) AS root,
        sum(greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0))::float8 AS rows,
        sum(pg_stat_get_numscans(c.oid))::bigint AS scans,
        sum(pg_stat_get_tuples_returned(c.oid))::bigint AS scanned,
        sum(coalesce((SELECT sum(pg_stat_get_tuples_returned(i.indexrelid)) FROM pg_catalog.pg_index i
                      WHERE i.indrelid = c.oid), 0))::bigint AS by_index
    FROM pg_catalog.pg_class c
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
    GROUP BY 1
)
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS table, rows, scans, scanned, by_index
FROM counted
JOIN pg_catalog.pg_class c ON c.oid = counted.root
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE rows > %s
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""


@audit(dimension="4.1", criterion="sequential-scans", level=3)
def test_large_tables_are_read_by_index(
    audit_postgres: Any, audit_window: Any, audit_settings: Any, audit_acknowledged: Any
) -> None:
    """No large table is read mostly by sequential scans, unless somebody reviewed it and gave the reason."""
    large, most = audit_settings.value("large-table-rows"), audit_settings.value("sequential-read-share")
    enough, lasting = audit_settings.value("sequential-window-rows"), audit_settings.value("sequential-window")
    tables = audit_postgres.execute(TABLES, [large.number]).fetchall()
    if not tables:
        raise CouldNotRun(f"no table has more than {large}: nothing to look at")
    with audit_window(
        lambda: rows_reading(audit_postgres.execute(TABLES, [large.number]).fetchall()),
        traffic=["rows read"],
        at_least=enough.number,
        lasting=lasting.number,
        complete=lambda delta: all_read(delta, len(tables), enough.number),
        what=f"rows read of {len(tables)} large tables",
    ) as window:
        pass
    read = rows_by_table(window.delta)
    left = audit_acknowledged([r for r in read if r.share > most.number], key="table")
    assert not left, (
        f"{len(left)} of {len(read)} large tables that were read in {window.seconds:.0f} s, mostly by sequential scans "
        f"(large: more than {large}; mostly: more than {most} of the rows read):{lines(left)}\n"
        f"to acknowledge: {left.names}"
    )
