"""The columns of every foreign key lead some valid index.

Looked at is every foreign key of every table in the database that is not an extension's or the system's: of a
partitioned table each partition, since that is where rows are looked for. The order of the columns at the head of the
index does not matter; an index that leaves out only rows with NULL in them serves too. One that compares in another way
than the key does not: under another collation than the column's, or by an operator class without the key's equality.

Impact: Deleting or updating a row of the referenced table reads the whole referring table, under a lock, once for each
row; joins along the key do the same.

Remediation: Run the statements that the message gives; on a partitioned table create the index on the parent, so that
partitions to come have it. Indexes that are invalid are dropped first.

Verification: Run the check again; EXPLAIN of a join along the key shows the index.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.foreign_keys import bare, read
from pytest_backend_audit.analysis.text import lines

# From pg_catalog: information_schema hides what the role owns no rights on. A constraint that a partition inherits goes
# by the name of the one that was declared.
FOREIGN_KEYS = """
WITH RECURSIVE keys AS (
    SELECT oid, oid AS declared, conrelid, conkey, conpfeqop FROM pg_catalog.pg_constraint
    WHERE contype = 'f' AND conparentid = 0
    UNION ALL
    SELECT c.oid, k.declared, c.conrelid, c.conkey, c.conpfeqop
    FROM pg_catalog.pg_constraint c JOIN keys k ON c.conparentid = k.oid
)
SELECT DISTINCT ON (k.declared, k.conrelid)
    quote_ident(declared.conname) AS constraint,
    quote_ident(n.nspname) || '.' || quote_ident(t.relname) AS table,
    ARRAY(SELECT quote_ident(a.attname) FROM unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
          JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY place) AS columns,
    coalesce((
        SELECT jsonb_agg(jsonb_build_object(
            'name', i.indexrelid::regclass::text,
            'columns', ARRAY(SELECT quote_ident(a.attname)
                             FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS u(attnum, place)
                             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                             WHERE place <= i.indnkeyatts ORDER BY place),
            'alike', ARRAY(SELECT u.coll = a.attcollation AND EXISTS (
                               SELECT FROM pg_catalog.pg_opclass f
                               JOIN pg_catalog.pg_amop o ON o.amopfamily = f.opcfamily AND o.amoppurpose = 's'
                               JOIN pg_catalog.pg_operator e ON o.amopopr IN (e.oid, e.oprcom)
                               WHERE f.oid = u.opclass AND e.oid = k.conpfeqop[array_position(k.conkey, u.attnum)])
                           FROM unnest(i.indkey::int2[], i.indclass::oid[], i.indcollation::oid[])
                               WITH ORDINALITY AS u(attnum, opclass, coll, place)
                           LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.attnum
                           WHERE place <= i.indnkeyatts ORDER BY place),
            'usable', i.indisvalid AND i.indisready AND i.indislive,
            'method', m.amname,
            'predicate', pg_get_expr(i.indpred, i.indrelid)) ORDER BY i.indexrelid)
        FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
        JOIN pg_catalog.pg_am m ON m.oid = x.relam
        WHERE i.indrelid = k.conrelid), '[]') AS indexes,
    t.relkind = 'p' AS partitioned,
    coalesce((to_jsonb(declared.*) ->> 'conperiod')::boolean, false) AS period
FROM keys k
JOIN pg_catalog.pg_constraint declared ON declared.oid = k.declared
JOIN pg_catalog.pg_class t ON t.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE (t.relkind = 'r' OR NOT t.relhassubclass)
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = t.oid AND d.deptype = 'e')
ORDER BY k.declared, k.conrelid
"""


@audit(dimension="4.1", criterion="foreign-key-indexes", level=3)
def test_every_foreign_key_leads_an_index(audit_postgres: Any, audit_acknowledged: Any) -> None:
    """The columns of every foreign key lead some valid index."""
    keys = read(audit_postgres.execute(FOREIGN_KEYS).fetchall())
    if not keys:
        raise CouldNotRun("the database has no foreign key: nothing to look at (not_applicable in audit.yaml says so)")
    left = audit_acknowledged(bare(keys), key="item")
    assert not left, (
        f"{len(left)} of {len(keys)} foreign keys without an index:{lines(left)}\nto acknowledge: {left.names}"
    )
