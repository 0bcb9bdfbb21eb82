"""Invalid, double and idle indexes, on real catalogues, seen by a role that may only look."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from live.servers import folder_for_servers, postgres
from live.suites.conftest import PASSWORD
from psycopg.rows import namedtuple_row

from pytest_backend_audit.analysis.indexes import duplicates, invalid, unused
from pytest_backend_audit.demo.stack.process import wait_for
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.index_hygiene import (
    INDEXES,
)
from pytest_backend_audit.suites.query_performance.index_hygiene import (
    test_no_index_is_invalid_double_or_idle as check,
)
from pytest_backend_audit.testing import LiteralPostgres, run_check

pytestmark = pytest.mark.live


def rows(database, ddl: str):
    """What the check's statement sees."""
    database.admin.execute(ddl)
    return database.looker.execute(INDEXES).fetchall()


def run(database, audit_yaml, more: str = "", looking=None, connect=None):
    """The check, with these lines in audit.yaml."""
    around = audit_yaml(more)
    return run_check(
        check, audit_postgres=looking or database.looker, audit_postgres_connect=connect,
        audit_declared=around.declared, audit_settings=around.settings, audit_acknowledged=around.acknowledged,
    )  # fmt: skip


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABLE t (a int, b int); CREATE INDEX ON t (a, b); CREATE INDEX ON t (b, a)",
        "CREATE TABLE t (a int, b int); CREATE INDEX ON t (a); CREATE INDEX ON t (a DESC)",
        "CREATE TABLE t (a int, b int); CREATE INDEX ON t (a); CREATE INDEX ON t (a) WHERE b > 0",
        "CREATE TABLE t (a int, b int); CREATE INDEX ON t (a); CREATE INDEX ON t (a) INCLUDE (b)",
        "CREATE TABLE t (a text); CREATE INDEX ON t (a); CREATE INDEX ON t (a text_pattern_ops)",
        "CREATE TABLE t (a text); CREATE INDEX ON t (a); CREATE INDEX ON t (lower(a)); CREATE INDEX ON t (upper(a))",
        "CREATE TABLE t (a int); CREATE INDEX ON t (a); CREATE INDEX ON t USING hash (a)",
        "CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE INDEX ON t (a); CREATE INDEX ON u (a)",
        "CREATE TABLE t (a int PRIMARY KEY); ALTER TABLE t ADD UNIQUE (a)",
        "CREATE TABLE t (a int, k int) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);"
        "CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2); CREATE INDEX ON t (a)",
    ],
)
def test_different_indexes_are_no_duplicates(database, ddl: str) -> None:
    """In keys, direction, condition, included columns, operator class, expression, method, table; or both needed."""
    assert duplicates(rows(database, ddl)) == []


@pytest.mark.parametrize(
    ("ddl", "said"),
    [
        (
            "CREATE TABLE t (a int, b int); CREATE INDEX one ON t (a, b); CREATE INDEX two ON t (a, b)",
            ["public.two on public.t equals public.one: DROP INDEX CONCURRENTLY public.two;"],
        ),
        (
            "CREATE TABLE t (a int CONSTRAINT pk PRIMARY KEY); CREATE INDEX plain ON t (a)",
            ["public.plain on public.t equals public.pk: DROP INDEX CONCURRENTLY public.plain;"],
        ),
        (
            "CREATE TABLE t (a int); CREATE INDEX plain ON t (a); CREATE UNIQUE INDEX single ON t (a)",
            ["public.plain on public.t equals public.single: DROP INDEX CONCURRENTLY public.plain;"],
        ),
        (
            "CREATE TABLE t (a text); CREATE INDEX one ON t (lower(a), a) WHERE a <> '';"
            "CREATE INDEX two ON t (lower(a), a) WHERE a <> ''",
            ["public.two on public.t equals public.one: DROP INDEX CONCURRENTLY public.two;"],
        ),
        (
            'CREATE SCHEMA "S s"; CREATE TABLE "S s".t (a int); CREATE INDEX one ON "S s".t (a);'
            'CREATE INDEX "Two 2" ON "S s".t (a); CREATE INDEX three ON "S s".t (a)',
            [
                '"S s"."Two 2" on "S s".t equals "S s".one: DROP INDEX CONCURRENTLY "S s"."Two 2";',
                '"S s".three on "S s".t equals "S s".one: DROP INDEX CONCURRENTLY "S s".three;',
            ],
        ),
        (
            "CREATE TABLE t (a int, k int) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);"
            "CREATE INDEX one ON t (a); CREATE INDEX two ON t (a)",
            ["public.two on public.t equals public.one: DROP INDEX public.two;"],
        ),
        (
            "CREATE TABLE t (a int, k int) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);"
            "CREATE INDEX lone ON t1 (a); CREATE INDEX other ON t1 (a)",
            ["public.other on public.t1 equals public.lone: DROP INDEX CONCURRENTLY public.other;"],
        ),
    ],
)
def test_duplicates_are_named_with_what_stays(database, ddl: str, said: list[str]) -> None:
    """The one that a constraint needs stays, else the unique one, else the older one; of partitions only the parent."""
    found = duplicates(rows(database, ddl))
    assert [str(fault) for fault in found] == said
    for fault in found:
        database.admin.execute(str(fault).rpartition(": ")[2])
    assert duplicates(database.looker.execute(INDEXES).fetchall()) == []


def test_invalid_indexes_are_named(database, audit_yaml) -> None:
    """The remains of a concurrent build that failed, and nothing else."""
    database.admin.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1); CREATE INDEX good ON t (a DESC)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.admin.execute("CREATE UNIQUE INDEX CONCURRENTLY bad ON t (a)")
    assert [f.item for f in invalid(database.looker.execute(INDEXES).fetchall())] == ["public.bad"]
    ran = run(database, audit_yaml)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines()[:2] == [
        "1 of 2 indexes should go or be built again (large is 10485760 bytes (standard)):",
        "  - public.bad on public.t is invalid: REINDEX INDEX CONCURRENTLY public.bad; or drop it",
    ]


def test_an_index_that_no_partition_completes_is_told_which(database, audit_yaml) -> None:
    """Building it again leaves it invalid: the partition's own index has to become a part of it."""
    database.admin.execute(
        "CREATE TABLE t (a int, k int) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);"
        "CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2); CREATE INDEX whole ON ONLY t (a);"
        "CREATE INDEX part_1 ON t1 (a); ALTER INDEX whole ATTACH PARTITION part_1"
    )
    database.admin.execute("REINDEX INDEX CONCURRENTLY whole")
    ran = run(database, audit_yaml)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines()[1] == (
        "  - public.whole on public.t is invalid: no valid index of public.t2 is a part of it: CREATE INDEX "
        "CONCURRENTLY on each, then ALTER INDEX public.whole ATTACH PARTITION each of these; or drop it"
    )
    database.admin.execute("CREATE INDEX CONCURRENTLY part_2 ON t2 (a)")
    database.admin.execute("ALTER INDEX public.whole ATTACH PARTITION part_2")
    assert run(database, audit_yaml).status is Status.PASSED


def test_idle_indexes_that_something_needs_are_no_faults(database) -> None:
    """Unique ones, those of foreign keys and of replica identities work without being counted."""
    found = rows(
        database,
        "CREATE TABLE p (id int PRIMARY KEY, n int); CREATE UNIQUE INDEX ON p (n);"
        "CREATE TABLE c (p int REFERENCES p, x int NOT NULL, y int); CREATE INDEX ON c (p, y);"
        "CREATE UNIQUE INDEX i ON c (x);"
        "ALTER TABLE c REPLICA IDENTITY USING INDEX i; CREATE INDEX idle ON c (y);"
        "INSERT INTO p SELECT n, n FROM generate_series(1, 1000) n;"
        "INSERT INTO c SELECT n, n, n FROM generate_series(1, 1000) n",
    )
    assert [f.item for f in unused(found, at_least=8192)] == ["public.idle"]
    assert unused(found, at_least=1e9) == []


def test_partitions_count_together(database) -> None:
    """An index of which one partition's part is used is used; its size is that of all parts."""
    found = rows(
        database,
        "CREATE TABLE t (a int, k int) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);"
        "CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2); CREATE INDEX whole ON t (a);"
        "INSERT INTO t SELECT n, 1 + n % 2 FROM generate_series(1, 2000) n",
    )
    [whole] = [row for row in found if row.index == "public.whole"]
    parts = [row for row in found if row.of_partitioned]
    assert (whole.bytes, whole.scans) == (sum(row.bytes for row in parts), 0)
    [idle] = unused(found, at_least=1)
    assert str(idle).endswith("MiB: DROP INDEX public.whole;")
    database.admin.execute("DROP INDEX public.whole")


def test_young_statistics_are_not_believed(database, audit_yaml) -> None:
    """A large idle index could not be judged yet, and a day later is a fault; acknowledged it is neither."""
    database.admin.execute(
        "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 5000); CREATE INDEX idle ON t (a)"
    )
    small = "thresholds: {unused-index-bytes: 8192"
    young = run(database, audit_yaml, small + "}\n")
    assert young.status is Status.COULD_NOT_RUN
    assert young.reason.startswith("whether public.idle are unused can't be told: the server has counted for 0.0 days")
    old = run(database, audit_yaml, small + ", unused-index-days: 0}\n")
    assert old.status is Status.FAILED
    assert (
        "public.idle on public.t was never used and takes 0.1 MiB: DROP INDEX CONCURRENTLY public.idle;" in old.reason
    )


COUNTED = f"""
SELECT index, scans, now() - counted_days * interval '1 day' AS since, clock_timestamp() AS now,
    pg_is_in_recovery() AS standby
FROM ({INDEXES}) AS found
"""


@pytest.fixture
def own_server(postgres_programs) -> Iterator[tuple[Path, str]]:
    """The data folder of a server that may be ill-treated, and the superuser's DSN."""
    with folder_for_servers() as folder, postgres(postgres_programs, folder / "pg", PASSWORD) as port:
        yield folder / "pg", f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"


def crashed(dsn: str, connection):
    """What the check sees once the server is up again after this session's process was killed."""
    os.kill(connection.info.backend_pid, signal.SIGKILL)
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    wait_for(lambda: psycopg.connect(dsn).close() or True, "PostgreSQL to recover")
    with psycopg.connect(dsn, row_factory=namedtuple_row) as again:
        return again.execute(COUNTED).fetchone()


def test_counts_begin_with_the_last_crash(own_server) -> None:
    """The server goes on as the one that was started: an index that is used looked idle for as long as it is up."""
    _, dsn = own_server
    with psycopg.connect(dsn, autocommit=True, row_factory=namedtuple_row) as before:
        before.execute(f"{IDLE}; SET enable_seqscan = off")
        before.execute("SELECT a FROM t WHERE a = 7")
        before.execute("SELECT pg_stat_force_next_flush()")
        used = before.execute(COUNTED).fetchone()
        assert used.scans == 1
        found = crashed(dsn, before)
    assert (found.scans, found.standby) == (0, False)
    assert found.since > used.now


def test_counts_begin_with_the_promotion_of_a_replica(own_server) -> None:
    """What it was asked as a replica is not what a primary is asked."""
    data, dsn = own_server
    with psycopg.connect(dsn, autocommit=True, row_factory=namedtuple_row) as before:
        before.execute(IDLE)
        (data / "standby.signal").touch()
        replica = crashed(dsn, before)
    assert replica.standby
    with psycopg.connect(dsn, autocommit=True, row_factory=namedtuple_row) as promoting:
        promoting.execute("SELECT pg_promote()")
        found = promoting.execute(COUNTED).fetchone()
    assert not found.standby
    assert found.since > replica.now


def test_a_sound_database_passes(database, audit_yaml) -> None:
    """And one without any index shows nothing."""
    assert run(database, audit_yaml).status is Status.COULD_NOT_RUN
    database.admin.execute("CREATE TABLE t (a int PRIMARY KEY, b int); CREATE INDEX ON t (b)")
    assert run(database, audit_yaml).status is Status.PASSED


IDLE = "CREATE TABLE t (a int); INSERT INTO t SELECT generate_series(1, 5000); CREATE INDEX idle ON t (a)"
NOW = "thresholds: {unused-index-bytes: 8192, unused-index-days: 0}\n"
DOUBT = "whether public.idle are unused can't be told: "
KNOWN = "; to acknowledge: index-hygiene:public.idle"
UNSEEN = f"{DOUBT}1 replicas that were not asked may use them{KNOWN}"


def test_a_replica_that_is_away_may_use_what_nobody_uses_here(database, audit_yaml) -> None:
    """It has left a slot; one that nobody has ever used doesn't count."""
    database.admin.execute(IDLE)
    database.admin.execute("SELECT pg_create_physical_replication_slot('away_never')")
    try:
        assert run(database, audit_yaml, NOW).status is Status.FAILED
        database.admin.execute("SELECT pg_create_physical_replication_slot('away', true)")
        ran = run(database, audit_yaml, NOW)
    finally:
        database.admin.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        UNSEEN,
    )


@pytest.mark.parametrize(
    ("used", "connected", "status"),
    [(0, 0, Status.FAILED), (0, 1, Status.FAILED), (3, 1, Status.PASSED), (0, 2, Status.COULD_NOT_RUN)],
)
def test_the_declared_replica_is_asked(database, audit_yaml, used: int, connected: int, status: Status) -> None:
    """What it uses is in use; others may still use what it doesn't."""
    found = rows(database, IDLE)
    here = LiteralPostgres(otherwise=[row._replace(replicas=connected) for row in found])
    there = LiteralPostgres(otherwise=[row._replace(is_replica=True, scans=used) for row in found])
    more = NOW + "targets: {replica: {dsn: 'host=replica'}}\n"
    ran = run(database, audit_yaml, more, here, lambda target: contextlib.nullcontext(there))
    assert ran.status is status
    if status is Status.COULD_NOT_RUN:
        assert ran.reason == UNSEEN


def test_a_declared_replica_that_is_none_tells_nothing(database, audit_yaml) -> None:
    """Such as the server itself."""
    database.admin.execute(IDLE)
    more = NOW + "targets: {replica: {dsn: 'host=replica'}}\n"
    ran = run(database, audit_yaml, more, connect=lambda target: contextlib.nullcontext(database.looker))
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "targets.replica is no replica of the database: nobody can say what its replicas use",
    )


def test_who_replicates_is_seen_or_said_to_be_hidden(superuser, database, audit_yaml) -> None:
    """A role without pg_monitor sees that there is somebody."""
    database.admin.execute(IDLE + "; CREATE ROLE unseeing LOGIN PASSWORD 'may-see-nothing'")
    place = (superuser % database.name).replace("postgres:super-secret-0001", "unseeing:may-see-nothing")
    try:
        with (
            psycopg.connect(superuser % database.name, autocommit=True, replication="true"),
            psycopg.connect(place, autocommit=True, row_factory=namedtuple_row) as blind,
        ):
            seen, hidden = run(database, audit_yaml, NOW), run(database, audit_yaml, NOW, blind)
    finally:
        database.admin.execute("DROP ROLE unseeing")
    assert (seen.status, seen.reason) == (
        Status.COULD_NOT_RUN,
        UNSEEN,
    )
    assert (hidden.status, hidden.reason) == (
        Status.COULD_NOT_RUN,
        f"{DOUBT}1 connections that replicate are hidden from the audit's role: GRANT pg_monitor to it{KNOWN}",
    )
