"""Dead tuples and planner statistics, on real catalogues, seen by a role that may only look."""

from __future__ import annotations

import re

import pytest

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.table_health import test_tables_are_vacuumed_and_analysed as check
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
ROWS = "SELECT n AS id, n % 7 AS k, 'x' || n AS name FROM generate_series(1, 1000) n"
READABLE = "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker"
COUNTED = "SELECT pg_stat_force_next_flush()"


def run(database, audit_yaml, *statements: str, more: str = ""):
    """The check after these statements."""
    for statement in statements:
        database.admin.execute(statement)
        database.admin.execute(COUNTED)
    around = audit_yaml(more)
    return run_check(
        check,
        audit_postgres=database.looker,
        audit_settings=around.settings,
        audit_acknowledged=around.acknowledged,
    )


def faults(ran) -> list[str]:
    """The lines of the message that tell a fault each."""
    return [line.removeprefix("  - ") for line in ran.reason.splitlines()[1:-1]]


FORGOTTEN = "SELECT pg_stat_reset_single_table_counters('t'::regclass)"
"""As if nobody had analysed the table for long."""
TABLE = f"CREATE TABLE t AS {ROWS}"
PARTS = (
    "CREATE TABLE parts (id int, k int, name text) PARTITION BY RANGE (id);"
    "CREATE TABLE low PARTITION OF parts FOR VALUES FROM (0) TO (501);"
    "CREATE TABLE high PARTITION OF parts FOR VALUES FROM (501) TO (2000);"
    "CREATE INDEX ON parts (id)"
)


@pytest.mark.parametrize(
    "statements",
    [
        (TABLE, READABLE, "ANALYZE t"),
        ("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 40)"),
        ("CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t)", READABLE),
        (TABLE, READABLE, "ANALYZE t", "DELETE FROM t WHERE id <= 45"),
        (PARTS, f"INSERT INTO parts {ROWS}", READABLE, "ANALYZE"),
        (f"CREATE MATERIALIZED VIEW t AS {ROWS}", READABLE, "ANALYZE t"),
        (TABLE, "ALTER TABLE t ALTER k SET STATISTICS 0", "CREATE INDEX ON t (k)", "ANALYZE t", READABLE),
        (TABLE, "CREATE INDEX ON t (id) INCLUDE (k)", READABLE, "ANALYZE t"),
        ("CREATE EXTENSION pg_stat_statements", TABLE, READABLE, "ANALYZE t"),
        (TABLE, READABLE, "VACUUM (ANALYZE) t", "DELETE FROM t WHERE id <= 600"),
        (TABLE, READABLE, "VACUUM (ANALYZE) t", "INSERT INTO t SELECT generate_series(2001, 2400)"),
    ],
)
def test_healthy(database, audit_yaml, statements) -> None:
    """Analysed tables, those too small for autovacuum to care, and those that it has just been to."""
    ran = run(database, audit_yaml, *statements)
    assert (ran.status, ran.reason) == (Status.PASSED, "")


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (
            ('CREATE SCHEMA "Odd one"', f'CREATE TABLE "Odd one"."T t" AS {ROWS}'),
            [r'"Odd one"."T t": the planner has no statistics: it was not analysed since \d{4}.*: '
             r'ANALYZE "Odd one"."T t";'],
        ),
        (
            (TABLE, "ANALYZE t", READABLE, "ALTER TABLE t ADD region int DEFAULT 1", "CREATE INDEX ON t (region, id)"),
            ["public.t: the planner has no statistics of region, which an index holds: ANALYZE public.t;"],
        ),
        (
            (TABLE, "ANALYZE t", "UPDATE t SET k = 1 WHERE id <= 240"),
            [r"public.t: 19.3 % of 1240 tuples are dead, last vacuumed never: VACUUM \(ANALYZE\) public.t;"],
        ),
        (
            (TABLE, READABLE, "ANALYZE t", FORGOTTEN, "INSERT INTO t SELECT generate_series(2001, 2400)"),
            ["public.t: 400 of 1000 rows changed since it was last analysed: ANALYZE public.t;"],
        ),
        (
            (TABLE, "ALTER TABLE t SET (autovacuum_enabled = false)", "VACUUM (ANALYZE) t", "DELETE FROM t"),
            [
                r"public.t: autovacuum is off for it: ALTER TABLE public.t RESET \(autovacuum_enabled\);",
                r"public.t: 100 % of 1000 tuples are dead, last vacuumed \d{4}.*: VACUUM \(ANALYZE\) public.t;",
            ],
        ),
        (
            (TABLE, "ANALYZE t", "ALTER TABLE t SET (autovacuum_enabled = false)"),
            [r"public.t: autovacuum is off for it: ALTER TABLE public.t RESET \(autovacuum_enabled\);"],
        ),
        (
            (PARTS, f"INSERT INTO parts {ROWS}", READABLE, "ANALYZE low", "ANALYZE high"),
            ["public.parts: the planner has no statistics: .*: ANALYZE public.parts;"],
        ),
        (
            (PARTS, f"INSERT INTO parts {ROWS}", READABLE, "ANALYZE", "TRUNCATE low", "ANALYZE low"),
            ["public.parts: 500 of 500 rows changed since it was last analysed: ANALYZE public.parts;"],
        ),
        (
            (f"CREATE MATERIALIZED VIEW t AS {ROWS}",),
            ["public.t: the planner has no statistics: .*: ANALYZE public.t;"],
        ),
    ],
)  # fmt: skip
def test_broken(database, audit_yaml, statements, said) -> None:
    """Each fault is named once, with the statement that mends it."""
    ran = run(database, audit_yaml, *statements)
    assert ran.status is Status.FAILED
    found = faults(ran)
    assert len(found) == len(said)
    for line, pattern in zip(found, said, strict=True):
        assert re.fullmatch(pattern, line), line


def test_what_the_role_may_not_see_is_doubtful(database, audit_yaml) -> None:
    """Unless it is acknowledged; an index's expression is shown to those who may read everything."""
    made = (TABLE, "CREATE INDEX t_low ON t (lower(name))", "CREATE INDEX ON t (k)", "ANALYZE t")
    ran = run(database, audit_yaml, *made)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith(
        "whether the planner has statistics for public.t: k, t_low (lower(name)) can't be seen: GRANT SELECT on"
    )
    ran = run(database, audit_yaml, READABLE)
    assert "statistics for public.t: t_low (lower(name)) can't be seen" in ran.reason
    accepted = "acknowledged: [{item: table-health:public.t, reason: r, who: w, ticket: T-1, expires: 2026-03-01}]\n"
    ran = run(database, audit_yaml, more=accepted)
    assert (ran.status, ran.acknowledged) == (Status.PASSED, ("table-health:public.t",))
    database.admin.execute("GRANT pg_read_all_data TO looker")
    try:
        assert run(database, audit_yaml).status is Status.PASSED
        ran = run(database, audit_yaml, "CREATE INDEX t_up ON t (upper(name))")
        assert faults(ran) == [
            "public.t: the planner has no statistics of t_up (upper(name)), which an index holds: ANALYZE public.t;"
        ]
    finally:
        database.admin.execute("REVOKE pg_read_all_data FROM looker")


def test_statistics_that_can_t_be_seen_are_not_missing(database, audit_yaml) -> None:
    """After a crash or a failover nobody knows when a table was analysed: a role of pg_monitor took it for never."""
    ran = run(database, audit_yaml, TABLE, "ANALYZE t", FORGOTTEN)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith("whether the planner has statistics for public.t: its columns can't be seen: GRANT")
    ran = run(database, audit_yaml, READABLE)
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_without_tables_nothing_was_seen(database, audit_yaml) -> None:
    """Nothing to look at is not success."""
    ran = run(database, audit_yaml)
    assert (ran.status, ran.reason) == (Status.COULD_NOT_RUN, "the database has no table: nothing to look at")
