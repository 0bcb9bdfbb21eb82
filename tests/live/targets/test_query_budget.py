"""Counting statements by pg_stat_statements, on a real server."""

import psycopg
import pytest

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.budget import QueryBudget
from pytest_backend_audit.targets.common import connections, settings_of
from pytest_backend_audit.targets.postgres import open_postgres
from pytest_backend_audit.testing import runtime_for


@pytest.fixture
def audit(tmp_path, monitored):
    """An audit of the monitored server."""
    text = "version: 1\nservice: orders\nenvironment: stage\ntargets:\n  postgres: {dsn: '${DSN}'}\n"
    made = runtime_for(text, folder=tmp_path, environ={"DSN": monitored.dsn("auditor", "look-but-do-not-touch")})
    yield made
    connections(made).close()


@pytest.fixture
def service(monitored):
    """A connection of the audited service."""
    with psycopg.connect(monitored.dsn("meddler", "may-write-some-tables"), autocommit=True) as made:
        yield made


def budget(audit):
    """As the fixture makes it."""
    return QueryBudget(audit, lambda: open_postgres(audit, settings_of(audit, "postgres")))


def test_it_counts_what_others_asked(audit, service):
    """By statement; the audit's own, and those that only steer a transaction, are left out."""
    with audit.recorder.open() as buffer, budget(audit)() as counted:
        with service.transaction():
            for n in range(3):
                service.execute("SELECT email FROM customers WHERE id = %s", (n,))
        open_postgres(audit, settings_of(audit, "postgres")).execute("SELECT count(*) FROM customers")
    assert counted.by_query == {"SELECT email FROM customers WHERE id = $1": 3}
    assert counted.statements == 3
    last = buffer.evidence[-1]
    assert (last.title, last.body) == (
        "statements of the block (pg_stat_statements)",
        "3 x SELECT email FROM customers WHERE id = $1",
    )


def test_the_extension_is_found_in_any_schema(audit, service, monitored):
    """Such as one that is on nobody's search_path: it was said not to be there, and to be created."""
    with psycopg.connect(monitored.dsn(password="super-secret-0001"), autocommit=True) as admin:
        admin.execute('CREATE SCHEMA "M m"; GRANT USAGE ON SCHEMA "M m" TO auditor')
        admin.execute('ALTER EXTENSION pg_stat_statements SET SCHEMA "M m"')
        try:
            with budget(audit)() as counted:
                service.execute("SELECT email FROM customers LIMIT 1")
        finally:
            admin.execute('ALTER EXTENSION pg_stat_statements SET SCHEMA public; DROP SCHEMA "M m"')
    assert counted.by_query == {"SELECT email FROM customers LIMIT $1": 1}


def test_over_the_limit_the_check_fails_and_names_the_statements(audit, service):
    """With how often each was called."""

    def two_statements():
        with budget(audit)(limit=1, what="GET /v1/orders"):
            service.execute("SELECT id FROM customers LIMIT 2")
            service.execute("SELECT id FROM customers LIMIT 3")

    with pytest.raises(pytest.fail.Exception) as caught:
        two_statements()
    assert caught.value.msg == (
        "GET /v1/orders cost 2 statements, the budget is 1: 2 x SELECT id FROM customers LIMIT $1"
    )


def test_without_the_extension_it_could_not_run(audit, monitored):
    """It says what is missing."""
    with psycopg.connect(monitored.dsn(password="super-secret-0001"), autocommit=True) as admin:
        admin.execute("DROP EXTENSION pg_stat_statements")
        try:
            with pytest.raises(CouldNotRun, match="pg_stat_statements is not available: load it by"):
                budget(audit)().__enter__()
        finally:
            admin.execute("CREATE EXTENSION pg_stat_statements")


def test_a_service_that_has_the_audits_role_can_not_be_counted(audit, monitored):
    """Its statements would pass for the audit's."""
    with (
        psycopg.connect(monitored.dsn("auditor", "look-but-do-not-touch"), application_name="orders"),
        pytest.raises(CouldNotRun, match="1 sessions that are not the audit's have its role auditor: their statements"),
    ):
        budget(audit)().__enter__()
