"""Rows a call, and stars over wide tables, of statements as pg_stat_statements keeps them. Pure."""

import pytest

from pytest_backend_audit.analysis.results import Statement, many, wide_reads

WIDE = {"public.customers": 45, '"Sales"."Orders"': 60}


def test_statements_with_too_many_rows_a_call_are_told() -> None:
    """On average over their calls; the limit itself is allowed."""
    found = [Statement("1", "SELECT id\n FROM orders", 4, 4004), Statement("2", "SELECT 1", 3, 3000)]
    assert many(found, 1000) == {"statement 1": "1001 rows a call, in 4 calls: SELECT id FROM orders"}


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("SELECT * FROM customers WHERE id = $1", "public.customers"),
        ("select * from Public.Customers", "public.customers"),
        ("SELECT c.* FROM orders o JOIN customers c ON c.id = o.customer_id", "public.customers"),
        ("SELECT o.id, c . * FROM orders AS o, customers AS c", "public.customers"),
        ("SELECT customers.* FROM customers", "public.customers"),
        ("/* SELECT * */ SELECT DISTINCT * FROM ONLY customers LIMIT $1", "public.customers"),
        ('SELECT * FROM "Sales"."Orders"', '"Sales"."Orders"'),
        ('SELECT "x" . * FROM "Orders" "x"', '"Sales"."Orders"'),
        ("SELECT count(*) FROM customers", None),
        ("SELECT id, price * $1 FROM customers", None),
        ("SELECT $1 * id FROM customers", None),
        ("SELECT o.* FROM orders o JOIN customers c ON c.id = o.customer_id", None),
        ("SELECT * FROM orders -- FROM customers", None),
        ("SELECT * FROM orders WHERE name = ', customers'", None),
        ("SELECT * FROM Orders", None),
    ],
)
def test_a_star_is_told_with_its_wide_table(text: str, table: str | None) -> None:
    """By whatever name the statement calls it."""
    told = f"* of {table}, which has {WIDE[table]} columns: {text}" if table else None
    assert wide_reads([Statement("7", text, 1, 1)], WIDE).get("statement 7") == told
