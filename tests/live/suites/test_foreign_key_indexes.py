"""Foreign keys without an index, on real catalogues, seen by a role that may only look."""

from __future__ import annotations

import psycopg
import pytest

from pytest_backend_audit.analysis.foreign_keys import bare, read
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.foreign_key_indexes import (
    FOREIGN_KEYS,
)
from pytest_backend_audit.suites.query_performance.foreign_key_indexes import (
    test_every_foreign_key_leads_an_index as check,
)
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
PARENT = "CREATE TABLE parent (id int PRIMARY KEY, a int, b int, UNIQUE (a, b));"


def found(database, ddl: str) -> tuple[int, list[str]]:
    """Number of foreign keys, and items of those without an index."""
    database.admin.execute(PARENT + ddl)
    keys = read(database.looker.execute(FOREIGN_KEYS).fetchall())
    return len(keys), [key.item for key in bare(keys)]


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABLE c (p int PRIMARY KEY REFERENCES parent)",
        "CREATE TABLE c (p int REFERENCES parent); CREATE INDEX ON c (p, p)",
        "CREATE TABLE c (p int REFERENCES parent, x int); CREATE INDEX ON c (p) INCLUDE (x)",
        "CREATE TABLE c (p int REFERENCES parent); CREATE INDEX ON c USING hash (p)",
        "CREATE TABLE c (p int REFERENCES parent); CREATE INDEX ON c (p) WHERE p IS NOT NULL",
        "CREATE TABLE c (x int, y int, FOREIGN KEY (x, y) REFERENCES parent (a, b)); CREATE INDEX ON c (y, x)",
        "CREATE TABLE c (x int, y int, FOREIGN KEY (x, y) REFERENCES parent (a, b));"
        "CREATE INDEX ON c (x, y) WHERE x IS NOT NULL AND y IS NOT NULL",
        "CREATE TABLE c (id int PRIMARY KEY, up int REFERENCES c); CREATE INDEX ON c (up DESC)",
        'CREATE SCHEMA "Odd one"; CREATE TABLE "Odd one"."C c" ("P p" int REFERENCES parent);'
        'CREATE INDEX ON "Odd one"."C c" ("P p") WHERE "P p" IS NOT NULL',
        "CREATE TABLE c (p int REFERENCES parent, k int) PARTITION BY LIST (k);"
        "CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1); CREATE INDEX ON c (p)",
        "CREATE TABLE c (p int REFERENCES parent, k int) PARTITION BY LIST (k);"
        "CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1); CREATE INDEX ON c1 (p)",
    ],
)
def test_healthy(database, ddl: str) -> None:
    """An index serves the key, whatever its form."""
    assert found(database, ddl) == (1, [])


@pytest.mark.parametrize(
    ("ddl", "items"),
    [
        ("CREATE TABLE c (p int REFERENCES parent)", ["public.c.p"]),
        ("CREATE TABLE c (p int REFERENCES parent, x int); CREATE INDEX ON c (x, p)", ["public.c.p"]),
        ("CREATE TABLE c (p int REFERENCES parent, x int); CREATE INDEX ON c (x) INCLUDE (p)", ["public.c.p"]),
        ("CREATE TABLE c (p int REFERENCES parent, x int); CREATE INDEX ON c (p) WHERE x > 0", ["public.c.p"]),
        ("CREATE TABLE c (p int REFERENCES parent, x int); CREATE INDEX ON c (p) WHERE x IS NOT NULL", ["public.c.p"]),
        ("CREATE TABLE c (p int REFERENCES parent); CREATE INDEX ON c ((p + 0))", ["public.c.p"]),
        ("CREATE TABLE c (p int REFERENCES parent); CREATE INDEX ON c USING brin (p)", ["public.c.p"]),
        (
            "CREATE TABLE c (x int, y int, FOREIGN KEY (x, y) REFERENCES parent (a, b)); CREATE INDEX ON c (x)",
            ["public.c.x+y"],
        ),
        ("CREATE TABLE c (id int PRIMARY KEY, up int REFERENCES c)", ["public.c.up"]),
        (
            'CREATE SCHEMA "Odd one"; CREATE TABLE "Odd one"."C c" ("P p" int REFERENCES parent)',
            ['"Odd one"."C c"."P p"'],
        ),
        (
            "CREATE TABLE c (p int REFERENCES parent, k int) PARTITION BY LIST (k);"
            "CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1); CREATE TABLE c2 PARTITION OF c FOR VALUES IN (2);"
            "CREATE INDEX ON c1 (p)",
            ["public.c2.p"],
        ),
        ("CREATE TABLE c (p int REFERENCES parent, k int) PARTITION BY LIST (k)", ["public.c.p"]),
        (
            "CREATE TABLE target (k int PRIMARY KEY) PARTITION BY LIST (k);"
            "CREATE TABLE t1 PARTITION OF target FOR VALUES IN (1); CREATE TABLE c (p int REFERENCES target)",
            ["public.c.p"],
        ),
    ],
)
def test_broken(database, ddl: str, items: list[str]) -> None:
    """No index serves the key; of a partitioned table the partition is named that lacks it."""
    assert found(database, ddl)[1] == items


def test_an_invalid_index_does_not_count_and_is_named(database, audit_yaml) -> None:
    """What a failed concurrent build left behind; the message says that it would do."""
    database.admin.execute(PARENT + "CREATE TABLE c (p int REFERENCES parent); INSERT INTO parent (id) VALUES (1)")
    database.admin.execute("INSERT INTO c VALUES (1), (1)")
    with pytest.raises(Exception, match="could not create unique index"):
        database.admin.execute("CREATE UNIQUE INDEX CONCURRENTLY c_p ON c (p)")
    ran = run_check(check, audit_postgres=database.looker, audit_acknowledged=audit_yaml().acknowledged)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines()[:2] == [
        "1 of 1 foreign keys without an index:",
        "  - c_p_fkey on public.c (p) (c_p would do, but is invalid): CREATE INDEX CONCURRENTLY ON public.c (p);",
    ]


def test_the_cure_works(database) -> None:
    """The statement of the message, run as it stands."""
    database.admin.execute(PARENT + 'CREATE TABLE "C c" ("P p" int REFERENCES parent)')
    [key] = bare(read(database.looker.execute(FOREIGN_KEYS).fetchall()))
    database.admin.execute(key.cure)
    assert bare(read(database.looker.execute(FOREIGN_KEYS).fetchall())) == []


def test_the_cure_of_a_table_without_partitions_works(database) -> None:
    """The server makes no index of a partitioned table CONCURRENTLY."""
    database.admin.execute(PARENT + "CREATE TABLE c (p int REFERENCES parent, k int) PARTITION BY LIST (k)")
    [key] = bare(read(database.looker.execute(FOREIGN_KEYS).fetchall()))
    database.admin.execute(key.cure)
    assert bare(read(database.looker.execute(FOREIGN_KEYS).fetchall())) == []


BOOKINGS = "CREATE TABLE c (p int REFERENCES parent, t tsrange, EXCLUDE USING gist (p WITH =, t WITH &&))"


def test_the_index_of_an_exclusion_serves_the_key(database) -> None:
    """Bookings of a room: equality of the room leads it. Of another type's equality it knows nothing."""
    database.admin.execute("CREATE EXTENSION btree_gist")
    assert found(database, BOOKINGS) == (1, [])
    database.admin.execute("CREATE TABLE wide (n bigint PRIMARY KEY)")
    database.admin.execute(BOOKINGS.replace("c (p int REFERENCES parent", "d (p int REFERENCES wide"))
    assert [k.item for k in bare(read(database.looker.execute(FOREIGN_KEYS).fetchall()))] == ["public.d.p"]


def test_a_key_with_a_period_is_served_by_gist(database) -> None:
    """From version 18 on; its cure is of that kind, too."""
    period = (
        "CREATE TABLE priced (id int, t tsrange, PRIMARY KEY (id, t WITHOUT OVERLAPS));"
        "CREATE TABLE c (id int, t tsrange, FOREIGN KEY (id, PERIOD t) REFERENCES priced (id, PERIOD t))"
    )
    database.admin.execute("CREATE EXTENSION btree_gist")
    if database.admin.info.server_version < 180000:
        with pytest.raises(psycopg.errors.SyntaxError):
            database.admin.execute(period)
        return
    database.admin.execute(period)
    [key] = bare(read(database.looker.execute(FOREIGN_KEYS).fetchall()))
    assert key.cure == "CREATE INDEX CONCURRENTLY ON public.c USING gist (id, t);"
    database.admin.execute(key.cure)
    assert bare(read(database.looker.execute(FOREIGN_KEYS).fetchall())) == []


def test_without_foreign_keys_nothing_was_seen(database, audit_yaml) -> None:
    """Nothing to look at is not success."""
    ran = run_check(check, audit_postgres=database.looker, audit_acknowledged=audit_yaml().acknowledged)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith("the database has no foreign key: nothing to look at")


TEXTS = "CREATE TABLE words (w text PRIMARY KEY, v varchar(9) UNIQUE, n bigint UNIQUE);"


@pytest.mark.parametrize(
    "ddl",
    [
        "CREATE TABLE c (p text REFERENCES words); CREATE INDEX ON c (p)",
        "CREATE TABLE c (p text REFERENCES words); CREATE INDEX ON c (p text_pattern_ops)",
        'CREATE TABLE c (p text COLLATE "C" REFERENCES words); CREATE INDEX ON c (p)',
        "CREATE TABLE c (p varchar(9) REFERENCES words); CREATE INDEX ON c (p)",
        "CREATE TABLE c (p varchar(9) REFERENCES words (v)); CREATE INDEX ON c (p varchar_pattern_ops)",
        "CREATE TABLE c (p int REFERENCES words (n)); CREATE INDEX ON c (p)",
        "CREATE TABLE c (p smallint REFERENCES words (n)); CREATE INDEX ON c USING hash (p)",
        "CREATE TABLE c (p text REFERENCES words, k int) PARTITION BY LIST (k);"
        "CREATE TABLE c1 PARTITION OF c FOR VALUES IN (1); CREATE INDEX ON c (p)",
    ],
)
def test_indexes_that_compare_as_the_key_does(database, ddl: str) -> None:
    """In the column's own collation, by any operator class that has the key's equality, also across types."""
    assert found(database, TEXTS + ddl) == (1, [])


@pytest.mark.parametrize(
    "ddl",
    [
        'CREATE TABLE c (p text REFERENCES words); CREATE INDEX other ON c (p COLLATE "C")',
        "CREATE TYPE pair AS (a int, b int); CREATE TABLE pairs (k pair PRIMARY KEY);"
        "CREATE TABLE c (p pair REFERENCES pairs); CREATE INDEX other ON c (p record_image_ops)",
    ],
)
def test_indexes_that_compare_in_another_way_serve_nothing(database, ddl: str) -> None:
    """And are named, since one would think that they do."""
    database.admin.execute(PARENT + TEXTS + ddl)
    [key] = bare(read(database.looker.execute(FOREIGN_KEYS).fetchall()))
    assert str(key) == (
        "c_p_fkey on public.c (p) (other has another collation or operator class than the key): "
        "CREATE INDEX CONCURRENTLY ON public.c (p);"
    )
