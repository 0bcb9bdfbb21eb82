"""Steps of plans that have to stay the same, on plans as servers told them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pytest_backend_audit.analysis.plan_steps import (
    Flip,
    Kept,
    Step,
    changed,
    improved,
    indexes_of,
    key,
    known,
    making,
    steps,
)
from pytest_backend_audit.analysis.plans import read


def node(kind: str, *plans: dict[str, Any], **facts: str) -> dict[str, Any]:
    """A step as EXPLAIN (VERBOSE, FORMAT JSON) tells it."""
    return {"Node Type": kind, **{k.replace("_", " "): v for k, v in facts.items()}, "Plans": list(plans)}


def scan(kind: str, table: str, *plans: dict[str, Any], **facts: str) -> dict[str, Any]:
    """A step that reads a table."""
    schema, _, name = table.partition(".")
    return node(kind, *plans, Schema=schema, Relation_Name=name, Alias=name, **facts)


# Of PostgreSQL 18, less what is not read.
EITHER = node(
    "BitmapOr",
    node("Bitmap Index Scan", Index_Name="orders_b", Index_Cond="(orders.b = $1)"),
    node("Bitmap Index Scan", Index_Name="orders_a", Index_Cond="(orders.a = $2)"),
)
BY_KEY = {"Index_Name": "customers_pkey", "Index_Cond": "(customers.id = orders.customer_id)"}
LOOP = node(
    "Nested Loop",
    scan("Bitmap Heap Scan", "public.orders", EITHER),
    node("Memoize", scan("Index Only Scan", "public.customers", **BY_KEY)),
)
JOINED = [{"Plan": node("Limit", node("Gather Merge", node("Incremental Sort", LOOP)))}]
PARTS = [
    {
        "Plan": node(
            "Append",
            scan("Seq Scan", "log.events_1"),
            scan("Seq Scan", "log.events_2"),
            scan("Index Scan", "log.events_3", Index_Name="events_3_at_idx"),
        )
    }
]
OF_TABLE = {f"log.events_{n}": "log.events" for n in (1, 2, 3)}


def deep(step: Step, more: int = 1) -> Step:
    """The same below another one."""
    return step._replace(depth=step.depth + more)


def kept(*found: Step, **indexes: str) -> Kept:
    """A statement with these steps."""
    return Kept("SELECT 1 FROM orders", found, None, indexes, "2026-01-15T12:00:00.000Z")


def test_tables_joins_and_sorts_are_told_by_their_depth() -> None:
    """How rows are handed on, and by how many processes, is not."""
    assert steps(read(JOINED), {}, {}) == (
        Step(0, "Sort"),
        Step(1, "Nested Loop"),
        Step(2, "", "public.orders", "by", ("orders_a", "orders_b")),
        Step(2, "", "public.customers", "by", ("customers_pkey",)),
    )
    assert indexes_of(read(JOINED)) == {("public", n) for n in ("orders_a", "orders_b", "customers_pkey")}


def test_partitions_that_are_reached_alike_are_one_step() -> None:
    """By the names of their table and its index; an index without a condition is read along all of it."""
    assert [str(step) for step in steps(read(PARTS), OF_TABLE, {("log", "events_3_at_idx"): "log.events_at_idx"})] == [
        "log.events from beginning to end",
        "log.events along all of log.events_at_idx",
    ]


ORDERS = Step(0, "", "public.orders", "by", ("public.a",))
OTHER = ORDERS._replace(indexes=("public.b",))
ON_XY = {"public.a": "CREATE INDEX a ON public.orders USING btree (x, y);"}
SMALL = Step(0, "", "public.small", "from beginning to end")
CLASS = Step(1, "", "pg_catalog.pg_class", "from beginning to end")
OWN_INDEX = CLASS._replace(access="by", indexes=("pg_catalog.pg_class_oid_index",))
NAMED_ALIKE = CLASS._replace(table="pg_catalogue.orders")


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (kept(ORDERS), kept(ORDERS), False),
        (kept(ORDERS), kept(ORDERS._replace(access="along all of")), True),
        (kept(ORDERS), kept(ORDERS._replace(access="from beginning to end", indexes=())), True),
        (kept(ORDERS), kept(Step(0, "Sort"), ORDERS._replace(depth=1)), True),
        (kept(SMALL), kept(SMALL._replace(access="by", indexes=("public.small_pkey",))), False),
        (kept(Step(0, "Sort"), SMALL), kept(SMALL), False),
        (kept(Step(0, "Hash Join"), ORDERS, SMALL), kept(Step(0, "Nested Loop"), ORDERS, SMALL), True),
        (kept(ORDERS, SMALL), kept(ORDERS, SMALL._replace(access="by")), False),
        (kept(Step(0, "Hash Join"), CLASS), kept(Step(0, "Nested Loop"), OWN_INDEX), False),
        (kept(ORDERS, CLASS), kept(ORDERS, OWN_INDEX), False),
        (kept(SMALL, CLASS), kept(SMALL, OWN_INDEX, Step(0, "Sort")), False),
        (kept(ORDERS, CLASS), kept(ORDERS._replace(access="along all of"), CLASS), True),
        (kept(NAMED_ALIKE), kept(NAMED_ALIKE._replace(access="by")), True),
        (kept(ORDERS, **ON_XY), kept(OTHER, **{"public.b": ON_XY["public.a"].replace(" a ", " b ")}), False),
        (kept(ORDERS, **ON_XY), kept(ORDERS, **{"public.a": ON_XY["public.a"].replace("x, y", "y, x")}), True),
    ],
)
def test_a_plan_has_changed_where_a_large_table_is_read_otherwise(before: Kept, now: Kept, told: bool) -> None:
    """Small tables and the server's own are read in whatever way, and an index may have any name."""
    assert changed(before, now, {"public.small"}) is told


def on(columns: str) -> str:
    """What makes an index of these columns."""
    return f"CREATE INDEX CONCURRENTLY i ON public.orders USING btree ({columns});"


WHOLE = Step(0, "", "public.orders", "from beginning to end")
BY_A, BY_B = (Step(0, "", "public.orders", "by", (f"public.{name}",)) for name in "ab")
LOOPED, HASHED, SORT = Step(0, "Nested Loop"), Step(0, "Hash Join"), Step(0, "Sort")
OUTER = Step(1, "", "public.customers", "from beginning to end")
X, XY, Z = {"public.a": on("x")}, {"public.b": on("x, y")}, {"public.a": on("z")}


def had(before: Kept, *columns: str) -> Kept:
    """The same, of tables that had indexes of these columns."""
    return replace(before, known=tuple(known("public.orders", on(each)) for each in columns))


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        # A new index leads to what was read from beginning to end; a part of it may have been there.
        (had(kept(WHOLE)), kept(BY_A, **X), True),
        (had(kept(WHOLE), "z"), kept(BY_A, **X), True),
        (had(kept(WHOLE), "z"), kept(WHOLE._replace(access="by", indexes=("public.a", "public.b")), **Z, **XY), True),
        (had(kept(WHOLE._replace(access="along all of", indexes=("public.a",)), **Z), "z"), kept(BY_B, **XY), True),
        (had(kept(LOOPED, OUTER, deep(WHOLE))), kept(LOOPED, OUTER, deep(BY_A), **X), True),
        # An index that was there, and perhaps wrong statistics; nobody noted which were; nobody knows what it is.
        (had(kept(WHOLE), "x"), kept(BY_A, **X), False),
        (kept(WHOLE), kept(BY_A, **X), False),
        (had(kept(WHOLE)), kept(BY_A), False),
        # Along all of it: for its order alone.
        (had(kept(WHOLE)), kept(BY_A._replace(access="along all of"), **X), False),
        (had(kept(SORT, deep(WHOLE))), kept(BY_A._replace(access="along all of"), **X), False),
        # No table is read any more, or another one, or one more.
        (had(kept(WHOLE)), kept(), False),
        (had(kept(WHOLE)), kept(BY_A._replace(table="public.other"), **X), False),
        (had(kept(WHOLE)), kept(BY_A, BY_A, **X), False),
        # Another join, beside.
        (had(kept(HASHED, OUTER, deep(WHOLE))), kept(LOOPED, OUTER, deep(BY_A), **X), False),
        (had(kept(LOOPED, deep(WHOLE), OUTER)), kept(LOOPED, OUTER, deep(BY_A), **X), False),
        # Better in one table, worse in another.
        (had(kept(LOOPED, OUTER._replace(access="by"), deep(WHOLE))), kept(LOOPED, OUTER, deep(BY_A), **X), False),
        # A sort is gone with the whole reading, or for an index that has more columns than the one before.
        (had(kept(SORT, deep(WHOLE))), kept(BY_B, **XY), True),
        (had(kept(SORT, deep(BY_A), **X), "x"), kept(BY_B, **XY), True),
        (had(kept(LOOPED, deep(SORT), deep(WHOLE, 2), OUTER)), kept(LOOPED, deep(BY_B), OUTER, **XY), True),
        # For another index it may have gone at a price; of a join's rows nobody knows; and it must have a reason.
        (had(kept(SORT, deep(BY_A), **Z), "z"), kept(BY_B, **XY), False),
        (had(kept(SORT, deep(BY_A), **X), "x", "x, y"), kept(BY_B, **XY), False),
        (had(kept(SORT, deep(BY_A), **X), "x"), kept(BY_A, **X), False),
        (had(kept(SORT, deep(LOOPED), deep(WHOLE, 2), deep(OUTER))), kept(LOOPED, deep(BY_B), OUTER, **XY), False),
        (had(kept(SORT, deep(WHOLE), deep(OUTER))), kept(BY_B, OUTER._replace(depth=0), **XY), False),
        # A sort that came, and another index in place of one.
        (had(kept(WHOLE)), kept(SORT, deep(BY_A), **X), False),
        (had(kept(BY_A, **X), "x"), kept(BY_B, **XY), False),
    ],
)
def test_a_plan_is_better_only_where_that_is_certain(before: Kept, now: Kept, told: bool) -> None:
    """Each of these plans has changed, and all that may be the work of wrong statistics is no improvement."""
    assert changed(before, now, ())
    assert improved(before, now, ()) is told


def test_a_statement_is_known_by_its_text_whatever_its_values() -> None:
    """Lists of any length are one, a cast that was put in to plan it is no difference, another column is one."""
    one = key("SELECT a FROM t WHERE a IN ( $1 , $2 ) AND b = $3")
    assert one == key("SELECT a FROM t WHERE a IN ( $1 , $2 , $3 , $4 ) AND b = $5")
    assert key("SELECT a FROM t WHERE $1::text IS NULL") == key("SELECT a FROM t WHERE $1 IS NULL")
    assert one != key("SELECT a FROM t WHERE a IN ( $1 , $2 ) AND c = $3")
    assert len(one) == 12


@pytest.mark.parametrize(
    ("definition", "made"),
    [
        ("CREATE INDEX a ON public.t USING btree (x)", "CREATE INDEX CONCURRENTLY a ON public.t USING btree (x);"),
        ("CREATE UNIQUE INDEX a ON t USING btree (x)", "CREATE UNIQUE INDEX CONCURRENTLY a ON t USING btree (x);"),
        ('CREATE INDEX "a ON ONLY b" ON t (x)', 'CREATE INDEX CONCURRENTLY "a ON ONLY b" ON t (x);'),
        ('CREATE INDEX "T b" ON ONLY shop."T t" USING btree (b)', 'CREATE INDEX "T b" ON shop."T t" USING btree (b);'),
        ("CREATE UNIQUE INDEX a ON ONLY s.t USING btree (x)", "CREATE UNIQUE INDEX a ON s.t USING btree (x);"),
    ],
)
def test_an_index_is_made_again_by_what_the_server_accepts(definition: str, made: str) -> None:
    """A partitioned table's is made on its partitions too, which can't be done concurrently."""
    assert making(definition) == made


def test_what_is_kept_comes_back() -> None:
    """As JSON has it; anything else is refused."""
    before = kept(ORDERS, Step(1, "Sort"), **{"public.a": "CREATE INDEX"})
    assert Kept.read(before.data()) == before
    assert Kept.read(had(before, "x").data()) == had(before, "x")
    assert Kept.read({name: value for name, value in before.data().items() if name != "known"}) == before
    for wrong in ({}, before.data() | {"steps": [[0, "Sort"]]}, before.data() | {"indexes": None}):
        with pytest.raises(ValueError, match=r"^no plan: |not enough values"):
            Kept.read(wrong)


def test_a_flip_tells_both_plans_and_what_is_gone() -> None:
    """Its name in audit.yaml is of this very plan."""
    flip = Flip(kept(ORDERS), kept(SMALL), ("CREATE INDEX CONCURRENTLY a ON public.orders USING btree (x);",))
    assert str(flip).splitlines() == [
        "SELECT 1 FROM orders",
        "  since 2026-01-15: public.orders by public.a",
        "  now: public.small from beginning to end",
        "  an index of it is gone: CREATE INDEX CONCURRENTLY a ON public.orders USING btree (x);",
    ]
    other = Flip(kept(ORDERS), kept(SMALL, SMALL))
    assert flip.item.partition(".")[0] == other.item.partition(".")[0] == key("SELECT 1 FROM orders")
    assert flip.item != other.item
