"""No index is invalid, a duplicate of another, or large and never used, unless somebody reviewed it.

Looked at is every index of the database that is not an extension's or the system's. "Never used" is believed when the
server has counted long enough, since its last crash too, which loses all counts, and since it was promoted, if it was a
replica; and when no replica could be using the index unseen: none is connected, none that is away has left a slot, and
none is in synchronous_standby_names; one of them may be the one that audit.yaml names as targets.replica, which is
asked as well. Indexes of constraints, of replica identities and of foreign keys work without being counted, and never
pass for unused.

Impact: Every write maintains indexes that serve no query, and they take the memory that useful ones need. An invalid
unique index even refuses rows.

Remediation: Run the statements that the message gives, at a quiet time; REINDEX or drop what is invalid. What is kept
on purpose is acknowledged in audit.yaml, with its reason.

Verification: Run the check again.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.indexes import duplicates, invalid, unused
from pytest_backend_audit.analysis.text import lines, listed

# A partitioned index counts what its partitions count. Statistics are at least as old as the server's start, unless
# somebody reset them since. A crash loses them all, and the server goes on under its old start: only the processes that
# it then starts anew tell. One that was a replica has its writer of the WAL since it was promoted; what it counted
# before was of other statements. Without pg_monitor one sees that somebody replicates, and not what; a slot that was
# never used belongs to nobody yet.
INDEXES = """
SELECT i.indexrelid::bigint AS oid,
    quote_ident(n.nspname) || '.' || quote_ident(x.relname) AS index,
    quote_ident(tn.nspname) || '.' || quote_ident(t.relname) AS table,
    i.indisvalid AND i.indisready AND i.indislive AS usable,
    EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) AS being_built,
    i.indisunique AS is_unique,
    x.relispartition AS of_partitioned,
    x.relkind = 'I' AS partitioned,
    CASE WHEN x.relkind = 'I' AND NOT i.indisvalid THEN ARRAY(
        SELECT quote_ident(hn.nspname) || '.' || quote_ident(hc.relname) FROM pg_catalog.pg_inherits h
        JOIN pg_catalog.pg_class hc ON hc.oid = h.inhrelid
        JOIN pg_catalog.pg_namespace hn ON hn.oid = hc.relnamespace
        WHERE h.inhparent = i.indrelid AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_inherits part JOIN pg_catalog.pg_index pi ON pi.indexrelid = part.inhrelid
            WHERE part.inhparent = i.indexrelid AND pi.indrelid = h.inhrelid AND pi.indisvalid)
        ORDER BY 1) END AS without,
    CASE WHEN i.indisreplident THEN 'replica identity' ELSE (
        SELECT min(c.conname::text) FROM pg_catalog.pg_constraint c
        WHERE c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u', 'x')) END AS backs,
    EXISTS (SELECT FROM pg_catalog.pg_constraint f WHERE f.contype = 'f' AND f.conrelid = i.indrelid
            AND f.conkey @> (i.indkey::int2[])[0:cardinality(f.conkey) - 1]
            AND f.conkey <@ (i.indkey::int2[])[0:cardinality(f.conkey) - 1]) AS serves_foreign_key,
    concat_ws(' ', i.indrelid, x.relam, i.indnkeyatts, i.indkey, i.indclass, i.indcollation, i.indoption,
              pg_get_expr(i.indexprs, i.indrelid), '/', pg_get_expr(i.indpred, i.indrelid),
              to_jsonb(i) ->> 'indnullsnotdistinct') AS signature,
    used.scans, used.bytes,
    extract(epoch FROM now() - greatest(
        pg_postmaster_start_time(), d.stats_reset,
        (SELECT max(s.backend_start) FROM pg_catalog.pg_stat_activity s
         WHERE s.backend_type IN ('checkpointer', 'walwriter'))))::float / 86400 AS counted_days,
    (SELECT count(*) FROM pg_catalog.pg_stat_replication r
     WHERE r.state <> 'backup' AND NOT EXISTS (
         SELECT FROM pg_catalog.pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical'))
        + (SELECT count(*) FROM pg_catalog.pg_replication_slots s
           WHERE s.slot_type = 'physical' AND NOT s.active AND s.restart_lsn IS NOT NULL) AS replicas,
    pg_is_in_recovery() AS is_replica,
    (current_setting('synchronous_standby_names') <> '')::int AS declared_replicas,
    (SELECT count(*) FROM pg_catalog.pg_stat_replication r WHERE r.state IS NULL) AS hidden_replicas
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_stat_database d ON d.datname = current_database()
CROSS JOIN LATERAL (
    SELECT sum(pg_stat_get_numscans(part.relid))::bigint AS scans, sum(pg_relation_size(part.relid))::bigint AS bytes
    FROM (SELECT i.indexrelid AS relid UNION SELECT relid FROM pg_partition_tree(i.indexrelid)) AS part) AS used
WHERE n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_class'::regclass AND e.objid = t.oid AND e.deptype = 'e')
ORDER BY 2
"""


@audit(dimension="4.1", criterion="index-hygiene", level=3)
def test_no_index_is_invalid_double_or_idle(
    audit_postgres: Any,
    audit_postgres_connect: Any,
    audit_declared: Any,
    *,
    audit_settings: Any,
    audit_acknowledged: Any,
) -> None:
    """No index is invalid, a duplicate of another, or large and never used, unless somebody reviewed it."""
    size, days = audit_settings.value("unused-index-bytes"), audit_settings.value("unused-index-days")
    rows = audit_postgres.execute(INDEXES).fetchall()
    if not rows:
        raise CouldNotRun("the database has no index: nothing to look at")
    idle = unused(rows, size.number)
    servers, unseen = [rows[0]], max(rows[0].replicas, rows[0].declared_replicas) + int(rows[0].is_replica)
    if idle and audit_declared.configured("replica"):
        there = {row.index: row for row in _on_replica(audit_postgres_connect)}
        idle = [fault for fault in idle if fault.item not in there or there[fault.item].scans == 0]
        other = next(iter(there.values()))
        servers, unseen = [*servers, other], max(0, unseen - 1) + other.replicas
    doubts = _doubts(servers, days, unseen)
    believed = not doubts
    faults = audit_acknowledged([*invalid(rows), *duplicates(rows), *(idle if believed else [])], key="item")
    assert not faults, (
        f"{len(faults)} of {len(rows)} indexes should go or be built again (large is {size}):{lines(faults)}\n"
        f"to acknowledge: {faults.names}"
    )
    doubtful = audit_acknowledged([] if believed else idle, key="item")
    if doubtful:
        raise CouldNotRun(
            f"whether {listed(f.item for f in doubtful)} are unused can't be told: {'; '.join(doubts)}; "
            f"to acknowledge: {doubtful.names}"
        )


def _on_replica(connect: Any) -> list[Any]:
    with connect(target="replica") as replica:
        rows: list[Any] = replica.execute(INDEXES).fetchall()
    if not rows or not rows[0].is_replica:
        raise CouldNotRun("targets.replica is no replica of the database: nobody can say what its replicas use")
    return rows


def _doubts(servers: list[Any], days: Any, unseen: int) -> list[str]:
    """Why an index that was never used could be in use all the same."""
    doubts = []
    counted, hidden = min(row.counted_days for row in servers), sum(row.hidden_replicas for row in servers)
    if counted < days.number:
        doubts.append(f"the server has counted for {counted:.1f} days, believed from {days}")
    if unseen:
        doubts.append(f"{unseen} replicas that were not asked may use them")
    if hidden:
        doubts.append(f"{hidden} connections that replicate are hidden from the audit's role: GRANT pg_monitor to it")
    return doubts
