"""Sequential scans, on real counters, seen by a role that may only look."""

from __future__ import annotations

import pytest
from live.suites.conftest import BusyWindows

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.sequential_scans import (
    test_large_tables_are_read_by_index as check,
)
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
TABLES = """
CREATE SCHEMA "Odd one";
CREATE TABLE "Odd one"."T t" AS SELECT n AS id, 'name ' || n AS name FROM generate_series(1, 3000) n;
CREATE TABLE parts (id int, v int) PARTITION BY RANGE (id);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (1001);
CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (1001) TO (3001) PARTITION BY LIST (v);
"""
MORE = """
CREATE TABLE part_3 PARTITION OF part_2 DEFAULT;
INSERT INTO parts SELECT n, n % 5 FROM generate_series(1, 3000) n;
CREATE TABLE small AS SELECT 1 AS id;
CREATE UNIQUE INDEX ON "Odd one"."T t" (id);
CREATE INDEX ON parts (id)
"""


def run(database, audit_yaml, *work: str, more: str = ""):
    """The check, with this work done in its window."""

    def busy() -> None:
        for statement in work:
            database.admin.execute(statement)
        database.admin.execute("SELECT pg_stat_force_next_flush()")

    around = audit_yaml(
        f"thresholds: {{large-table-rows: 2000, sequential-window-rows: 100, sequential-window: 0}}\n{more}"
    )
    return run_check(
        check,
        audit_postgres=database.looker,
        audit_window=BusyWindows(busy),
        audit_settings=around.settings,
        audit_acknowledged=around.acknowledged,
    )


@pytest.fixture
def filled(database):
    """Two large tables, one of them in partitions, with nothing left to count of their making."""
    for statement in (TABLES, MORE, "VACUUM ANALYZE", "SELECT pg_stat_force_next_flush()"):
        database.admin.execute(statement)
    return database


def test_tables_and_partitions_that_are_scanned_are_named(filled, audit_yaml) -> None:
    """The partitions by their table; a small one is not worth telling."""
    ran = run(
        filled,
        audit_yaml,
        'SELECT count(*) FROM "Odd one"."T t" WHERE name LIKE \'%7\'',
        "SELECT count(*) FROM parts WHERE v = 3",
        "SELECT count(*) FROM small",
    )
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "2 of 2 large tables that were read in 0 s, mostly by sequential scans (large: more than 2000 rows "
        "(audit.yaml:3); mostly: more than 0.5 (standard) of the rows read):",
        '  - "Odd one"."T t": 100 % of 3000 rows read, in 1 sequential scans',
        "  - public.parts: 100 % of 3000 rows read, in 2 sequential scans",
        '  to acknowledge: sequential-scans:"Odd one"."T t", sequential-scans:public.parts',
    ]


def test_rows_that_an_index_alone_gave_count_as_read_by_it(filled, audit_yaml) -> None:
    """One scan among many lookups is no fault either."""
    lookups = 'SELECT count(id) FROM "Odd one"."T t" WHERE id BETWEEN 1 AND 2500'
    ran = run(filled, audit_yaml, "SET enable_seqscan = off", lookups, lookups, 'SELECT name FROM "Odd one"."T t"')
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_a_reviewed_table_is_left_out(filled, audit_yaml) -> None:
    """By its name."""
    known = "acknowledged: [{item: sequential-scans:public.parts, reason: r, who: w, ticket: T-1, expires: 2026-03-01}]"
    ran = run(filled, audit_yaml, "SELECT count(*) FROM parts WHERE v = 3", more=known)
    assert (ran.status, ran.acknowledged) == (Status.PASSED, ("sequential-scans:public.parts",))


def test_nothing_read_and_nothing_large_are_no_success(filled, audit_yaml) -> None:
    """Each says what is missing."""
    ran = run(filled, audit_yaml, "SELECT count(*) FROM small")
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith("too little traffic to judge: 0 of 100 (rows read of 2 large tables)")
    filled.admin.execute('DROP TABLE parts, "Odd one"."T t"')
    ran = run(filled, audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason == "no table has more than 2000 rows (audit.yaml:3): nothing to look at"
