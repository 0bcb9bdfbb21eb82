"""The threshold of the slow statement log as everybody, and as single roles, get it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import pytest

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance.query_logging import (
    THRESHOLDS,
)
from pytest_backend_audit.suites.query_performance.query_logging import (
    test_slow_statements_are_logged as check,
)
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live
NAME = "log_min_duration_statement"


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
    ],
)  # fmt: skip
def test_useful_thresholds_pass(database, audit_yaml, statements) -> None:
    """Roles that can't log in, and settings of other databases, change nothing."""
    with altered(database, *(s.format(db=database.name, name=NAME) for s in statements)) as session:
        ran = run_check(check, audit_postgres=session, audit_settings=audit_yaml().settings)
        shown = session.execute(THRESHOLDS).fetchall()
    assert (ran.status, ran.reason) == (Status.PASSED, ""), shown


def test_the_limit_is_the_audits(database, audit_yaml) -> None:
    """A stricter one in audit.yaml, and the message says where it stands."""
    with altered(database, f"ALTER DATABASE {database.name} SET {NAME} = '1s'") as session:
        settings = audit_yaml("thresholds: {slow-query-threshold: 0.5}\n").settings
        ran = run_check(check, audit_postgres=session, audit_settings=settings)
    assert "is 1s for everybody; it should be 0 or more (-1 logs nothing) and at most 0.5 s (audit.yaml:3): " in ran.reason
    assert "SET log_min_duration_statement = '500ms';" in ran.reason
