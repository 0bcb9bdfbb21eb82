"""What idles in a transaction, and what the server does about it, on real servers."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from types import SimpleNamespace

import httpx
import psycopg
import pytest
from psycopg.rows import namedtuple_row
from unit.suites.stranger import Service

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.connections import leak_detection
from pytest_backend_audit.suites.connections.leak_detection import (
    test_a_failing_request_leaves_no_transaction_open as leaks,
)
from pytest_backend_audit.suites.connections.leak_detection import (
    test_the_server_ends_what_idles_in_a_transaction as guard,
)
from pytest_backend_audit.targets.budget import QueryBudget
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
NAME = "idle_in_transaction_session_timeout"


@contextlib.contextmanager
def altered(database, *statements: str) -> Iterator[psycopg.Connection]:
    """A new session of the looking role, with a guard of its own, after these statements."""
    database.admin.execute("CREATE ROLE app LOGIN")
    try:
        for statement in statements:
            database.admin.execute(statement.format(name=NAME, db=database.name))
        with psycopg.connect(
            database.looker.info.dsn, password="look-but-do-not-touch", autocommit=True, row_factory=namedtuple_row
        ) as fresh:
            fresh.execute(f"SET {NAME} = '7s'")
            yield fresh
    finally:
        database.admin.execute("DROP OWNED BY app; DROP ROLE app")


@pytest.mark.parametrize(
    ("statements", "said", "mended"),
    [
        ((), "0 for everybody", "ALTER SYSTEM SET {name} = '60000ms'; SELECT pg_reload_conf();"),
        (
            ("ALTER DATABASE {db} SET {name} = '1h'",), "1h for everybody",
            "ALTER SYSTEM SET {name} = '60000ms'; SELECT pg_reload_conf(); ALTER DATABASE {db} RESET {name};",
        ),
        (
            ("ALTER DATABASE {db} SET {name} = '20s'", "ALTER ROLE app SET {name} = 0"), "0 for role app",
            "ALTER ROLE app RESET {name};",
        ),
    ],
)  # fmt: skip
def test_a_guard_that_ends_nothing_in_time_fails(database, audit_yaml, statements, said: str, mended: str) -> None:
    """Wherever it was set; the audit's own guard is not looked at."""
    with altered(database, *statements) as looker:
        ran = run_check(guard, audit_postgres=looker, audit_settings=audit_yaml().settings)
    assert ran.status is Status.FAILED
    assert ran.reason == (
        f"{NAME} is {said}; it should be more than 0 (which ends nothing) and at most 60 s (standard): "
        + mended.format(name=NAME, db=database.name)
    )


def test_a_guard_that_ends_them_passes(database, audit_yaml) -> None:
    """Of a database, or of a role that asks for less."""
    with altered(database, "ALTER DATABASE {db} SET {name} = '20s'", "ALTER ROLE app SET {name} = '5s'") as looker:
        ran = run_check(guard, audit_postgres=looker, audit_settings=audit_yaml().settings)
    assert (ran.status, ran.reason) == (Status.PASSED, "")


@pytest.fixture
def judge(database, audit_yaml, monkeypatch):
    """The check of leaks, of a service whose failing requests do something to the database."""
    monkeypatch.setattr(leak_detection, "PATIENCE", 0.2)
    monkeypatch.setattr(leak_detection, "PAUSE", 0.1)
    database.admin.execute("CREATE EXTENSION pg_stat_statements")

    def run(answer, more: str = ""):
        around = audit_yaml(f"targets:\n  http: {{base_url: 'http://service', error_path: /boom}}\n{more}")
        service = Service(answer)
        return run_check(
            leaks, audit_postgres=database.looker, audit_http=service.client(), audit_identity=service.identity,
            audit_declared=around.declared, audit_settings=around.settings, audit_acknowledged=around.acknowledged,
            audit_query_budget=QueryBudget(around.runtime, lambda: database.looker),
        )  # fmt: skip

    return run


@pytest.fixture
def sound(superuser, database) -> Iterator:
    """Answers with 500, and has asked the database."""
    with psycopg.connect(superuser % database.name, application_name="web", autocommit=True) as connection:

        def answer(_: httpx.Request) -> httpx.Response:
            connection.execute("SELECT count(*) FROM pg_catalog.pg_namespace")
            return httpx.Response(500)

        yield answer


@contextlib.contextmanager
def leaking(superuser: str, database) -> Iterator:
    """Answers with 500, and leaves a transaction open each time."""
    with contextlib.ExitStack() as opened:

        def answer(_: httpx.Request) -> httpx.Response:
            connection = opened.enter_context(psycopg.connect(superuser % database.name, application_name="web"))
            connection.execute("SELECT 1")
            return httpx.Response(500)

        yield answer


def test_transactions_that_failing_requests_leave_are_named(superuser, database, judge) -> None:
    """Each with its process, so that one can look; acknowledged by role and application."""
    with leaking(superuser, database) as answer:
        ran = judge(answer)
        assert ran.status is Status.FAILED
        first, *named, last = ran.reason.splitlines()
        assert first == (
            "5 sessions are idle in a transaction, after 5 requests to /boom that failed (500 to 500) or for more than "
            "60 s (standard)"
        )
        assert len(named) == 5
        assert all(line.startswith("  - postgres@web, pid ") for line in named)
        assert all(line.endswith(": left open by a request that failed") for line in named)
        assert last == "  to acknowledge: leak-detection:postgres@web"
        known = (
            "acknowledged: [{item: 'leak-detection:postgres@web', reason: a, who: A, ticket: T, expires: 2026-02-01}]"
        )
        assert judge(answer, known).status is Status.PASSED


@pytest.mark.parametrize("does", ["commits", "asks"])
def test_a_transaction_that_a_worker_is_about_to_end_is_no_leak(
    superuser, database, judge, *, monkeypatch, sound, does: str
) -> None:
    """It began meanwhile and does a job for as long as two looks take, or asks for something again and again."""
    looks = []
    with psycopg.connect(superuser % database.name, application_name="worker") as worker:

        def answer(request: httpx.Request) -> httpx.Response:
            worker.execute("SELECT 1")
            return sound(request)

        def look(_: float) -> None:
            looks.append(len(looks))
            if does == "asks":
                worker.execute("SELECT 1")
            elif len(looks) == 2:
                worker.commit()

        clock = SimpleNamespace(monotonic=lambda: 0.04 * len(looks), sleep=look)
        monkeypatch.setattr(leak_detection, "time", clock)
        ran = judge(answer)
    assert (ran.status, ran.reason, looks) == (Status.PASSED, "", [0, 1] if does == "commits" else [0])


def test_what_idles_for_too_long_is_named_whoever_did_it(superuser, database, judge, sound) -> None:
    """By the audit's limit; what is younger than that, and older than the requests, is nobody's fault."""
    with psycopg.connect(superuser % database.name, application_name="batch") as connection:
        connection.execute("SELECT 1")
        assert judge(sound).status is Status.PASSED
        ran = judge(sound, "thresholds: {idle-in-transaction-limit: 0.001}\n")
        assert ran.status is Status.FAILED
        assert "  - postgres@batch, pid " in ran.reason
        assert re.search(r": idle for \d+ s\n", ran.reason)


def test_a_path_that_does_not_fail_shows_nothing(judge) -> None:
    """With the place in audit.yaml."""
    ran = judge(lambda _: httpx.Response(200))
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "GET /boom answered 200: no failure to look behind; name a path that fails after it has used the database "
        "(audit.yaml:4)",
    )


def test_a_path_that_fails_before_it_uses_the_database_shows_nothing(judge) -> None:
    """As one that is refused for its parameters."""
    ran = judge(lambda _: httpx.Response(422))
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "5 failing requests to /boom sent the database no statement each, so none could leave a transaction open: name "
        "a path that fails after it has used the database (audit.yaml:4)",
    )


def test_a_server_that_counts_no_statements_can_show_a_leak_but_not_that_there_is_none(
    superuser, database, judge, sound
) -> None:
    """What is left open is seen without them."""
    database.admin.execute("DROP EXTENSION pg_stat_statements")
    ran = judge(sound)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith(
        "nothing is left open, and whether /boom uses the database before it fails can't be told: "
    )
    assert "pg_stat_statements" in ran.reason
    with leaking(superuser, database) as answer:
        assert judge(answer).status is Status.FAILED
