"""Plans of the top statements, on real servers, as a role that may only read gets them."""

from __future__ import annotations

import psycopg
import pytest

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.disjunctions import test_no_or_leads_past_the_indexes as disjunctions
from pytest_backend_audit.suites.query_performance.sort_filter_indexes import (
    test_conditions_and_orders_are_served_by_indexes as sort_filter,
)
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
TABLES = """
CREATE EXTENSION pg_stat_statements;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id int PRIMARY KEY, tenant text, name text, note text);
INSERT INTO shop.orders SELECT n, 't' || n % 2, 'n' || n, md5(n::text) FROM generate_series(1, 20000) n;
CREATE TABLE shop.small AS SELECT 't1' AS tenant;
CREATE TABLE shop."T t" (a int, b int) PARTITION BY HASH (a);
CREATE TABLE shop.part_1 PARTITION OF shop."T t" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.part_2 PARTITION OF shop."T t" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO shop."T t" SELECT n, n FROM generate_series(1, 12000) n;
CREATE TABLE hidden (id int);
GRANT USAGE ON SCHEMA shop TO looker;
GRANT SELECT ON ALL TABLES IN SCHEMA shop TO looker;
"""


@pytest.fixture
def served(superuser, database):
    """A database, and the role `service` that has its tables on its search_path; looks at it by `run`."""
    for statement in filter(str.strip, TABLES.split(";")):
        database.admin.execute(statement)
    database.admin.execute("ANALYZE")
    name = database.name
    database.admin.execute("CREATE ROLE service LOGIN SUPERUSER PASSWORD 'fake-service-0001'")
    database.admin.execute(f"ALTER ROLE service IN DATABASE {name} SET search_path = shop, public")
    dsn = (superuser % name).partition("@")[2]
    database.admin.execute("SELECT pg_stat_statements_reset()")
    with psycopg.connect(f"postgresql://service:fake-service-0001@{dsn}", autocommit=True) as service:
        yield database, service
    database.admin.execute("DROP ROLE service")


def run(check, served, audit_yaml, more: str = ""):
    """A check of what the service sent."""
    around = audit_yaml(more)
    return run_check(
        check,
        audit_postgres=served[0].looker,
        audit_settings=around.settings,
        audit_acknowledged=around.acknowledged,
    )


def test_statements_of_all_forms_are_planned_by_the_service_s_search_path(served, audit_yaml) -> None:
    """Also those that change rows, and lock them; what reads nothing needs no plan."""
    _, service = served
    service.execute("SELECT * FROM orders WHERE id = %s FOR UPDATE", [1])
    service.execute("UPDATE orders SET name = %s WHERE id = %s", ["x", 1])
    service.execute("DELETE FROM orders WHERE id = 3 AND ('x' IS NULL OR name = 'x')")
    service.execute("INSERT INTO orders (id) VALUES (%s)", [20001])
    service.execute("SELECT id FROM orders WHERE id < 4 AND now() > date '2026-01-01' - interval '1 day'")
    service.execute("SELECT id FROM orders WHERE id < 4 AND extract(year FROM now()) > 2000")
    ran = run(sort_filter, served, audit_yaml)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert run(disjunctions, served, audit_yaml).status is Status.PASSED


def test_functions_of_several_types_are_planned_with_one_that_fits(served, audit_yaml) -> None:
    """Batches of an ingester, and keys that come as an array without a cast: both could not be planned."""
    _, service = served
    service.execute("INSERT INTO orders SELECT n, 't', 'n' FROM generate_series(30001, 30010) n")
    service.execute("SELECT * FROM orders JOIN unnest(%s) AS wanted (id) USING (id)", [[1, 2]])
    text = b"SELECT tenant FROM small JOIN unnest($1) AS wanted (tenant) USING (tenant)"
    assert service.pgconn.exec_params(text, [b"{t1}"], param_types=[1009]).ntuples == 1
    ran = run(sort_filter, served, audit_yaml)
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_hazards_are_named_with_their_statements_and_no_literal_is(served, audit_yaml) -> None:
    """Partitions by their table."""
    _, service = served
    service.execute("UPDATE orders SET name = 'x' WHERE note = 'secret'")
    service.execute('SELECT * FROM "T t" WHERE b = 77')
    service.execute("SELECT count(*) FROM orders WHERE name = 'secret' OR note = 'secret'")
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.FAILED
    assert "2 conditions or orders on large tables that no index serves" in ran.reason
    assert "CREATE INDEX CONCURRENTLY ON shop.orders (note);" in ran.reason
    assert "in UPDATE orders SET name = $1 WHERE note = $2 (1 calls of " in ran.reason
    assert 'for a condition on b: CREATE INDEX ON shop."T t" (b); (it stops writes; one ON ONLY it' in ran.reason
    assert "secret" not in ran.reason
    assert "77" not in ran.reason
    known = [
        f"{{item: 'sort-filter-indexes:{item}', reason: r, who: w, ticket: T-1, expires: 2026-03-01}}"
        for item in ("shop.orders.note", 'shop."T t".b')
    ]
    assert run(sort_filter, served, audit_yaml, f"acknowledged: [{', '.join(known)}]\n").status is Status.PASSED
    ran = run(disjunctions, served, audit_yaml)
    assert ran.status is Status.FAILED
    assert "disjunctions:shop.orders.name+note" in ran.reason


def test_an_index_that_is_there_is_not_asked_for_once_more(served, audit_yaml) -> None:
    """Much of the table is asked for: the remedy made a duplicate, and changed nothing."""
    database, service = served
    database.admin.execute("CREATE INDEX ON shop.orders (note)")
    service.execute("SELECT count(name) FROM orders WHERE note > '0'")
    ran = run(sort_filter, served, audit_yaml)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    service.execute("SELECT count(name) FROM orders WHERE note > '0' AND name > 'n'")
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.FAILED
    assert "rows are tried for a condition on note, name: " in ran.reason


def test_a_column_that_is_cast_is_not_to_be_indexed(served, audit_yaml) -> None:
    """It has its index, which the cast passes by, as a client's decimal does."""
    _, service = served
    service.execute("SELECT name FROM orders WHERE id = 7::numeric")
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.FAILED
    assert "are tried for a condition on id: index the expression, or rewrite the condition" in ran.reason


def test_what_is_not_equal_is_not_to_be_indexed(served, audit_yaml) -> None:
    """An index finds what is there, not what isn't."""
    _, service = served
    service.execute("SELECT name FROM orders WHERE note <> 'x'")
    assert "a condition on note: index the expression, or rewrite" in run(sort_filter, served, audit_yaml).reason


def test_patterns_get_an_index_that_finds_them(served, audit_yaml) -> None:
    """The remedy, as it is told, turns the check green; an index in order finds no pattern that isn't known."""
    database, service = served
    service.execute("SELECT id FROM orders WHERE name LIKE 'n77%'")
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.FAILED
    index = "CREATE INDEX CONCURRENTLY ON shop.orders USING gin (name gin_trgm_ops);"
    remedy = f"CREATE EXTENSION IF NOT EXISTS pg_trgm; {index}"
    assert f"a condition on name: {remedy}" in ran.reason
    for statement in filter(str.strip, remedy.split(";")):
        database.admin.execute(statement)
    assert run(sort_filter, served, audit_yaml).status is Status.PASSED


def test_a_table_that_nobody_analysed_is_as_large_as_it_is(served, audit_yaml) -> None:
    """After a pg_upgrade, a restore or a crash nothing counts its rows: it was a small one, and its scan passed."""
    database, service = served
    database.admin.execute(
        "CREATE TABLE shop.fresh (id int, note text) WITH (autovacuum_enabled = false);"
        "INSERT INTO shop.fresh SELECT id, note FROM shop.orders; GRANT SELECT ON shop.fresh TO looker"
    )
    database.admin.execute("SELECT pg_stat_force_next_flush()")
    database.admin.execute("SELECT pg_stat_reset_single_table_counters('shop.fresh'::regclass)")
    service.execute("SELECT id FROM fresh WHERE note = 'x'")
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.FAILED
    assert "CREATE INDEX CONCURRENTLY ON shop.fresh (note);" in ran.reason


def test_what_can_not_be_planned_is_no_success(served, audit_yaml) -> None:
    """It says what is missing; hazards in other statements come first."""
    _, service = served
    service.execute("SELECT * FROM hidden")
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith("none of 2 top statements could be planned:\n")
    service.execute("SELECT * FROM orders WHERE id = 1")
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    head, line, names = ran.reason.splitlines()
    assert head == "1 of 3 top statements could not be planned:"
    assert "permission denied for table hidden (the audit's role may not read it: GRANT SELECT on its tables)" in line
    item = names.removeprefix("to acknowledge: ")
    known = f"acknowledged: [{{item: '{item}', reason: r, who: w, ticket: T-1, expires: 2026-03-01}}]\n"
    assert run(sort_filter, served, audit_yaml, known).status is Status.PASSED
    service.execute("SELECT * FROM orders WHERE note = 'x'")
    assert run(sort_filter, served, audit_yaml).status is Status.FAILED


def test_a_table_whose_rows_are_withheld_is_no_pass(served, audit_yaml) -> None:
    """Row security without a policy for the audit's role left plans that read nothing, and a hazard unseen."""
    database, service = served
    database.admin.execute("ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY")
    database.admin.execute("CREATE POLICY own ON shop.orders TO current_user USING (tenant = 't1')")
    service.execute("SELECT id FROM orders ORDER BY note LIMIT 1")
    service.execute("SELECT tenant FROM small")
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    head, line, _ = ran.reason.splitlines()
    assert head == "1 of 3 top statements could not be planned:"
    assert "it may not read shop.orders (ALTER POLICY ... TO the service's role, looker; or, where" in line
    database.admin.execute("CREATE POLICY audit ON shop.orders FOR SELECT TO looker USING (true)")
    assert run(sort_filter, served, audit_yaml).status is Status.FAILED


FUNCTIONS = """
CREATE FUNCTION shop.found(text) RETURNS SETOF int LANGUAGE plpgsql STABLE AS
    $$ BEGIN RETURN QUERY SELECT id FROM shop.orders WHERE note = $1; END $$;
CREATE FUNCTION shop.touch(text) RETURNS void LANGUAGE sql AS $$ UPDATE shop.orders SET name = '' WHERE note = $1 $$;
CREATE FUNCTION shop.inlined(int) RETURNS SETOF int LANGUAGE sql STABLE AS
    $$ SELECT id FROM shop.orders WHERE id = $1 $$;
CREATE FUNCTION shop.shown(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN upper($1); END $$;
"""


def test_what_functions_read_is_in_no_plan(served, audit_yaml) -> None:
    """Their scans passed unseen; those that the planner takes apart, and those that read no table, are no matter."""
    database, service = served
    database.admin.execute(FUNCTIONS)
    service.execute("SELECT inlined, shown('x') FROM inlined(7)")
    ran = run(sort_filter, served, audit_yaml)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    service.execute("SELECT * FROM found('x')")
    service.execute("SELECT touch('x')")
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    head, *told, _ = ran.reason.splitlines()
    assert head == "2 of 4 top statements could not be planned:"
    assert sorted(line.partition(": ")[2] for line in told) == [
        f"what shop.{name} reads is in no plan: look at it with auto_explain.log_nested_statements: SELECT {query}($1)"
        for name, query in (("found", "* FROM found"), ("touch", "touch"))
    ]


def test_without_statements_nothing_was_seen(served, audit_yaml, database) -> None:
    """Nor without the extension; each says the way out."""
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason == "none of 1 top statements reads a table: audit while the service is used"
    database.admin.execute("DROP EXTENSION pg_stat_statements")
    ran = run(sort_filter, served, audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason == "this database lacks the extension: CREATE EXTENSION pg_stat_statements;"


def test_what_tools_ask_the_server_stands_in_for_no_statement_of_the_service(served, audit_yaml) -> None:
    """An exporter alone was a pass with nothing of the service seen; and it took the places of the service's own."""
    database, service = served
    for columns in ("count(*)", "count(oid)", "count(*), count(oid)"):
        database.admin.execute(f"SELECT {columns} FROM pg_class, generate_series(1, 300)")
    two = "thresholds: {top-statements: 2}\n"
    ran = run(sort_filter, served, audit_yaml, two)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "none of 1 top statements reads a table: audit while the service is used",
    )
    service.execute("SELECT id FROM orders WHERE note = 'x'")
    ran = run(sort_filter, served, audit_yaml, two)
    assert ran.status is Status.FAILED
    assert "in SELECT id FROM orders WHERE note = $1" in ran.reason


def test_a_service_with_the_audits_own_role_can_t_be_told_apart(served, superuser, audit_yaml) -> None:
    """Its statements would be left out as the audit's, and what is left would pass."""
    database, service = served
    service.execute("SELECT id FROM orders WHERE id = 1")
    address = (superuser % database.name).partition("@")[2]
    dsn = f"postgresql://looker:look-but-do-not-touch@{address}"
    with psycopg.connect(dsn, application_name="orders-1") as same_role:
        same_role.execute("SELECT 1")
        ran = run(sort_filter, served, audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "1 sessions that are not the audit's have its role looker: their statements can't be told from the audit's; "
        "give the audit a role of its own",
    )
    assert run(sort_filter, served, audit_yaml).status is Status.PASSED
