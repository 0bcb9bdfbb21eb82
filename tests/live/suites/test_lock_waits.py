"""Sessions that wait on locks, on real servers, seen by a role that may only look."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import psycopg
import pytest

from pytest_backend_audit.demo.stack.process import wait_for
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.lock_waits import WAITS
from pytest_backend_audit.suites.query_performance.lock_waits import (
    test_no_session_waits_on_a_lock_for_long as check,
)
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
TABLE = 'CREATE SCHEMA "Odd one"; CREATE TABLE "Odd one"."T t" AS SELECT 7 AS id, \'pearl\' AS name'


@contextmanager
def waiting(superuser, database, held: str, wanted: str):
    """One session holds what the other wants; both are gone afterwards."""
    dsn = superuser % database.name
    with (
        psycopg.connect(dsn, application_name="nightly") as holder,
        psycopg.connect(dsn, application_name="worker", autocommit=True) as waiter,
    ):
        holder.execute(held)

        def want() -> None:
            waiter.execute(wanted)

        thread = threading.Thread(target=want)
        thread.start()
        wait_for(lambda: database.looker.execute(WAITS).fetchall(), "the session to wait")
        try:
            yield holder
        finally:
            holder.rollback()
            thread.join()


def run(database, audit_yaml, window: float, more: str = ""):
    """The check, with a window of so many seconds."""
    around = audit_yaml(f"thresholds: {{lock-window: {window}}}\n{more}")
    return run_check(
        check,
        audit_postgres=database.looker,
        audit_settings=around.settings,
        audit_acknowledged=around.acknowledged,
    )


def test_who_waits_and_who_is_in_the_way_are_named_and_no_literal_is(superuser, database, audit_yaml) -> None:
    """Not even one in the evidence."""
    database.admin.execute(TABLE)
    change = 'UPDATE "Odd one"."T t" SET name = \'ruby\' WHERE id = 7'
    with waiting(superuser, database, change, change):
        ran = run(database, audit_yaml, 0.2)
    assert ran.status is Status.FAILED
    head, wait, names = ran.reason.splitlines()
    assert head == "1 of 3 sessions waited on a lock for all of 0.2 s (audit.yaml:3):"
    assert "(worker) has waited 0." in wait
    assert "s for a transactionid lock, held by pid " in wait
    assert "(nightly, idle in transaction for " in wait
    assert wait.endswith('s): UPDATE "Odd one"."T t" SET name = ...')
    assert names == "  to acknowledge: lock-waits:transactionid:worker"


def test_a_locked_table_is_named(superuser, database, audit_yaml) -> None:
    """With its schema; it can be acknowledged."""
    database.admin.execute(TABLE)
    lock = 'LOCK TABLE "Odd one"."T t"'
    known = (
        'acknowledged: [{item: \'lock-waits:relation:"Odd one"."T t"\', reason: r, who: w, ticket: T-1,'
        " expires: 2026-03-01}]\n"
    )
    with waiting(superuser, database, lock, 'SELECT count(*) FROM "Odd one"."T t"'):
        ran = run(database, audit_yaml, 0.2)
        accepted = run(database, audit_yaml, 0.2, known)
    assert 's for a relation lock on "Odd one"."T t", held by pid ' in ran.reason
    assert ran.reason.endswith('lock-waits:relation:"Odd one"."T t"')
    assert (accepted.status, accepted.reason) == (Status.PASSED, "")


def test_a_wait_that_ends_within_the_window_passes(superuser, database, audit_yaml) -> None:
    """It is looked at until it ends."""
    database.admin.execute(TABLE)
    looks = []

    class Looker:
        def execute(self, statement: str):
            answer = database.looker.execute(statement)
            looks.append(statement)
            if len(looks) == 2:  # the sessions, and the first look
                holder.rollback()
            return answer

    lock = 'LOCK TABLE "Odd one"."T t"'
    with waiting(superuser, database, lock, 'SELECT count(*) FROM "Odd one"."T t"') as holder:
        around = audit_yaml("thresholds: {lock-window: 5}\n")
        ran = run_check(
            check,
            audit_postgres=Looker(),
            audit_settings=around.settings,
            audit_acknowledged=around.acknowledged,
        )
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert looks.count(WAITS) == 2


def test_nobody_waits(database, audit_yaml) -> None:
    """One look is enough."""
    assert run(database, audit_yaml, 5).status is Status.PASSED
