"""Dead tuples are bounded, autovacuum keeps up, and every table's planner statistics exist and are fresh.

Looked at is every table, materialised view and partitioned table of the database that is not an extension's or the
system's, with its own settings of autovacuum where it has some. Statistics are looked for by table, and for each column
and expression that an index holds: a column that came with a migration has none until the table is analysed. What the
server is vacuuming or analysing at the moment is left to it. As the server does for autovacuum, the
check lets each table have some dead and changed rows beside the share (its autovacuum_vacuum_threshold and
autovacuum_analyze_threshold): a small table is not worth the work. What was vacuumed or analysed less than two naptimes
of autovacuum ago is left to it as well, unless somebody keeps vacuum from its work: an older transaction, a standby
that is behind and tells what it reads, a replication slot that nobody uses, a prepared transaction.

Impact: Dead tuples are read with the live ones, and keep blocks and index entries in use. Without statistics, or with
those of last year, the planner guesses how many rows a condition leaves, and picks plans a hundred times slower.

Remediation: Run the statements that the message gives, when those who hold vacuum back have ended. Where a table goes
on falling behind, lower its autovacuum_vacuum_scale_factor and autovacuum_analyze_scale_factor; end migrations with
ANALYZE of what they changed.

Verification: Run the check again; pg_stat_user_tables shows n_dead_tup, n_mod_since_analyze and when autovacuum came.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.table_health import doubts, faults, server_faults
from pytest_backend_audit.analysis.text import lines, listed

# Who may still read dead tuples, so that vacuum leaves them. Of a standby that tells what it reads nobody knows since
# when: one that is behind reads what is old, and a million transactions are more than a moment's.
SERVER = """
WITH server AS (SELECT 2 * current_setting('autovacuum_naptime')::interval AS patience), holding AS (
    SELECT format('pid %s (%s), in a transaction since %s', pid, coalesce(nullif(application_name, ''), usename),
                  to_char(xact_start, 'YYYY-MM-DD HH24:MI')) AS who
    FROM pg_catalog.pg_stat_activity, server
    WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'
      AND xact_start < clock_timestamp() - patience
    UNION ALL
    SELECT format('standby %s, %s behind', coalesce(nullif(r.application_name, ''), r.usename),
                  coalesce(to_char(r.replay_lag, 'HH24:MI:SS'), 'far'))
    FROM server, pg_catalog.pg_stat_replication r LEFT JOIN pg_catalog.pg_replication_slots s ON s.active_pid = r.pid
    WHERE coalesce(r.backend_xmin, s.xmin) IS NOT NULL
      AND (r.replay_lag > patience OR age(coalesce(r.backend_xmin, s.xmin)) > 1000000)
    UNION ALL
    SELECT format('replication slot %s, which nobody uses', slot_name)
    FROM pg_catalog.pg_replication_slots WHERE xmin IS NOT NULL AND NOT active
    UNION ALL
    SELECT format('prepared transaction %s', gid) FROM pg_catalog.pg_prepared_xacts
)
SELECT current_setting('autovacuum') AS autovacuum, current_setting('track_counts') AS track_counts,
    current_setting('autovacuum_naptime') AS naptime, pg_is_in_recovery() AS standby,
    ARRAY(SELECT who FROM holding ORDER BY who) AS holders,
    to_char(greatest(d.stats_reset, pg_postmaster_start_time()), 'YYYY-MM-DD HH24:MI') AS counting_since
FROM pg_catalog.pg_stat_database d WHERE d.datname = current_database()
"""
# Looked up in pg_stats by IN: the server hashes that, where it would misjudge a join with the view's many rows.
# A partitioned table holds no rows: its size is that of its partitions. pg_stats shows a column to those who may read
# it, and an index's expression to those who may read everything (pg_read_all_data).
TABLES = """
WITH held AS (
    SELECT i.indrelid AS relid,
        CASE WHEN k.attnum > 0 THEN quote_ident(a.attname)
             ELSE format('%I (%s)', x.relname, pg_get_indexdef(i.indexrelid, k.place::int, true)) END AS what,
        CASE WHEN k.attnum > 0 THEN has_column_privilege(i.indrelid, k.attnum, 'SELECT')
             ELSE has_column_privilege(i.indexrelid, k.place::int2, 'SELECT') END
            AND NOT row_security_active(i.indrelid) AS seen,
        (n.nspname, CASE WHEN k.attnum > 0 THEN t.relname ELSE x.relname END, a.attname)
            IN (SELECT schemaname, tablename, attname FROM pg_catalog.pg_stats) AS known
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
    CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = CASE WHEN k.attnum > 0 THEN i.indrelid ELSE i.indexrelid END
        AND a.attnum = CASE WHEN k.attnum > 0 THEN k.attnum ELSE k.place END
    WHERE i.indisvalid AND k.place <= i.indnkeyatts AND a.attstattarget IS DISTINCT FROM 0
      AND (k.attnum > 0 OR t.relkind <> 'p')
), columns AS (
    SELECT relid,
        array_agg(DISTINCT what ORDER BY what) FILTER (WHERE seen AND NOT known) AS missing,
        array_agg(DISTINCT what ORDER BY what) FILTER (WHERE NOT seen) AS unseen
    FROM held GROUP BY relid
), below AS (
    SELECT above.relid, sum(greatest(p.reltuples, pg_stat_get_live_tuples(p.oid), 0))::float8 AS rows,
        sum(pg_relation_size(p.oid))::bigint AS bytes
    FROM pg_catalog.pg_class p CROSS JOIN LATERAL pg_partition_ancestors(p.oid) AS above (relid)
    WHERE p.relispartition AND p.relkind = 'r' GROUP BY above.relid
), busy AS (
    SELECT relid FROM pg_catalog.pg_stat_progress_vacuum UNION SELECT relid FROM pg_catalog.pg_stat_progress_analyze
)
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS table,
    c.relkind = 'p' AS partitioned,
    c.reltuples::float8 AS estimated,
    CASE WHEN c.relkind = 'p' THEN coalesce(below.rows, 0)
         ELSE greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::float8 END AS rows,
    coalesce(below.bytes, pg_relation_size(c.oid)) > current_setting('block_size')::int AS has_blocks,
    pg_stat_get_live_tuples(c.oid) AS live, pg_stat_get_dead_tuples(c.oid) AS dead,
    pg_stat_get_mod_since_analyze(c.oid) AS modified,
    coalesce(own.enabled, true) AS autovacuum,
    coalesce(own.vacuum, current_setting('autovacuum_vacuum_threshold')::float8) AS vacuum_threshold,
    coalesce(own.analyze, current_setting('autovacuum_analyze_threshold')::float8) AS analyze_threshold,
    greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) IS NOT NULL AS analysed,
    coalesce(to_char(greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)),
                     'YYYY-MM-DD HH24:MI'), 'never') AS vacuumed,
    coalesce(greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid))
             > clock_timestamp() - 2 * current_setting('autovacuum_naptime')::interval, false) AS just_vacuumed,
    coalesce(greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid))
             > clock_timestamp() - 2 * current_setting('autovacuum_naptime')::interval, false) AS just_analysed,
    (n.nspname, c.relname) IN (SELECT schemaname, tablename FROM pg_catalog.pg_stats) AS known,
    has_any_column_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) AS readable,
    c.relkind <> 'p' AND age(c.relfrozenxid) > current_setting('autovacuum_freeze_max_age')::int AS unfrozen,
    EXISTS (SELECT FROM busy WHERE busy.relid = c.oid) AS busy,
    coalesce(columns.missing, '{}') AS missing, coalesce(columns.unseen, '{}') AS unseen
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN columns ON columns.relid = c.oid
LEFT JOIN below ON below.relid = c.oid AND c.relkind = 'p'
CROSS JOIN LATERAL (
    SELECT max(option_value) FILTER (WHERE option_name = 'autovacuum_enabled')::boolean AS enabled,
        max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold')::float8 AS vacuum,
        max(option_value) FILTER (WHERE option_name = 'autovacuum_analyze_threshold')::float8 AS analyze
    FROM pg_options_to_table(c.reloptions)) AS own
WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't'
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""


@audit(dimension="4.1", criterion="table-health", level=3)
def test_tables_are_vacuumed_and_analysed(audit_postgres: Any, audit_settings: Any, audit_acknowledged: Any) -> None:
    """Dead tuples are bounded, autovacuum keeps up, and every table's planner statistics exist and are fresh."""
    dead, stale = audit_settings.value("dead-tuple-ratio"), audit_settings.value("stale-statistics-ratio")
    server, tables = audit_postgres.execute(SERVER).fetchone(), audit_postgres.execute(TABLES).fetchall()
    if server.standby:
        raise CouldNotRun("the server is a standby, which counts no dead tuples: give targets.postgres the primary")
    if not tables:
        raise CouldNotRun("the database has no table: nothing to look at")
    found = [*server_faults(server), *faults(tables, server, dead.number, stale.number)]
    left = audit_acknowledged(found, key="item")
    unwell = len({fault.item for fault in left if fault.is_table})
    held = f"\nvacuum leaves what may still be read by {listed(server.holders, 3)}" if server.holders else ""
    assert not left, (
        f"{unwell} of {len(tables)} tables are not well (dead tuples at most {dead}, rows changed since ANALYZE at "
        f"most {stale}, naptime of autovacuum {server.naptime}):{lines(left)}{held}\nto acknowledge: {left.names}"
    )
    doubtful = audit_acknowledged(doubts(tables), key="item")
    if doubtful:
        raise CouldNotRun(
            f"whether the planner has statistics for {listed(doubtful)} can't be seen: GRANT SELECT on the tables, and "
            f"for expressions of indexes GRANT pg_read_all_data, to the audit's role; to acknowledge: {doubtful.names}"
        )
