"""The threshold of the slow statement log as everybody, and as single roles, get it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites._role_settings import role_settings
from pytest_backend_audit.suites.query_performance.query_logging import (
    test_slow_statements_are_logged as check,
)
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
NAME = "log_min_duration_statement"
ONLY_APP = "REVOKE CONNECT ON DATABASE {db} FROM PUBLIC; GRANT CONNECT ON DATABASE {db} TO app, looker"


@contextlib.contextmanager
def altered(database, *statements: str) -> Iterator[psycopg.Connection]:
    """A new session of the looking role after these statements; what they did to roles is undone."""
    database.admin.execute("CREATE ROLE app LOGIN; CREATE ROLE grouped NOLOGIN")
    try:
        for statement in statements:
            database.admin.execute(statement)
        with psycopg.connect(
            database.looker.info.dsn, password="look-but-do-not-touch", autocommit=True,
            row_factory=psycopg.rows.namedtuple_row,
        ) as fresh:  # fmt: skip
            yield fresh
    finally:
        database.admin.execute("DROP OWNED BY app, grouped; DROP ROLE app, grouped")
        database.admin.execute(f"ALTER ROLE looker RESET ALL; ALTER ROLE ALL RESET {NAME}")


@pytest.mark.parametrize(
    ("statements", "said", "mended"),
    [
        ((), "-1 for everybody", "ALTER SYSTEM SET {name} = '1000ms'; SELECT pg_reload_conf();"),
        (
            ("ALTER DATABASE {db} SET {name} = '1h'",), "1h for everybody",
            "ALTER SYSTEM SET {name} = '1000ms'; SELECT pg_reload_conf(); ALTER DATABASE {db} RESET {name};",
        ),
        (
            ("ALTER DATABASE {db} SET {name} = '250ms'", "ALTER ROLE app SET {name} = -1"), "-1 for role app",
            "ALTER ROLE app RESET {name};",
        ),
        (
            ("ALTER DATABASE {db} SET {name} = 0", "ALTER ROLE app SET {name} = 100",
             "ALTER ROLE app IN DATABASE {db} SET {name} = '2min'"),
            "2min for role app", "ALTER ROLE app IN DATABASE {db} RESET {name};",
        ),
        (
            ("ALTER ROLE ALL SET {name} = '1h'", "ALTER ROLE looker SET {name} = 100"), "1h for everybody",
            "ALTER SYSTEM SET {name} = '1000ms'; SELECT pg_reload_conf(); ALTER ROLE ALL RESET {name};",
        ),
    ],
)  # fmt: skip
def test_useless_thresholds_fail(database, audit_yaml, statements, said: str, mended: str) -> None:
    """Wherever they were set; the most specific one is what a role gets, and what the message takes back."""
    with altered(database, *(s.format(db=database.name, name=NAME) for s in statements)) as session:
        ran = run_check(check, audit_postgres=session, audit_settings=audit_yaml().settings)
    assert (ran.status, ran.reason) == (
        Status.FAILED,
        f"log_min_duration_statement is {said}; it should be 0 or more (-1 logs nothing) and at most 1 s (standard): "
        + mended.format(db=database.name, name=NAME),
    )


@pytest.mark.parametrize(
    "statements",
    [
        ("ALTER DATABASE {db} SET {name} = 0",),
        ("ALTER DATABASE {db} SET {name} = '1s'", "ALTER ROLE app SET {name} = '250ms'"),
        ("ALTER DATABASE {db} SET {name} = '1s'", "ALTER ROLE grouped SET {name} = -1"),
        ("ALTER DATABASE {db} SET {name} = '1s'", "ALTER ROLE app IN DATABASE postgres SET {name} = -1"),
        ("ALTER DATABASE {db} SET {name} = '1s'", "ALTER ROLE app SET {name} = -1",
         "ALTER ROLE app IN DATABASE {db} SET {name} = '1s'"),
        ("ALTER ROLE ALL SET {name} = '1s'",),
        # Who looks after the server may be exempt, and everybody's value does not matter where nobody gets it.
        ("ALTER DATABASE {db} SET {name} = '1s'", "ALTER ROLE looker SET {name} = -1"),
        ("ALTER ROLE app SET {name} = '250ms'", "ALTER DATABASE {db} SET {name} = -1", ONLY_APP),
        ("ALTER ROLE app SET {name} = '250ms'", "ALTER DATABASE {db} SET log_min_messages = 'error'", ONLY_APP),
    ],
)  # fmt: skip
def test_useful_thresholds_pass(database, audit_yaml, statements) -> None:
    """Roles that can't log in, and settings of other databases, change nothing."""
    with altered(database, *(s.format(db=database.name, name=NAME) for s in statements)) as session:
        ran = run_check(check, audit_postgres=session, audit_settings=audit_yaml().settings)
        shown = role_settings(session, NAME)
    assert (ran.status, ran.reason) == (Status.PASSED, ""), shown


def test_the_limit_is_the_audits(database, audit_yaml) -> None:
    """A stricter one in audit.yaml, and the message says where it stands."""
    with altered(database, f"ALTER DATABASE {database.name} SET {NAME} = '1s'") as session:
        settings = audit_yaml("thresholds: {slow-query-threshold: 0.5}\n").settings
        ran = run_check(check, audit_postgres=session, audit_settings=settings)
    assert (
        "is 1s for everybody; it should be 0 or more (-1 logs nothing) and at most 0.5 s (audit.yaml:3): " in ran.reason
    )
    assert "SET log_min_duration_statement = '500ms';" in ran.reason


def test_the_audits_own_setting_hides_what_everybody_gets(database, audit_yaml) -> None:
    """It is not taken for the server's; where the database has a value, that is everybody's all the same."""
    with altered(database, f"ALTER ROLE looker SET {NAME} = '100ms'") as session:
        ran = run_check(check, audit_postgres=session, audit_settings=audit_yaml().settings)
        assert (ran.status, ran.reason) == (
            Status.COULD_NOT_RUN,
            f"the audit's role looker has a {NAME} of its own, which hides what everybody gets: ALTER ROLE looker "
            f"RESET {NAME}; (or IN DATABASE, where it was set so)",
        )
        database.admin.execute(f"ALTER DATABASE {database.name} SET {NAME} = '1s'")
        ran = run_check(check, audit_postgres=session, audit_settings=audit_yaml().settings)
        assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_a_log_that_drops_slow_statements_fails(database, audit_yaml) -> None:
    """At fatal and panic the server logs no statement, however slow."""
    useful = f"ALTER DATABASE {database.name} SET {NAME} = '1s'"
    with altered(database, useful, "ALTER ROLE app SET log_min_messages = 'FATAL'") as session:
        ran = run_check(check, audit_postgres=session, audit_settings=audit_yaml().settings)
    assert (ran.status, ran.reason) == (
        Status.FAILED,
        f"log_min_messages is FATAL for role app, which drops what {NAME} logs; it should be warning: ALTER ROLE app "
        "RESET log_min_messages;",
    )
