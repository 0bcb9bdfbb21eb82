"""For every very large table a way to partition or shard it is documented.

Looked at are all tables and materialised views of the database that are not an extension's or the system's, with the
rows that the server estimates them to have. A partition counts by itself: a table whose partitions are all of bounded
size has taken its way already. For each that is above the bound, audit.yaml's attestations have a record under the
criterion's name, whose document names the table: with its schema (public.orders) or as code (`orders`); of a record
that refers to a link or a ticket, which nobody fetches, the title does. Where no table is above the bound, that is what
the check has measured, and nothing is to be documented.

Impact: At a few hundred million rows VACUUM, ANALYZE and a new index take hours, and retention is a DELETE that never
ends. Whoever begins to think about partitions then has to do it under load, with no window that is long enough.

Remediation: Write down for each table by which column it would be divided (mostly that of time, or the tenant), which
statements would then have to name that column, how the rows are moved while the service runs, and at which size that
begins. Record the document in audit.yaml.

Verification: SELECT relname, reltuples FROM pg_class WHERE relkind = 'r' ORDER BY reltuples DESC LIMIT 10, and the
document beside it.

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, EvidenceKind, audit
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.analysis.very_large import doubtful, grouped, names

CRITERION = "partitioning-path"
PROSE = (".md", ".rst", ".adoc", ".txt")
MOST_DOCUMENTS = 200
"""Of one folder that are read."""
# A heap's row takes 28 bytes of a block at least (4 of its pointer, 24 of its header), so that of a table without
# statistics the blocks tell how many rows it can have.
TABLES = """
WITH counted AS (
    SELECT c.oid, c.relnamespace, c.relname,
        CASE WHEN c.relispartition THEN pg_partition_root(c.oid) ELSE c.oid END AS root,
        greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::bigint AS rows,
        CASE WHEN c.reltuples < 0 THEN pg_relation_size(c.oid) / current_setting('block_size')::int
             * ((current_setting('block_size')::int - 24) / 28) ELSE 0 END AS at_most
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
), ranked AS (
    SELECT *, count(*) OVER () AS tables, row_number() OVER (ORDER BY rows DESC, relname) AS rank FROM counted
)
SELECT quote_ident(n.nspname) || '.' || quote_ident(t.relname) AS name, t.relname AS bare,
    quote_ident(rn.nspname) || '.' || quote_ident(r.relname) AS root, r.relname AS root_bare,
    t.rows, t.at_most, t.tables
FROM ranked t
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = t.root
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
WHERE t.rank = 1 OR t.rows > %(rows)s OR t.at_most > %(rows)s
ORDER BY t.rank
"""


@audit(dimension="4.1", criterion=CRITERION, level=5)
def test_very_large_tables_have_a_way_to_be_divided(
    audit_postgres: Any, audit_settings: Any, audit_attestation: Any, audit_source: Any, audit_acknowledged: Any
) -> None:
    """For every very large table a way to partition or shard it is documented."""
    most = audit_settings.value("partition-rows")
    found = audit_postgres.execute(TABLES, {"rows": int(most.number)}).fetchall()
    if not found or not any(row.rows or row.at_most for row in found):
        raise CouldNotRun("the database has no rows: audit the one that has the service's data")
    large = grouped(found, most.number)
    told = audit_attestation.records(CRITERION) if large else None
    written = [(a, _text(a, audit_source)) for a in told.valid if a.kind is not EvidenceKind.VERBAL] if told else []
    left = audit_acknowledged(
        [table for table in large if not any(names(text, table) for _, text in written)], key="name"
    )
    looked = [f"{record.reference} ({record.origin}) names none of them" for record, _ in written]
    assert not left, (
        f"{len(left)} of {found[0].tables} tables have more than {most}, and no document says how they would be "
        f"partitioned or sharded:{lines(left)}\n"
        f"on record: {listed([*looked, *told.refused]) or 'nothing' if told else ''}\n"
        f"write it down, naming each table as above, and add to attestations in audit.yaml: {{criterion: {CRITERION}, "
        "kind: document, reference: docs/partitioning.md, title: ..., date: ..., who: ...}\n"
        f"to acknowledge: {left.names}"
    )
    unknown = audit_acknowledged(doubtful(found, most.number), key="name")
    if unknown:
        raise CouldNotRun(
            f"{len(unknown)} of {found[0].tables} tables were never analysed, so that nobody knows whether they have "
            f"more than {most}:{lines(unknown)}\nto acknowledge: {unknown.names}"
        )


def _text(record: Any, source: Any) -> str:
    """What a record's document says: its title, and the text of what it refers to in the repository."""
    if not record.path:
        return str(record.title)
    try:
        texts = [source.read(record.path)]
    except FileNotFoundError:  # a folder, of which statements and programs say nothing about what is planned
        below = [path for path in source.files(f"{record.path.rstrip('/')}/**") if path.endswith(PROSE)]
        texts = [source.read(path) for path in below[:MOST_DOCUMENTS]]
    return "\n".join([record.title, *texts])
