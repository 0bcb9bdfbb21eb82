"""Captures the plans in tests/unit/analysis/data/plans: ``python capture_plans.py DSN_15 DSN_18``, as superuser."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import psycopg

from pytest_backend_audit.analysis.statements import as_read, parameters

FOLDER = Path(__file__).parents[2] / "unit" / "analysis" / "data" / "plans"
SCHEMA = """
CREATE TABLE orders (id bigint PRIMARY KEY, tenant text, customer_id int, reference text, status text, total int,
                     created timestamptz, note text);
INSERT INTO orders SELECT n, CASE n % 2 WHEN 0 THEN 'acme' ELSE 'globex' END, n % 2000, 'r' || n, 's' || n % 4,
    n % 1000, timestamptz '2026-01-01' - n * interval '1 minute', md5(n::text) FROM generate_series(1, 100000) n;
CREATE INDEX orders_customer ON orders (customer_id);
CREATE INDEX orders_reference ON orders (reference);
CREATE INDEX orders_created_total ON orders (created, total);
CREATE INDEX orders_status_id ON orders (status, id);
CREATE TABLE items (order_id bigint, line int, sku text, price int, PRIMARY KEY (order_id, line));
INSERT INTO items SELECT n, l, 'SKU' || n % 500, n % 700 FROM generate_series(1, 100000) n, generate_series(1, 2) l;
CREATE SCHEMA "Odd one";
CREATE TABLE "Odd one"."T t" ("P p" int, at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE "Odd one"."T 25" PARTITION OF "Odd one"."T t" FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE "Odd one"."T 26" PARTITION OF "Odd one"."T t" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO "Odd one"."T t" SELECT n, timestamptz '2026-12-30' - n * interval '15 minutes'
    FROM generate_series(1, 60000) n;
CREATE TABLE "Odd one"."Parts" (n int, at date) PARTITION BY RANGE (at);
CREATE TABLE "Odd one"."Parts 26" PARTITION OF "Odd one"."Parts" FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE "Odd one"."Parts 27" PARTITION OF "Odd one"."Parts" FOR VALUES FROM ('2027-01-01') TO ('2028-01-01');
CREATE INDEX ON "Odd one"."Parts" (n);
INSERT INTO "Odd one"."Parts" SELECT n, date '2026-01-01' FROM generate_series(1, 30000) n;
CREATE TABLE small AS SELECT n AS id FROM generate_series(1, 50) n;
"""
CASES = {
    "primary-key": "SELECT * FROM orders WHERE id = $1 AND tenant = $2",
    "seq-scan-filter": "SELECT * FROM orders WHERE note = $1",
    "few-values": "SELECT sum(total) FROM orders WHERE tenant = $1",
    "sort-without-index": "SELECT * FROM orders WHERE tenant = $1 ORDER BY note DESC LIMIT $2",
    "sort-by-expression": "SELECT * FROM orders ORDER BY lower(note), id DESC LIMIT $1",
    "limit-by-index": "SELECT * FROM orders WHERE tenant = $1 ORDER BY id DESC LIMIT $2",
    "limit-exhausted": "SELECT * FROM orders WHERE note = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
    "column-order": "SELECT created FROM orders WHERE total = $1",
    "disjunction": "SELECT count(*) FROM orders WHERE tenant = $1 AND (note = $2 OR total = $3)",
    "bitmap-or": "SELECT * FROM orders WHERE customer_id = $1 OR reference = $2",
    "same-column-or": "SELECT * FROM orders WHERE reference = $1 OR reference = $2",
    "nested-loop": "SELECT * FROM small s JOIN items i ON i.price BETWEEN s.id - 1 AND s.id + 1",
    "nested-loop-by-index": "SELECT * FROM orders o JOIN items i ON i.order_id = o.id WHERE o.customer_id = $1",
    "hash-join": "SELECT count(*) FROM orders o JOIN items i ON i.order_id = o.id",
    "partitioned": 'SELECT * FROM "Odd one"."T t" WHERE "P p" = $1',
    "index-only": "SELECT count(*) FROM orders WHERE customer_id = $1",
    "rare-value": "SELECT * FROM orders WHERE status = $1 ORDER BY note DESC LIMIT $2",
    "empty-partition": 'SELECT count(*) FROM "Odd one"."Parts" WHERE n = $1',
    "small-table": "SELECT * FROM small WHERE id = $1",
    "report": "SELECT status, count(*) FROM orders GROUP BY status ORDER BY status",
    "update": "UPDATE orders SET status = $1 WHERE note = $2",
    "expression": "SELECT * FROM orders WHERE lower(reference) = $1",
}


def capture(dsn: str) -> dict[str, object]:
    """Plans of all cases on one server."""
    found: dict[str, object] = {}
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS captured")
        connection.execute("CREATE DATABASE captured")
    with psycopg.connect(dsn, dbname="captured", autocommit=True, prepare_threshold=None) as connection:
        for statement in filter(str.strip, SCHEMA.split(";")):
            connection.execute(statement.encode())
        connection.execute("VACUUM ANALYZE")
        connection.execute("SET plan_cache_mode = force_generic_plan")
        for name, statement in CASES.items():
            asked = as_read(statement) or ""
            if connection.info.server_version >= 160000:
                explain = f"EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) {asked}"
            else:
                connection.execute(f"PREPARE asked AS {asked}".encode())
                values = f"({', '.join(['NULL'] * parameters(asked))})" if parameters(asked) else ""
                explain = f"EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE asked{values}"
            row = connection.execute(explain.encode()).fetchone()
            assert row is not None
            found[name] = row[0]
            connection.execute("DEALLOCATE ALL")
    return found


if __name__ == "__main__":
    plans = {version: capture(dsn) for version, dsn in zip(("15", "18"), sys.argv[1:], strict=True)}
    for name, statement in CASES.items():
        text = json.dumps({"statement": statement, **{v: plans[v][name] for v in plans}}, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n")
