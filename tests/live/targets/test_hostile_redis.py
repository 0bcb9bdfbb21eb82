"""Redis targets that misbehave: one clear reason each, inside the deadline."""

import socket
import time

import pytest
import redis

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.targets import redis as target
from pytest_backend_audit.targets.classify import classify
from pytest_backend_audit.targets.common import connections, settings_of
from pytest_backend_audit.testing import runtime_for

from .hostile import closed_port, endless, hangs_up, says, server, silent

YAML = (
    "version: 1\nservice: orders\nenvironment: stage\ntargets:\n  redis: {url: '${URL}'}\n"
    "timeouts: {connect: 1, statement: 1}\n"
)


def audit_of(tmp_path, port, scheme="redis"):
    """An audit of whatever listens on this port."""
    url = f"{scheme}://:hunter2-hunter2@127.0.0.1:{port}/0?protocol=2"
    return runtime_for(YAML, folder=tmp_path, environ={"URL": url})


def refused(audit):
    """The reason why the server could not be reached; one line, without the password."""
    with pytest.raises(CouldNotRun) as caught:
        target.open_redis(audit, settings_of(audit, "redis"))
    reason = str(caught.value)
    assert reason.startswith("targets.redis: ")
    assert reason.isprintable()
    assert "hunter2" not in reason
    return reason


def test_nothing_listens(tmp_path):
    """It says where, and asks whether it is running."""
    port = closed_port()
    assert refused(audit_of(tmp_path, port)) == (
        f"targets.redis: Error 111 connecting to 127.0.0.1:{port}. Connection refused. - is it running? (audit.yaml:5)"
    )


def test_a_black_hole_costs_its_timeout_once_a_run(tmp_path):
    """The second check is told at once, and since when it is known."""
    with server(silent) as port:
        audit = audit_of(tmp_path, port)
        reason = refused(audit)
        assert reason == "targets.redis: no answer within 1 s: Timeout reading from socket (audit.yaml:5)"
    again = refused(audit)
    assert again.startswith(reason)
    assert again.endswith(", not tried again)")


def test_it_hangs_up(tmp_path):
    """At the first word."""
    with server(hangs_up) as port:
        assert "Connection closed by server" in refused(audit_of(tmp_path, port))


@pytest.mark.parametrize(
    "garbage",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n<html><script>alert(1)</script>\xe2\x80\xae\x1b[31m",
        b"\xff\xfe\xfd\r\n" * 100,
        b"*-7\r\n$9999999999999\r\n",
    ],
)
def test_it_speaks_something_else(tmp_path, garbage):
    """Whatever it says, the reason is one printable line."""
    with server(says(garbage)) as port:
        assert refused(audit_of(tmp_path, port))


def test_tls_is_refused(tmp_path):
    """The URL asks for it, the server has none."""
    with server(says(b"-ERR unknown command\r\n")) as port:
        reason = refused(audit_of(tmp_path, port, scheme="rediss"))
        assert reason.endswith("- rediss:// asks for TLS: check the URL and the server's certificate (audit.yaml:5)")


def test_it_answers_without_end(tmp_path, monkeypatch):
    """A string of a terabyte is not waited for."""
    monkeypatch.setattr(target, "ANSWER_LIMIT", 2**20)
    with server(endless(b"$1099511627776\r\n", b"x" * 65536)) as port:
        reason = refused(audit_of(tmp_path, port))
        assert "the answer is larger than 1 MiB; nothing of it was kept" in reason


def test_it_answers_by_drops(tmp_path):
    """Each drop comes inside the socket's timeout, all of them don't."""

    def drip(client):
        client.recv(65536)
        client.sendall(b"$1000\r\n")
        while True:
            client.sendall(b"x")
            time.sleep(0.05)

    with server(drip) as port:
        assert "the answer took more than 1 s" in refused(audit_of(tmp_path, port))


def test_it_dies_in_mid_command(tmp_path, valkey_server):
    """The check sees redis-py's error, at once: nothing is tried again behind its back."""
    heard = []

    def dies_at_get(client):
        with socket.create_connection((valkey_server.host, valkey_server.port)) as behind:
            while data := client.recv(65536):
                heard.append(data)
                if b"\r\nGET\r\n" in data:
                    client.shutdown(socket.SHUT_RDWR)
                    return
                behind.sendall(data)
                client.sendall(behind.recv(65536))

    with server(dies_at_get) as port:
        text = YAML.replace("${URL}", f"redis://127.0.0.1:{port}/0?protocol=2")
        audit = runtime_for(text, folder=tmp_path)
        client = target.open_redis(audit, settings_of(audit, "redis"))
        with pytest.raises(redis.ConnectionError) as caught:
            client.get("a")
        connections(audit).close()
    assert classify(caught.value, audit.recorder) == (
        Status.COULD_NOT_RUN,
        "redis: ConnectionError: Connection closed by server.",
    )
    assert sum(b"\r\nGET\r\n" in data for data in heard) == 1
