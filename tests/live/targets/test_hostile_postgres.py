"""PostgreSQL targets that misbehave: one clear reason each, inside the deadline."""

import psycopg
import pytest

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.targets import pgguards, postgres
from pytest_backend_audit.targets.classify import classify
from pytest_backend_audit.targets.common import connections, settings_of
from pytest_backend_audit.testing import runtime_for

from .hostile import closed_port, endless, endless_rows, hangs_up, lets_in, says, server, silent
from .hostile import postgres as greets

YAML = (
    "version: 1\nservice: orders\nenvironment: stage\ntargets:\n  postgres: {dsn: '${DSN}'}\n"
    "timeouts: {connect: 1, statement: STATEMENT}\n"
)


def audit_of(tmp_path, port, more="", statement=0.5):
    """An audit of whatever listens on this port."""
    dsn = f"postgresql://auditor:hunter2-hunter2@127.0.0.1:{port}/orders{more}"
    return runtime_for(YAML.replace("STATEMENT", str(statement)), folder=tmp_path, environ={"DSN": dsn})


def refused(audit):
    """The reason why the connection could not be opened; one line, without the password."""
    with pytest.raises(CouldNotRun) as caught:
        postgres.open_postgres(audit, settings_of(audit, "postgres"))
    reason = str(caught.value)
    assert reason.startswith("targets.postgres: ")
    assert reason.isprintable()
    assert "hunter2" not in reason
    return reason


def test_nothing_listens(tmp_path):
    """It says where, and asks whether it is running."""
    port = closed_port()
    reason = refused(audit_of(tmp_path, port))
    assert f'"127.0.0.1", port {port} failed: Connection refused' in reason
    assert reason.endswith("- is it running? (audit.yaml:5)")


def test_a_black_hole_costs_its_timeout_once_a_run(tmp_path):
    """The second check is told at once, and since when it is known."""
    with server(silent) as port:
        audit = audit_of(tmp_path, port)
        reason = refused(audit)
        assert reason.startswith("targets.postgres: no answer within 1 s")
    again = refused(audit)
    assert again.startswith(reason)
    assert "(first seen " in again
    assert again.endswith(", not tried again)")


def test_it_hangs_up(tmp_path):
    """At the first word."""
    with server(hangs_up) as port:
        assert "server closed the connection unexpectedly" in refused(audit_of(tmp_path, port))


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n<html><script>alert(1)</script>\xe2\x80\xae\x1b[31m",
        b"\xff\xfe\xfd" * 100,
        b"-ERR unknown command\r\n",
    ],
)
def test_it_speaks_something_else(tmp_path, garbage):
    """Whatever it says, the reason is one printable line."""
    with server(says(garbage)) as port:
        reason = refused(audit_of(tmp_path, port))
        assert "does not speak PostgreSQL's protocol" in reason


def test_tls_is_refused(tmp_path):
    """The DSN asks for it, the server has none."""
    with server(greets(silent)) as port:
        reason = refused(audit_of(tmp_path, port, more="?sslmode=require"))
        assert "server does not support SSL" in reason
        assert "the server speaks no TLS: set sslmode in the DSN, or turn TLS on" in reason


def test_endless_garbage_at_login(tmp_path):
    """It is not read for ever."""
    with server(endless(b"N", b"x" * 65536)) as port:
        assert refused(audit_of(tmp_path, port))


def test_it_never_answers_a_statement(tmp_path):
    """The server's own timeout can't be trusted; ours comes a little later."""
    with server(greets(silent)) as port:
        audit = audit_of(tmp_path, port)
        connection = postgres.open_postgres(audit, settings_of(audit, "postgres"))
        with pytest.raises(CouldNotRun) as caught:
            connection.execute("SELECT 1")
        assert str(caught.value) == (
            f"postgres 127.0.0.1:{port}/orders: no answer within 2.5 s, "
            "and the server did not stop the statement itself"
        )
        assert connection.closed


def test_it_falls_silent_after_the_login(tmp_path):
    """What we set and ask at the beginning has a deadline too."""
    with server(lets_in(silent)) as port:
        audit = audit_of(tmp_path, port)
        settings = settings_of(audit, "postgres")
        with pytest.raises(CouldNotRun, match=r"no answer within 2\.5 s"):
            postgres.open_postgres(audit, settings)


def test_it_hangs_up_after_the_login(tmp_path):
    """A reason with the place in audit.yaml."""
    with server(lets_in(hangs_up)) as port:
        assert "the session can't be set up: " in refused(audit_of(tmp_path, port))


def test_it_dies_in_mid_statement(tmp_path):
    """The check sees psycopg's error; left alone it means could not run. The next check gets a new connection."""
    with server(greets(hangs_up)) as port:
        audit = audit_of(tmp_path, port)
        connection = postgres.open_postgres(audit, settings_of(audit, "postgres"))
        with pytest.raises(psycopg.OperationalError) as caught:
            connection.execute("SELECT 1")
        status, reason = classify(caught.value, audit.recorder)
        assert status is Status.COULD_NOT_RUN
        assert reason.startswith("postgres: the connection was lost: OperationalError: ")
        assert reason.isprintable()
        assert postgres.open_postgres(audit, settings_of(audit, "postgres")) is not connection
        connections(audit).close()


def test_it_answers_without_end(tmp_path, monkeypatch):
    """The bound is on what the process holds in memory, so that no driver's buffer escapes it."""
    monkeypatch.setattr(pgguards, "MEMORY_LIMIT", 16 * 2**20)
    with server(greets(endless_rows)) as port:
        audit = audit_of(tmp_path, port, statement=60)
        connection = postgres.open_postgres(audit, settings_of(audit, "postgres"))
        with pytest.raises(CouldNotRun) as caught:
            connection.execute("SELECT filler FROM endless")
        assert str(caught.value) == (
            f"postgres 127.0.0.1:{port}/orders: the answer is larger than 16 MiB; nothing of it was kept"
        )
