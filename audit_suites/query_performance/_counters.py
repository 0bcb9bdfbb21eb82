"""Counters that several checks watch over windows which they open together."""

from __future__ import annotations

from typing import Any

from pytest_backend_audit.analysis.reads import reading, rows_reading

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
# By the functions below the views, which join what isn't needed. Temporary tables live in buffers of their own.
BLOCKS = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(t.relname) AS table,
    sum(pg_stat_get_blocks_fetched(c.oid))::bigint AS wanted,
    sum(pg_stat_get_blocks_hit(c.oid))::bigint AS found
FROM pg_catalog.pg_class c
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_catalog.pg_class toasted ON toasted.reltoastrelid = coalesce(i.indrelid, c.oid)
JOIN pg_catalog.pg_class t ON t.oid = coalesce(toasted.oid, i.indrelid, c.oid)
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE c.relkind IN ('r', 'm', 'i', 't') AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
GROUP BY 1
HAVING sum(pg_stat_get_blocks_fetched(c.oid)) > 0
"""


def large_tables(connection: Any, large: float) -> list[Any]:
    """Rows of `TABLES`."""
    found: list[Any] = connection.execute(TABLES, [large]).fetchall()
    return found


def rows_read(connection: Any, large: float) -> dict[str, float]:
    """Rows read of the large tables so far, by scans and by indexes."""
    return rows_reading(large_tables(connection, large))


def blocks_read(connection: Any) -> dict[str, float]:
    """Blocks asked for so far, and those that were in the server's cache."""
    return reading(connection.execute(BLOCKS).fetchall())


def open_windows(connection: Any, window: Any) -> None:
    """Open the windows of the other checks that watch the database; the first of them does, for all."""
    window.ahead("cache-hit-ratio", lambda: blocks_read(connection), traffic=["blocks wanted"])
