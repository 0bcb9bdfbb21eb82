"""PostgreSQL, on a real server: what is recorded, and what the connection can't do."""

import psycopg
import pytest
from live.conftest import PASSWORD

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Check, Need
from pytest_backend_audit.targets import postgres
from pytest_backend_audit.targets.common import connections, settings_of
from pytest_backend_audit.testing import runtime_for

AUDITOR = ("auditor", "look-but-do-not-touch")


def audit_of(tmp_path, server, user=AUDITOR, kind="stage", **more):
    """An audit of this server."""
    text = f"version: 1\nservice: orders\nenvironment: {kind}\ntargets:\n  postgres: {{dsn: '${{DSN}}'}}\n"
    return runtime_for(text, folder=tmp_path, environ={"DSN": server.dsn(*user)}, **more)


def open_postgres(audit):
    """The kept connection."""
    return postgres.open_postgres(audit, settings_of(audit, "postgres"))


@pytest.fixture
def audit(tmp_path, monitored):
    """An audit of the monitored server in stage."""
    made = audit_of(tmp_path, monitored)
    yield made
    connections(made).close()


def test_statement_and_rows_become_evidence(audit, monitored):
    """With literals taken out of the statement, and no credentials in the target."""
    connection = open_postgres(audit)
    with audit.recorder.open() as buffer:
        found = connection.execute(
            "SELECT id, email FROM customers WHERE id <= 2 AND email <> 'x' ORDER BY id"
        ).fetchall()
    assert found == [(1, "user1@example.org"), (2, "user2@example.org")]
    [evidence] = buffer.evidence
    assert evidence.title == "SELECT id, email FROM customers WHERE id <= ? AND email <> ? ORDER BY id"
    assert evidence.body == "id | email\n1 | user1@example.org\n2 | user2@example.org"
    assert evidence.target == f"postgres 127.0.0.1:{monitored.port}/postgres"
    assert evidence.facts == {"rows": 2}


def test_connecting_is_no_evidence(audit):
    """Nor is the look at the role."""
    with audit.recorder.open() as buffer:
        open_postgres(audit)
    assert buffer.evidence == []


def test_a_monitoring_role_leaves_no_remark(audit):
    """Reading rights are what is asked for."""
    connection = open_postgres(audit)
    with audit.recorder.open() as buffer:
        connection.execute("SELECT 1")
    assert buffer.notes == []


def test_a_bundled_checks_statement_is_shown_as_written(tmp_path, monitored):
    """Its literals are ours, and hold nobody's data."""
    check = Check("m::t", "4.1", 2, bundled=True)
    audit = audit_of(tmp_path, monitored, kind="prod", check=check)
    connection = open_postgres(audit)
    with audit.recorder.open() as buffer:
        connection.execute("SELECT setting FROM pg_settings WHERE name = 'fsync'")
    connections(audit).close()
    assert buffer.evidence[0].title == "SELECT setting FROM pg_settings WHERE name = 'fsync'"
    assert buffer.evidence[0].body == "off"


def test_columns_with_a_secrets_name_are_not_kept(tmp_path, monitored):
    """Under no kind of environment; a number or a truth under such a name is told."""
    audit = audit_of(tmp_path, monitored)
    connection = open_postgres(audit)
    with audit.recorder.open() as buffer:
        row = connection.execute("SELECT 1 AS id, 'abc' AS api_token, true AS has_password, 90 AS secret").fetchone()
        assert row == (1, "abc", True, 90)
        connection.execute("SELECT 'abc' AS password")
    connections(audit).close()
    assert [e.body for e in buffer.evidence] == [
        "id | api_token | has_password | secret\n1 | [redacted] | t | 90",
        "[redacted]",
    ]


def test_rows_of_own_statements_are_digested_in_prod(tmp_path, monitored):
    """Shape, count, and a digest that only this run can compare."""
    audit = audit_of(tmp_path, monitored, kind="prod")
    connection = open_postgres(audit)
    with audit.recorder.open() as buffer:
        assert connection.execute("SELECT id, email FROM customers ORDER BY id LIMIT 2").fetchone() == (
            1,
            "user1@example.org",
        )
    connections(audit).close()
    body = buffer.evidence[0].body
    assert body.startswith("columns: id, email\nrows: 2\nkeyed digest: ")
    assert "example.org" not in body


def test_an_error_of_the_server_is_its_own_and_recorded(audit):
    """The check sees psycopg's error; the evidence its SQLSTATE."""
    connection = open_postgres(audit)
    with audit.recorder.open() as buffer, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM nowhere")
    assert buffer.evidence[0].body == 'ERROR 42P01: relation "nowhere" does not exist'


def test_the_connection_is_read_only_with_deadlines(audit):
    """The seat belts of design section 5."""
    connection = open_postgres(audit)
    shown = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in (
        "default_transaction_read_only", "statement_timeout", "lock_timeout", "application_name",
        "idle_in_transaction_session_timeout",
    )}  # fmt: skip
    assert shown == {
        "default_transaction_read_only": "on",
        "statement_timeout": "30s",
        "lock_timeout": "2s",
        "application_name": "backend-audit",
        "idle_in_transaction_session_timeout": "1min",
    }
    assert connection.autocommit


def test_the_same_connection_serves_the_next_check(audit):
    """Connecting for each of five thousand checks would be felt."""
    first = open_postgres(audit)
    pid = first.execute("SELECT pg_backend_pid()").fetchone()
    assert open_postgres(audit).execute("SELECT pg_backend_pid()").fetchone() == pid


@pytest.mark.parametrize("spoil", ["SET work_mem = '1MB'", "SELECT set_config('work_mem', '1MB', false)", "BEGIN"])
def test_a_connection_that_a_check_changed_is_replaced(audit, spoil):
    """What one check set must not reach the next."""
    first = open_postgres(audit)
    first.execute(spoil)
    second = open_postgres(audit)
    assert second is not first
    assert first.closed
    assert second.execute("SHOW work_mem").fetchone() == ("4MB",)


def test_rights_beyond_reading_are_refused_in_prod(tmp_path, monitored):
    """Naming each grant."""
    audit = audit_of(tmp_path, monitored, user=("meddler", "may-write-some-tables"), kind="prod")
    with pytest.raises(CouldNotRun) as caught:
        open_postgres(audit)
    assert str(caught.value) == (
        "targets.postgres: the role meddler has more than reading rights: member of pg_signal_backend; "
        "INSERT on public.customers; refused in prod and canary: use the role that `backend-audit init` writes "
        "(audit.yaml:5)"
    )


def test_rights_beyond_reading_are_remarked_on_elsewhere(tmp_path, monitored):
    """Once, beside the first statement."""
    audit = audit_of(tmp_path, monitored, user=("postgres", "super-secret-0001"))
    connection = open_postgres(audit)
    with audit.recorder.open() as buffer:
        connection.execute("SELECT 1")
        connection.execute("SELECT 2")
    connections(audit).close()
    assert buffer.notes == [
        "targets.postgres: the role postgres has more than reading rights: superuser; "
        "fine here, refused in prod and canary"
    ]


def test_a_writing_connection_needs_the_mark_and_the_option(tmp_path, monitored):
    """Both, else the check could not run."""
    check = Check("m::t", "4.6", 3, needs=(Need.WRITES,))
    audit = audit_of(tmp_path, monitored, check=check)
    with pytest.raises(CouldNotRun, match="run with --audit-allow=writes"):
        postgres.connect(audit, read_only=False)
    audit = audit_of(tmp_path, monitored, allowed=frozenset({Need.WRITES}), check=Check("m::t", "4.6", 3))
    with pytest.raises(CouldNotRun, match="its mark lacks needs"):
        postgres.connect(audit, read_only=False)
    audit = audit_of(tmp_path, monitored, allowed=frozenset({Need.WRITES}), check=check)
    with postgres.connect(audit, read_only=False) as connection:
        assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("off",)


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        (("auditor", "wrong-password"), 'password authentication failed for user "auditor"'),
        (("nobody-here", "zzz-wrong"), 'password authentication failed for user "nobody-here"'),
    ],
)
def test_a_wrong_password_is_one_clear_reason(tmp_path, monitored, user, reason):
    """With the place in audit.yaml, and no password in it."""
    audit = audit_of(tmp_path, monitored, user=user)
    with pytest.raises(CouldNotRun) as caught:
        open_postgres(audit)
    told = str(caught.value)
    assert told.startswith("targets.postgres: ")
    assert reason in told
    assert told.endswith("check user and password in the DSN (audit.yaml:5)")
    assert user[1] not in told
    assert "\n" not in told


def test_rows_streamed_and_copied_leave_results_alone(audit):
    """Recording must not consume what the check reads."""
    connection = open_postgres(audit)
    with audit.recorder.open() as buffer:
        cursor = connection.cursor()
        assert [r[0] for r in cursor.stream("SELECT generate_series(1, 5)")] == [1, 2, 3, 4, 5]
        assert [r[0] for r in connection.execute("SELECT generate_series(1, %s)", (3,))] == [1, 2, 3]
        assert connection.cursor(binary=True).execute("SELECT 258::int4").fetchone() == (258,)
    assert [e.body for e in buffer.evidence] == ["5 rows streamed", "generate_series\n1\n2\n3", "\\x00000102"]


def test_texts_of_a_database_without_an_encoding_are_texts(tmp_path, monitored):
    """SQL_ASCII is what initdb makes without a locale; bytes would equal no name that a check looks for."""
    with psycopg.connect(monitored.dsn(password=PASSWORD), autocommit=True) as admin:
        admin.execute("CREATE DATABASE plain TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'")
    text = "version: 1\nservice: orders\nenvironment: stage\ntargets:\n  postgres: {dsn: '${DSN}'}\n"
    dsn = monitored.dsn(*AUDITOR, database="plain")
    audit = runtime_for(text, folder=tmp_path, environ={"DSN": dsn})
    try:
        [row] = (
            open_postgres(audit).execute("SELECT current_database()::text AS name, 'client backend' AS type").fetchall()
        )
        assert (row.name, row.type) == ("plain", "client backend")
    finally:
        connections(audit).close()
        with psycopg.connect(monitored.dsn(password=PASSWORD), autocommit=True) as admin:
            admin.execute("DROP DATABASE plain WITH (FORCE)")


def test_a_connection_that_the_server_ended_is_not_handed_out_again(audit, monitored):
    """As after a restart that another check asked for: the next check gets a new one."""
    first = open_postgres(audit)
    pid = first.info.backend_pid
    with psycopg.connect(monitored.dsn(password=PASSWORD), autocommit=True) as admin:
        # Waits until the session is gone.
        assert admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,)).fetchone() == (True,)
    second = open_postgres(audit)
    assert second.info.backend_pid != pid
    assert second.execute("SELECT 1").fetchone() == (1,)
