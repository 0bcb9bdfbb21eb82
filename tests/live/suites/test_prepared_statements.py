"""How often hot statements are planned, on real servers, as a role that may only look sees it."""

from __future__ import annotations

import psycopg
import pytest
from live.suites.conftest import BusyWindows

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.prepared_statements import (
    Pooler,
)
from pytest_backend_audit.suites.query_performance.prepared_statements import (
    test_hot_paths_are_prepared as check,
)
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
ONE, OTHER = "SELECT name FROM orders WHERE id = %s", "UPDATE orders SET name = 'x' WHERE id = %s"
COMMENTED = "SELECT name FROM orders WHERE id = %s /* request_id='{}' */"
NONE, OLD, NEW = Pooler(), Pooler((1, 18), ("shop/service",)), Pooler((1, 24), ("shop/service",), 200)


@pytest.fixture
def planning(superuser):
    """The server counts how often it plans."""
    with psycopg.connect(superuser % "postgres", autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET pg_stat_statements.track_planning = on")
        admin.execute("SELECT pg_reload_conf()")
        yield
        admin.execute("ALTER SYSTEM RESET pg_stat_statements.track_planning")
        admin.execute("SELECT pg_reload_conf()")


@pytest.fixture
def connect(superuser, database):
    """Connections of the service, which prepares from this many calls on; None for never."""
    database.admin.execute("CREATE EXTENSION pg_stat_statements")
    database.admin.execute("CREATE TABLE orders AS SELECT n AS id, 'n' || n AS name FROM generate_series(1, 50) n")
    database.admin.execute("CREATE ROLE service LOGIN SUPERUSER PASSWORD 'fake-service-0001'")
    dsn = (superuser % database.name).partition("@")[2]
    opened = []

    def open_one(threshold: int | None) -> psycopg.Connection:
        made = psycopg.connect(
            f"postgresql://service:fake-service-0001@{dsn}", autocommit=True, prepare_threshold=threshold
        )
        opened.append(made)
        return made

    yield open_one
    for one in opened:
        one.close()
    database.admin.execute("DROP OWNED BY service; DROP ROLE service")


def run(database, audit_yaml, *work, pooler: Pooler = NONE, more: str = ""):
    """The check, with this done in its window: connection, statement, how often."""

    def busy() -> None:
        for connection, statement, times in work:
            for number in range(times):
                connection.execute(statement.format(number), (7,))

    around = audit_yaml(f"thresholds: {{prepared-window-calls: 80}}\n{more}")
    return run_check(
        check,
        audit_postgres=database.looker,
        audit_window=BusyWindows(busy),
        audit_settings=around.settings,
        audit_acknowledged=around.acknowledged,
        pooler=pooler,
    )


def test_prepared_statements_are_planned_a_few_times(planning, connect, database, audit_yaml) -> None:
    """Also through a pooler that knows them; what is called hardly ever may be planned each time."""
    service, other = connect(5), connect(None)
    for pooler in (NONE, NEW):
        ran = run(database, audit_yaml, (service, ONE, 80), (service, OTHER, 40), (other, OTHER, 3), pooler=pooler)
        assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_young_connections_get_a_second_longer_window(planning, connect, database, audit_yaml) -> None:
    """After a deploy each connection plans its first calls; what comes then decides, if enough does."""
    ran = run(database, audit_yaml, (connect(300), ONE, 400))  # three of four in the first window, none in the next
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_what_reads_no_table_is_left_out(planning, connect, database, audit_yaml) -> None:
    """A pool that looks whether a connection still answers."""
    ran = run(database, audit_yaml, (connect(5), ONE, 80), (connect(None), "SELECT %s", 80))
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_statements_that_are_not_prepared_are_named(planning, connect, database, audit_yaml) -> None:
    """With how often they were planned, and the way out."""
    service, other = connect(None), connect(5)
    ran = run(database, audit_yaml, (service, ONE, 80), (other, OTHER, 40))
    assert ran.status is Status.FAILED
    first, fault, last = ran.reason.splitlines()
    assert first == (
        "1 of 2 hot statements are planned again and again: they are not prepared, or the server makes a custom plan "
        "for each call (hot: at least 0.25 (standard) of the busiest one's 80 calls in 0 s; "
        "planned: more than 0.5 (standard) of its calls):"
    )
    assert fault == "  - 80 plans for 80 calls (100 %): SELECT name FROM orders WHERE id = $1"
    assert last.startswith("  to acknowledge: prepared-statements:statement-")
    item = last.rpartition(": ")[2]
    known = f"acknowledged: [{{item: '{item}', reason: r, who: w, ticket: T-1, expires: 2026-02-01}}]"
    ran = run(database, audit_yaml, (service, ONE, 80), (other, OTHER, 40), more=known)
    assert (ran.status, ran.acknowledged) == (Status.PASSED, (item,))


def test_a_comment_of_the_request_makes_each_statement_a_new_one(planning, connect, database, audit_yaml) -> None:
    """The client prepares by the text."""
    ran = run(database, audit_yaml, (connect(5), COMMENTED, 120))
    assert ran.status is Status.FAILED
    assert "120 plans for 120 calls (100 %)" in ran.reason


def test_a_pooler_that_could_keep_them_is_told_with_its_setting(planning, connect, database, audit_yaml) -> None:
    """Where it is the pooler that keeps them from being prepared."""
    ran = run(database, audit_yaml, (connect(None), ONE, 120), pooler=Pooler((1, 21), ("shop/service",), 0))
    assert "; PgBouncer 1.21 has max_prepared_statements = 0:" in ran.reason


def test_behind_an_old_pooler_nothing_can_be_prepared(planning, connect, database, audit_yaml) -> None:
    """In transaction mode; where it keeps a connection for each client, statements are looked at."""
    ran = run(database, audit_yaml, (connect(5), ONE, 120), pooler=OLD)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "PgBouncer 1.18 (shop/service) prepares nothing in transaction mode: use 1.21 or later, with "
        "max_prepared_statements",
    )
    assert run(database, audit_yaml, (connect(5), ONE, 120), pooler=Pooler((1, 18))).status is Status.PASSED


def test_what_is_not_counted_is_no_success(connect, database, audit_yaml) -> None:
    """The message says how to have it counted."""
    ran = run(database, audit_yaml, (connect(5), ONE, 120))
    assert ran.status is Status.COULD_NOT_RUN
    assert "ALTER SYSTEM SET pg_stat_statements.track_planning = on; SELECT pg_reload_conf();" in ran.reason


def test_too_little_traffic_is_no_success(planning, connect, database, audit_yaml) -> None:
    """Ten calls tell nothing."""
    ran = run(database, audit_yaml, (connect(5), ONE, 10))
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith("too little traffic to judge: 10 of 80 (calls of the busiest statement)")
