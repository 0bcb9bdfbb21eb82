"""Data to start with: two tenants, their customers, and a few years of orders, the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import resources

import psycopg

TENANTS = ("acme", "globex")
CUSTOMERS = 2_000
ORDERS = 20_000
ARTICLES = 500
_STATUSES = ("shipped", "shipped", "shipped", "paid", "open", "cancelled")
_LAST_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def create_schema(connection: psycopg.Connection[object]) -> None:
    """Make the tables, empty."""
    connection.execute((resources.files(__package__) / "schema.sql").read_bytes())


def fill(connection: psycopg.Connection[object]) -> None:
    """Copy the data in and bring the statistics up to date."""
    tables = {
        "customers (id, tenant, name, email)": _customers(),
        "orders (id, tenant, customer_id, reference, status, total_cents, created_at)": _orders(),
        "order_items (order_id, line, sku, quantity, unit_price_cents)": _items(),
    }
    with connection.cursor() as cursor:
        for table, rows in tables.items():
            with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
        cursor.execute("SELECT setval('customers_id_seq', %s), setval('orders_id_seq', %s)", (CUSTOMERS, ORDERS))
        for table in ("customers", "orders", "order_items", "idempotency_keys"):
            cursor.execute(f"VACUUM (ANALYZE) {table}".encode())


def tenant_of(customer_id: int) -> str:
    """The tenant that a seeded customer belongs to."""
    return TENANTS[customer_id % len(TENANTS)]


def _customers() -> Iterator[tuple[object, ...]]:
    for number in range(1, CUSTOMERS + 1):
        yield number, tenant_of(number), f"Customer {number}", f"customer{number}@{tenant_of(number)}.example"


def _lines(order: int) -> list[tuple[str, int, int]]:
    lines = []
    for line in range(1 + order % 3):
        article = (order * 7 + line * 13) % ARTICLES
        lines.append((f"SKU-{article:04d}", 1 + (order + line) % 4, 500 + article * 10))
    return lines


def _orders() -> Iterator[tuple[object, ...]]:
    for order in range(1, ORDERS + 1):
        customer = 1 + (order * 31) % CUSTOMERS
        total = sum(quantity * price for _, quantity, price in _lines(order))
        when = _LAST_DAY - timedelta(hours=ORDERS - order)
        yield order, tenant_of(customer), customer, f"seed-{order}", _STATUSES[order % len(_STATUSES)], total, when


def _items() -> Iterator[tuple[object, ...]]:
    for order in range(1, ORDERS + 1):
        for line, (sku, quantity, price) in enumerate(_lines(order), 1):
            yield order, line, sku, quantity, price
