"""The statements of bounded-results on PostgreSQL 15 and 18: partitioned tables, quoted names, other schemas, views."""

import pytest

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.suites.query_performance.bounded_results import STATEMENTS, WIDE, statements


def test_wide_tables_are_found_whatever_they_are(database) -> None:
    """With their names as SQL has them; catalogs and narrow ones aside."""
    columns = ", ".join(f"c{n} int" for n in range(4))
    for made in (
        f'CREATE SCHEMA "Other"; CREATE TABLE "Other"."Wide One" ({columns})',
        f"CREATE TABLE parted ({columns}) PARTITION BY RANGE (c1)",
        "CREATE TABLE narrow (a int, b int)",
        "CREATE VIEW seen AS SELECT * FROM parted",
        "CREATE MATERIALIZED VIEW kept AS SELECT a FROM narrow",
        "ALTER TABLE narrow ADD c int, ADD d int",
        "ALTER TABLE narrow DROP c, DROP d",
    ):
        database.admin.execute(made)
    found = database.looker.execute(WIDE, (3,)).fetchall()
    assert [(r.table, r.columns) for r in found] == [
        ('"Other"."Wide One"', 4),
        ("public.parted", 4),
        ("public.seen", 4),
    ]


def test_statements_of_others_come_with_rows_and_calls(database) -> None:
    """Reads only, behind comments and parentheses; nothing of the audit's own."""
    with pytest.raises(CouldNotRun, match="this database lacks the extension: CREATE EXTENSION pg_stat_statements;"):
        statements.__wrapped__(database.looker)
    # In a schema that is on nobody's search_path.
    database.admin.execute('CREATE SCHEMA "M m"; CREATE EXTENSION pg_stat_statements SCHEMA "M m"')
    database.admin.execute('GRANT USAGE ON SCHEMA "M m" TO looker')
    database.admin.execute("CREATE TABLE few AS SELECT g AS id FROM generate_series(1, 5) g")
    for asked in ("/* a */ (SELECT id FROM few)", "SELECT id FROM few WHERE id < 3", "INSERT INTO few VALUES (9)"):
        database.admin.execute(asked)
    database.looker.execute("SELECT 1 AS ours")
    database.admin.execute("SELECT relname FROM pg_class")
    found = {
        # Older servers keep a comment that stands in front.
        r.query.removeprefix("/* a */ "): (r.calls, r.rows)
        for r in database.looker.execute(STATEMENTS.format(schema='"M m"')).fetchall()
        if "FROM few" in r.query
    }
    assert found == {"(SELECT id FROM few)": (1, 5), "SELECT id FROM few WHERE id < $1": (1, 2)}
    # What monitoring asks the server about itself gives as many rows as there are tables and statements.
    watched = {s.text for s in statements.__wrapped__(database.looker)}
    assert watched >= {"SELECT id FROM few WHERE id < $1"}
    assert not watched & {"SELECT relname FROM pg_class"}
