"""Blocks from the server's cache, on real counters, seen by a role that may only look."""

from __future__ import annotations

import pytest
from live.suites.conftest import BusyWindows

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance import cache_hit_ratio
from pytest_backend_audit.suites.query_performance._counters import BLOCKS
from pytest_backend_audit.suites.query_performance.cache_hit_ratio import (
    test_nearly_all_blocks_come_from_the_cache as check,
)
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
TABLES = """
CREATE SCHEMA "Odd one";
CREATE TABLE "Odd one"."T t" (id int PRIMARY KEY, long text);
ALTER TABLE "Odd one"."T t" ALTER long SET STORAGE EXTERNAL;
INSERT INTO "Odd one"."T t" SELECT n, repeat('x', 5000) FROM generate_series(1, 20) n;
CREATE TABLE parts (k int, v int) PARTITION BY LIST (k);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES IN (1);
INSERT INTO parts SELECT 1, n FROM generate_series(1, 1000) n;
CREATE MATERIALIZED VIEW seen AS SELECT * FROM parts;
"""
UNATTENDED = """
ALTER TABLE "Odd one"."T t" SET (autovacuum_enabled = off, toast.autovacuum_enabled = off);
ALTER TABLE part_1 SET (autovacuum_enabled = off);
ALTER MATERIALIZED VIEW seen SET (autovacuum_enabled = off);
"""
"""What the server reads of its own accord counts as well, and comes when it likes."""
WIDE = "SELECT n, repeat('x', 1800) AS x FROM generate_series(1, %d) n"
"""Four rows a block."""


@pytest.fixture(autouse=True)
def _deciding_at_once(monkeypatch) -> None:
    monkeypatch.setattr(cache_hit_ratio, "DECIDING", 0.0)


def work(database, statement: str, times: int = 20):
    """Does it again and again, and has the server count at once."""
    for _ in range(times):
        database.admin.execute(statement)
    database.admin.execute("SELECT pg_stat_force_next_flush()")


def run(database, audit_yaml, statement: str, more: str = ""):
    """The check, with this work done in its window."""
    return run_check(
        check,
        audit_postgres=database.looker,
        audit_window=BusyWindows(lambda: work(database, statement)),
        audit_settings=audit_yaml(more).settings,
    )


def test_indexes_and_toast_count_for_their_table_and_the_system_for_nobody(database) -> None:
    """Partitions and materialised views are tables of their own."""
    work(database, TABLES, times=1)
    work(database, 'SELECT count(long) FROM "Odd one"."T t" WHERE id > 3; SELECT max(v) FROM seen')
    found = {row.table: row.wanted for row in database.looker.execute(BLOCKS).fetchall()}
    assert set(found) == {'"Odd one"."T t"', "public.part_1", "public.seen"}
    before = found['"Odd one"."T t"']
    work(database, 'SELECT sum(length(long || id)) FROM "Odd one"."T t"')
    after = {row.table: row.wanted for row in database.looker.execute(BLOCKS).fetchall()}
    assert after['"Odd one"."T t"'] - before > 20 * 20  # each of the long values, each time


def test_what_is_in_the_cache_passes(database, audit_yaml) -> None:
    """The tables have just been written."""
    work(database, TABLES, times=1)
    ran = run(database, audit_yaml, "SELECT max(v) FROM parts", "thresholds: {cache-hit-blocks: 50}\n")
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_a_table_that_does_not_fit_is_named(database, audit_yaml) -> None:
    """Larger than the cache: reading all of it goes past the cache, however often."""
    work(database, f"CREATE TABLE large AS {WIDE % 80_000}", times=1)
    ran = run_check(
        check,
        audit_postgres=database.looker,
        audit_window=BusyWindows(lambda: work(database, "SELECT count(*) FROM large", times=2)),
        audit_settings=audit_yaml("").settings,
    )
    assert ran.status is Status.FAILED
    first, second = ran.reason.splitlines()
    assert "blocks came from the cache in " in first
    assert first.endswith("it should be more than 0.99 (standard); shared_buffers is 128MB")
    assert second.startswith("  - public.large: ")


def test_too_little_traffic_says_nothing(database, audit_yaml) -> None:
    """Nor does what this check itself reads count."""
    work(database, TABLES + UNATTENDED, times=1)
    ran = run(database, audit_yaml, "SELECT 1")
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith("too little traffic to judge: 0 of 500 (blocks of tables and indexes)")


def test_what_was_missed_at_first_only_passes(database, audit_yaml) -> None:
    """As after a start: too many misses in one window, and none in the longer one that decides."""
    work(database, f"CREATE TABLE large AS {WIDE % 40_000}; CREATE TABLE small AS {WIDE % 2_000}", times=1)
    statements = iter(["SELECT count(*) FROM large", "SELECT count(*) FROM small"])
    ran = run_check(
        check,
        audit_postgres=database.looker,
        audit_window=BusyWindows(lambda: work(database, next(statements))),
        audit_settings=audit_yaml("").settings,
    )
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert list(statements) == []  # both windows were opened


def test_the_window_that_decides_lasts_for_a_while(database, audit_yaml, monkeypatch) -> None:
    """Four seconds of an ORM's traffic said 98.8 %, the minute around them 99.3 %."""
    monkeypatch.setattr(cache_hit_ratio, "DECIDING", 10.0)
    work(database, f"CREATE TABLE large AS {WIDE % 80_000}", times=1)
    lasting = []

    class Told(BusyWindows):
        def __call__(self, read, **options):
            lasting.append(options["lasting"])
            return super().__call__(read, **options)

    window = Told(lambda: work(database, "SELECT count(*) FROM large", times=3))
    ran = run_check(check, audit_postgres=database.looker, audit_window=window, audit_settings=audit_yaml("").settings)
    assert (ran.status, lasting) == (Status.FAILED, [0.0, 10.0])
