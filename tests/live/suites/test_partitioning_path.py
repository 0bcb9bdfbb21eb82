"""Very large tables and what is written of them, on real catalogues, seen by a role that may only look."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.partitioning_path import (
    test_very_large_tables_have_a_way_to_be_divided as check,
)
from pytest_backend_audit.targets.attestation import Attestations
from pytest_backend_audit.targets.source import Source
from pytest_backend_audit.testing import Surroundings, run_check, runtime_for

pytestmark = pytest.mark.live
HEAD = "version: 1\nenvironment: local\nlead_auditor: Ada\nthresholds: {partition-rows: 2000}\n"
ROWS = "SELECT n AS id, 'name ' || n AS name FROM generate_series(1, 3000) n"
LARGE = (
    "CREATE TABLE orders AS SELECT n AS id FROM generate_series(1, 5000) n",
    f'CREATE SCHEMA "Odd one"; CREATE TABLE "Odd one"."T t" AS {ROWS}',
    "CREATE TABLE small AS SELECT 1 AS id",
    "ANALYZE",
)
PARTS = (
    "CREATE TABLE parts (id int) PARTITION BY RANGE (id)",
    "CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (1500)",
    "CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (1500) TO (3000)",
    "CREATE TABLE part_3 PARTITION OF parts DEFAULT",
)
IN_PARTS = "INSERT INTO parts SELECT n FROM generate_series(1, {}) n"
ORDERS, ODD = "public.orders", '"Odd one"."T t"'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The team's documents."""
    (tmp_path / "docs" / "adr").mkdir(parents=True)
    (tmp_path / "docs" / "adr" / "7.md").write_text('`orders` by month.\nAnd "Odd one"."T t" by tenant.\n')
    (tmp_path / "docs" / "prose.md").write_text("The orders service has many orders, some in public.orders_old.\n")
    git = ["git", "-C", tmp_path, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for command in (["init", "-q"], ["add", "docs"], ["commit", "-q", "-m", "documents"]):
        subprocess.run([*git, *command], check=True)
    return tmp_path


def record(reference: str, title: str = "T", kind: str = "document") -> str:
    """A line of audit.yaml's attestations."""
    return (
        f"  - {{criterion: partitioning-path, kind: {kind}, reference: '{reference}', title: '{title}',"
        " date: 2025-12-01, who: Grace}\n"
    )


def run(database, folder: Path, *statements: str, records: str = "", more: str = ""):
    """The check, after these statements, with these records of the team."""
    for statement in statements:
        database.admin.execute(statement)
        database.admin.execute("SELECT pg_stat_force_next_flush()")
    commit = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    text = f"{HEAD}{more}" + (f"attestations:\n{records}" if records else "")
    audit = runtime_for(text, folder=folder, commit=commit.stdout.strip())
    around = Surroundings(audit)
    return run_check(
        check,
        on=audit.recorder,
        audit_postgres=database.looker,
        audit_settings=around.settings,
        audit_attestation=Attestations(audit),
        audit_source=Source(audit),
        audit_acknowledged=around.acknowledged,
    )


def test_large_tables_without_a_document_are_named(database, repository) -> None:
    """With what would be one; a small table is not worth telling, and no record is no document."""
    ran = run(database, repository, *LARGE)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "2 of 3 tables have more than 2000 rows (audit.yaml:4), and no document says how they would be partitioned or "
        "sharded:",
        "  - public.orders: about 5000 rows",
        '  - "Odd one"."T t": about 3000 rows',
        "  on record: nothing",
        "  write it down, naming each table as above, and add to attestations in audit.yaml: {criterion: "
        "partitioning-path, kind: document, reference: docs/partitioning.md, title: ..., date: ..., who: ...}",
        '  to acknowledge: partitioning-path:public.orders, partitioning-path:"Odd one"."T t"',
    ]


@pytest.mark.parametrize(
    ("records", "left"),
    [
        (record("docs/adr/7.md"), []),
        (record("docs/adr"), []),
        (record("docs/adr/7.md:2"), []),
        (record("docs/prose.md"), [ORDERS, ODD]),
        (record("https://wiki.example/p", "How public.orders is sharded"), [ODD]),
        (record("OPS-17", "public.orders") + record("OPS-18", '"Odd one"."T t"'), []),
        (record("docs/prose.md", 'public.orders and "Odd one"."T t"', kind="verbal"), [ORDERS, ODD]),
        (record("docs/gone.md", 'public.orders and "Odd one"."T t"'), [ORDERS, ODD]),
    ],
)
def test_a_document_has_to_name_the_table(database, repository, records: str, left: list[str]) -> None:
    """A file, a folder, or several records; of a link its title. What is only said, or isn't there, counts for none."""
    ran = run(database, repository, *LARGE, records=records)
    told = [line.removeprefix("  - ").partition(": about")[0] for line in ran.reason.splitlines() if ": about" in line]
    assert (ran.status, told) == (Status.FAILED if left else Status.PASSED, left)


def test_of_records_that_do_not_help_the_reason_is_told(database, repository) -> None:
    """Which one names no table, and which one isn't there."""
    ran = run(database, repository, *LARGE, records=record("docs/prose.md") + record("docs/gone.md"))
    assert (
        "  on record: docs/prose.md (audit.yaml:6) names none of them, audit.yaml:7: docs/gone.md does not exist at"
        in (ran.reason)
    )


def test_a_table_in_bounded_partitions_has_gone_its_way(database, repository) -> None:
    """Four thousand rows, in three partitions below the bound; but not when one of them takes all that is new."""
    assert run(database, repository, *PARTS, IN_PARTS.format(4000), "ANALYZE").status is Status.PASSED
    for told in ("6001 rows", "12002 rows, as have 2 more of its partitions"):
        ran = run(
            database, repository, *(["TRUNCATE parts"] if "6001" in told else []), IN_PARTS.format(9000), "ANALYZE"
        )
        assert [line for line in ran.reason.splitlines() if line.startswith("  - ")] == [
            f"  - public.parts: its partition public.part_3 has about {told}"
        ]


def test_the_document_may_name_the_table_or_its_partition(database, repository) -> None:
    """The table is what one knows it by."""
    run(database, repository, *PARTS, IN_PARTS.format(9000), "ANALYZE")
    assert run(database, repository, records=record("OPS-1", "`parts`")).status is Status.PASSED
    assert run(database, repository, records=record("OPS-1", "public.part_3")).status is Status.PASSED
    assert run(database, repository, records=record("OPS-1", "public.part_1")).status is Status.FAILED


def test_small_tables_need_no_document(database, repository) -> None:
    """That none is large is what was measured; an acknowledged one is left out."""
    ran = run(database, repository, "CREATE TABLE few AS SELECT generate_series(1, 100)", "ANALYZE few")
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    known = (
        "acknowledged: [{item: partitioning-path:public.big, reason: r, who: w, ticket: T-1, expires: 2026-03-01}]\n"
    )
    ran = run(database, repository, f"CREATE MATERIALIZED VIEW big AS {ROWS}", "ANALYZE big", more=f"{known}\n")
    assert (ran.status, ran.acknowledged) == (Status.PASSED, ("partitioning-path:public.big",))


def test_no_rows_and_no_statistics_are_no_success(database, repository) -> None:
    """An empty database is not the service's; of a table that was never looked at nobody knows."""
    ran = run(database, repository, "CREATE TABLE t (id int)")
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "the database has no rows: audit the one that has the service's data",
    )
    database.admin.execute("ALTER TABLE t SET (autovacuum_enabled = off)")
    ran = run(database, repository, "INSERT INTO t SELECT generate_series(1, 1900)", "SELECT pg_stat_reset()")
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith(
        "1 of 1 tables were never analysed, so that nobody knows whether they have more than 2000"
    )
    assert "- public.t: at most 2619 rows fit into it: ANALYZE public.t;" in ran.reason
