"""What the audit itself reads is not taken for traffic of the service, with and without workers beside."""

from __future__ import annotations

import psycopg
import pytest
from live.conftest import PASSWORD, Server
from plugin.conftest import Project

pytestmark = pytest.mark.live

OTHERS = (
    *("bounded-results", "cache-hit-ratio", "compiled-queries", "disjunctions", "foreign-key-indexes"),
    *("index-hygiene", "lock-waits", "n-plus-one", "partitioning-path", "plan-alerts", "plan-capture"),
    *("plan-regressions", "plan-review", "prepared-statements", "query-budget-tests", "query-logging"),
    *("route-budgets", "sort-filter-indexes", "statement-tracing", "table-health"),
)
CONFIG = """\
version: 1
service: orders
environment: local
suites: ["4.1"]
targets:
  postgres: {dsn: "%s"}
criteria: {order-totals: no total is negative}
leave_out:
""" + "".join(f"  {name}: not looked at here\n" for name in OTHERS)
OWN = """
@audit(dimension="4.6", criterion="order-totals", level=3)
@pytest.mark.parametrize("part", range(4))
def test_no_order_has_a_negative_total(audit_postgres, part):
    # So much of it that another worker's window can't miss it all.
    bad = audit_postgres.execute(
        "SELECT count(found) FROM generate_series(1, 1000) AS n,"
        " LATERAL (SELECT id FROM orders WHERE total_cents < n - 1000) AS found"
    ).fetchone()
    assert bad.count == 0, f"{bad.count} orders with a negative total"
"""
TABLES = """
CREATE EXTENSION pg_stat_statements;
CREATE TABLE orders (id int PRIMARY KEY, total_cents int);
INSERT INTO orders SELECT n, n FROM generate_series(1, 20000) n;
CREATE ROLE own_reader LOGIN PASSWORD 'look-but-do-not-touch' IN ROLE pg_monitor;
GRANT SELECT ON orders TO own_reader;
"""
# Asked for often, and by no index: the audit runs it once, to have its plan at work in the evidence.
SERVED = "SELECT count(*) FROM orders WHERE total_cents = 7"


@pytest.fixture
def dsn(postgres_server: Server):
    """Of a database with a large table that nobody uses any more, as a role that may read it."""
    whole = postgres_server.dsn(password=PASSWORD)
    with psycopg.connect(whole, autocommit=True) as maintenance:
        maintenance.execute("CREATE DATABASE own_checks")
        try:
            with psycopg.connect(
                postgres_server.dsn(password=PASSWORD, database="own_checks"), autocommit=True
            ) as admin:
                for statement in filter(str.strip, TABLES.split(";")):
                    admin.execute(statement)
                admin.execute("VACUUM ANALYZE orders")
                for _ in range(20):
                    admin.execute(SERVED)
            yield postgres_server.dsn("own_reader", "look-but-do-not-touch", "own_checks")
        finally:
            maintenance.execute("DROP DATABASE own_checks WITH (FORCE)")
            maintenance.execute("DROP ROLE own_reader")


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
def test_no_window_sees_what_the_audit_reads(
    pytester: pytest.Pytester, postgres_server: Server, dsn: str, workers: tuple[str, ...]
) -> None:
    """Neither by a check of the project's own, nor by a bundled one that runs a statement of the service's."""
    project = Project(pytester)
    project.config(CONFIG % dsn)
    project.suite(OWN)
    project.run("--audit", *workers)
    reasons = {a.check.rpartition("::")[2]: a.reason for a in project.record().attempts}
    assert reasons["test_no_order_has_a_negative_total"] == ""
    assert reasons["test_statements_are_counted_and_were_reviewed"].startswith("nobody attests")
    assert reasons["test_large_tables_are_read_by_index"].startswith(
        "too little traffic to judge: 0 of 1000 (rows read of 1 large tables)"
    )
