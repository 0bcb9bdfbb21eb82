"""What is dangerous in real plans of PostgreSQL 15 and 18."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_backend_audit.analysis.hazards import Bounds, Index, Table, hazards
from pytest_backend_audit.analysis.plans import alternatives, columns, compared, conjuncts, quoted, read

PLANS = Path(__file__).parent / "data" / "plans"
ORDERS = Table(
    "public.orders",
    100_000,
    {
        "id": 100_000,
        "tenant": 2,
        "customer_id": 2000,
        "reference": 100_000,
        "status": 4,
        "total": 1000,
        "note": 100_000,
    },
    {
        "orders_pkey": Index(("id",), 276),
        "orders_customer": Index(("customer_id",), 90),
        "orders_reference": Index(("reference",), 400),
        "orders_created_total": Index(("created", "total"), 400),
        "orders_status_id": Index(("status", "id"), 500),
    },
)
ITEMS = Table("public.items", 200_000, {"order_id": 100_000}, {"items_pkey": Index(("order_id", "line"), 770)})
ODD = Table('"Odd one"."T t"', 60_000, partitioned=True)
TABLES = {
    "public.orders": ORDERS,
    "public.items": ITEMS,
    "public.small": Table("public.small", 50),
    '"Odd one"."T 25"': ODD,
    '"Odd one"."T 26"': ODD,
    '"Odd one"."Parts 26"': Table('"Odd one"."Parts"', 30_000, own=30_000),
    '"Odd one"."Parts 27"': Table('"Odd one"."Parts"', 30_000, own=0),
}
UNION = "ask for each by itself (UNION ALL), or send only the conditions that were chosen; index each column"
DANGEROUS = {
    "seq-scan-filter": (
        "public.orders.note",
        "public.orders: 100000 of its 100000 rows are tried for a condition on note: "
        "CREATE INDEX CONCURRENTLY ON public.orders (note);",
    ),
    "update": (
        "public.orders.note",
        "public.orders: 100000 of its 100000 rows are tried for a condition on note: "
        "CREATE INDEX CONCURRENTLY ON public.orders (note);",
    ),
    "expression": (
        "public.orders.reference",
        "public.orders: 100000 of its 100000 rows are tried for a condition on reference: "
        "index the expression, or rewrite the condition",
    ),
    "few-values": (
        "public.orders.tenant",
        "public.orders: a large part is read for a condition on tenant, and of different values tenant has 2: "
        "no index helps; ask for less, or keep the result",
    ),
    "limit-exhausted": (
        "public.orders.note",
        "public.orders: 33333 of its 100000 rows are tried for a condition on note: "
        "CREATE INDEX CONCURRENTLY ON public.orders (note, id);",
    ),
    "column-order": (
        "public.orders.total",
        "public.orders: all of orders_created_total is read for total, since it begins with created: "
        "CREATE INDEX CONCURRENTLY ON public.orders (total);",
    ),
    "disjunction": (
        "public.orders.note+total",
        f"public.orders: conditions on note or total are joined by an OR that no index serves: {UNION}",
    ),
    "nested-loop": (
        "public.items.price",
        "public.items: each of its 200000 rows is tried with each of 50 rows by a nested loop: "
        "CREATE INDEX CONCURRENTLY ON public.items (price);",
    ),
    "partitioned": (
        '"Odd one"."T t"."P p"',
        '"Odd one"."T t": 60000 of its 60000 rows are tried for a condition on "P p": '
        'CREATE INDEX ON "Odd one"."T t" ("P p"); (it stops writes; one ON ONLY it, one CONCURRENTLY on each '
        "partition, and ALTER INDEX ... ATTACH PARTITION do not)",
    ),
}  # fmt: skip
SORT = "rows are sorted by note DESC: CREATE INDEX CONCURRENTLY ON public.orders (tenant, note DESC);"
HARMLESS = (
    {path.stem for path in PLANS.glob("*.json")}
    - DANGEROUS.keys()
    - {"sort-without-index", "sort-by-expression", "rare-value"}
)


def found(case: str, version: str, large: float = 10_000, few: float = 2, returned: float | None = 5):
    """Hazards in a captured plan."""
    plan = read(json.loads((PLANS / f"{case}.json").read_text())[version])
    return hazards(plan, TABLES, Bounds(large, few, returned))


@pytest.mark.parametrize("version", ["15", "18"])
@pytest.mark.parametrize("case", sorted(DANGEROUS))
def test_dangerous(case: str, version: str) -> None:
    """Named with table, columns, numbers and the way out; once for all partitions."""
    assert [(h.item, str(h)) for h in found(case, version)] == [DANGEROUS[case]]


@pytest.mark.parametrize("version", ["15", "18"])
@pytest.mark.parametrize("case", sorted(HARMLESS))
def test_harmless(case: str, version: str) -> None:
    """Indexes serve it, or nothing could, or the table is small."""
    assert found(case, version) == []


def test_a_sort_tells_the_rows_of_all_workers_and_stands_for_the_filter_below_it() -> None:
    """One index serves both; version 15 planned for fewer rows in each worker than altogether."""
    assert [str(h) for h in found("sort-without-index", "18")] == [f"public.orders: 50000 {SORT}"]
    assert [str(h).partition(SORT)[1:] for h in found("sort-without-index", "15")] == [(SORT, "")]


def test_a_sort_by_an_expression_has_no_index_to_copy() -> None:
    """It is named by the columns in it."""
    [hazard] = found("sort-by-expression", "18")
    assert (hazard.item, str(hazard)) == (
        "public.orders.note+id",
        "public.orders: 100000 rows are sorted by (lower(orders.note)), id DESC: "
        "index the expression, or rewrite the condition",
    )


def test_partitions_that_are_scanned_count_together() -> None:
    """Each may be small by itself."""
    plan = read(json.loads((PLANS / "partitioned.json").read_text())["18"])
    parts = {
        name: Table(ODD.name, ODD.rows, own=own) for name, own in zip(list(TABLES)[3:5], (9_000, 8_000), strict=True)
    }
    [hazard] = hazards(plan, parts, Bounds(10_000))
    assert "17000 of its 60000 rows are tried" in str(hazard)
    assert hazards(plan, parts, Bounds(20_000)) == []


@pytest.mark.parametrize("version", ["15", "18"])
@pytest.mark.parametrize(
    ("indexes", "blocks", "dangerous"),
    [
        (ORDERS.indexes, 40, False),  # the values that are asked for are rare ones, and an index has them
        (ORDERS.indexes, 1_500, True),  # they aren't
        ({"newest": Index(("note",), 90, ("note", "status"))}, 40, False),  # a partial index, for one value
        ({"newest": Index(("note",), 90, ("note", "tenant"))}, 40, True),  # it knows nothing of the condition
        ({}, 40, True),  # no index could: the counters may tell of one that is gone
        (ORDERS.indexes, None, True),  # nobody counted
    ],
)
def test_calls_that_read_little_do_not_follow_a_generic_plan_that_reads_all(
    version, indexes, blocks, dangerous
) -> None:
    """A Django project's newest published articles came from a partial index, which no generic plan can take."""
    plan = read(json.loads((PLANS / "rare-value.json").read_text())[version])
    orders = Table(ORDERS.name, ORDERS.rows, ORDERS.distinct, indexes, blocks=1_600)
    found = hazards(plan, {"public.orders": orders}, Bounds(10_000, 2, 5, blocks))
    assert [h.item for h in found] == (["public.orders.note"] if dangerous else [])


def test_what_a_limit_came_to_decides() -> None:
    """A generic plan takes a tenth of all rows for granted; the statement's own average is known better."""
    assert found("limit-exhausted", "18", returned=None) != []
    assert found("limit-by-index", "18", returned=3_000) == []
    assert [h.kind for h in found("limit-by-index", "18", returned=30_000)] == ["few values"]


def test_the_bounds_are_the_audits() -> None:
    """A table of as many rows is not large yet; a column of as many values has few."""
    assert found("seq-scan-filter", "18", large=100_000) == []
    assert [h.kind for h in found("few-values", "18", few=1)] == ["filter"]


def test_a_near_index_is_told() -> None:
    """Its column stands behind one that the condition doesn't have."""
    [hazard] = hazards(
        read(json.loads((PLANS / "seq-scan-filter.json").read_text())["18"]),
        {"public.orders": Table("public.orders", 10**6, {}, {"orders_Near": Index(("id", "note"), 400)})},
        Bounds(10_000),
    )
    assert '("orders_Near" has note, but begins with id)' in str(hazard)


def test_conditions_are_read_as_the_server_writes_them() -> None:
    """Quoted names, casts, literals with parentheses, nested ANDs and ORs."""
    condition = "((t.\"P p\" = $1) AND (((t.a)::text = 'x) OR (y'::text) OR (lower(t.b) < $2)) AND (t.at >= $3))"
    assert columns(condition, "t") == ['"P p"', "a", "b", "at"]
    assert conjuncts(condition) == [
        't."P p" = $1',
        "((t.a)::text = 'x) OR (y'::text) OR (lower(t.b) < $2)",
        "t.at >= $3",
    ]
    assert alternatives(condition) == [["((t.a)::text = 'x) OR (y'::text)", "(lower(t.b) < $2)"]]
    assert compared(condition, "t") == (['"P p"'], ["at"])
    assert compared("((t.a)::text = ANY ($1))", "t") == (["a"], [])
    assert compared("(t.a IS NOT NULL)", "t") == ([], ["a"])
    assert compared("(other.t = t.b)", "t") == (["b"], [])
    assert compared("(((t.a)::text = $1) AND ((t.b)::text = $2))", "t", {"a"}) == (["a"], [])
    assert compared("(((t.at)::date = $1) AND (t.a <> $2) AND (t.b > $3))", "t") == ([], ["b"])
    assert [quoted(n) for n in ("a_1", "A", 'say "x"')] == ["a_1", '"A"', '"say ""x"""']
