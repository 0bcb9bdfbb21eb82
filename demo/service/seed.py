"""Data to start with: two tenants, their customers, and a few years of orders, the same every time."""

from __future__ import annotations

from importlib import resources

import psycopg

TENANTS = ("acme", "globex")
CUSTOMERS = 2_000
ORDERS = 200_000
ARTICLES = 500

# Made by the server itself: sending them would take twice as long.
_FILL = f"""
INSERT INTO customers (id, tenant, name, email)
SELECT c, tenant, 'Customer ' || c, 'customer' || c || '@' || tenant || '.example'
FROM generate_series(1, {CUSTOMERS}) AS c, LATERAL (SELECT {{tenant_of_c}} AS tenant) AS whose;

CREATE TEMPORARY TABLE lines AS
SELECT o AS order_id, l + 1 AS line, article, 1 + (o + l) % 4 AS quantity, 500 + article * 10 AS unit_price_cents
FROM generate_series(1, {ORDERS}) AS o, generate_series(0, o % 3) AS l,
    LATERAL (SELECT (o * 7 + l * 13) % {ARTICLES} AS article) AS what;

INSERT INTO orders (id, tenant, customer_id, reference, status, total_cents, created_at)
SELECT o, {{tenant_of_c}}, c, 'seed-' || o,
    (ARRAY['shipped', 'shipped', 'shipped', 'paid', 'open', 'cancelled'])[1 + o % 6],
    total, timestamptz '2026-01-01 00:00+00' - ({ORDERS} - o) * interval '10 minutes'
FROM (SELECT order_id AS o, 1 + (order_id * 31) % {CUSTOMERS} AS c, sum(quantity * unit_price_cents) AS total
      FROM lines GROUP BY order_id) AS made
ORDER BY o;

INSERT INTO order_items (order_id, line, sku, quantity, unit_price_cents)
SELECT order_id, line, 'SKU-' || lpad(article::text, 4, '0'), quantity, unit_price_cents
FROM lines ORDER BY order_id, line;

DROP TABLE lines;
SELECT setval('customers_id_seq', {CUSTOMERS}), setval('orders_id_seq', {ORDERS});
""".format(tenant_of_c=f"(ARRAY['{TENANTS[0]}', '{TENANTS[1]}'])[1 + c % 2]")  # noqa: S608 - constants


def create_schema(connection: psycopg.Connection[object]) -> None:
    """Make the tables, empty."""
    connection.execute((resources.files(__package__) / "schema.sql").read_bytes())


def fill(connection: psycopg.Connection[object]) -> None:
    """Make the data and bring the statistics up to date."""
    for statement in filter(str.strip, _FILL.split(";")):
        connection.execute(statement.encode())
    # Else the server would count the rows only after they were analysed, as changes since.
    connection.execute("SELECT pg_stat_force_next_flush()")
    for table in ("customers", "orders", "order_items", "outbox", "hot_entries", "idempotency_keys"):
        connection.execute(f"VACUUM (ANALYZE) {table}".encode())
