"""The check of sockets, of processes of this host, by ss and by /proc."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.connections import _sockets, socket_health
from pytest_backend_audit.targets.command import Command
from pytest_backend_audit.targets.endpoints import Endpoint, Endpoints
from pytest_backend_audit.targets.evidence import ByHand
from pytest_backend_audit.testing import run_check

pytestmark = pytest.mark.live


@pytest.fixture
def service(monkeypatch, tmp_path) -> Iterator[SimpleNamespace]:
    """A listener of this process, and a client whose requests open connections to it that stay."""
    monkeypatch.setattr(socket_health, "SETTLING", 0)
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=500))
        address = listener.getsockname()

        def answer(_: httpx.Request) -> httpx.Response:
            if made.leaks:
                opened.enter_context(socket.create_connection(address))
                opened.enter_context(listener.accept()[0])
            return httpx.Response(made.status)

        made = SimpleNamespace(
            leaks=False, status=200, url=f"http://127.0.0.1:{address[1]}", answer=answer, folder=tmp_path
        )
        yield made


def judge(audit_yaml, service, more: str = "", url: str = "", client: httpx.Client | None = None):
    """The check."""
    around = audit_yaml(f"targets:\n  http: {{base_url: '{url or service.url}'}}\n{more}", folder=service.folder)
    client = client or httpx.Client(base_url="http://service", transport=httpx.MockTransport(service.answer))
    return run_check(
        socket_health.test_sockets_stay_bounded_and_do_not_climb, on=around.runtime.recorder,
        audit_command=Command(around.runtime), audit_evidence=ByHand(around.runtime), audit_http=client,
        audit_identity=None, audit_endpoints=Endpoints([Endpoint("GET", "/a", class_="read-uncached")], "literal"),
        audit_declared=around.declared, audit_settings=around.settings,
    )  # fmt: skip


@pytest.mark.parametrize("tool", ["ss", "proc"])
def test_sockets_that_stay_are_a_leak(audit_yaml, service, monkeypatch, tool: str) -> None:
    """By either way of looking; without them the check passes."""
    if tool == "proc":
        monkeypatch.setattr(_sockets.shutil, "which", lambda _: None)
    assert judge(audit_yaml, service).status is Status.PASSED
    service.leaks = True
    ran = judge(audit_yaml, service)
    assert ran.status is Status.FAILED
    assert ran.reason.startswith("sockets of 1 processes don't stay bounded\n  - pid ")
    assert ", over 120 requests\n  growth by 0.1 (standard) of what a process began with" in ran.reason


def test_bounds_are_the_audits(audit_yaml, service) -> None:
    """Of the share of ports."""
    ran = judge(audit_yaml, service, "thresholds: {ephemeral-ports-ratio: 0}\n")
    assert ran.status is Status.FAILED
    assert " ephemeral ports are in use (" in ran.reason
    assert "at most 0 (audit.yaml:5) may be" in ran.reason


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (
            "http://orders.example",
            "1 of 1 instances don't run on this host (http://orders.example): sockets are seen only",
        ),
        ("http://127.0.0.1:1", "who listens on port 1 can't be seen: run the audit on the service's host, outside of"),
    ],
)
def test_a_service_elsewhere_could_not_be_looked_at(audit_yaml, service, url: str, reason: str) -> None:
    """With what to do."""
    ran = judge(audit_yaml, service, url=url)
    assert (ran.status, ran.reason[: len(reason)]) == (Status.COULD_NOT_RUN, reason)


@pytest.mark.parametrize(
    ("called", "said"),
    [
        (
            "nginx",
            "which passes requests on to the service: name the metrics page of each instance behind it, on its own "
            "port (audit.yaml, targets.http.metrics)",
        ),
        (
            "docker-proxy",
            "which passes connections on to where the service runs: run the audit there, in the container's network or "
            "on that host",
        ),
    ],
)
def test_the_sockets_of_a_proxy_in_front_are_not_the_services(audit_yaml, service, called: str, said: str) -> None:
    """This process has its name meanwhile: an audit of a Django project was green by nginx' sockets."""
    name = Path("/proc/self/comm")
    own = name.read_text().strip()  # with a line break in it, ss would see this process no more
    name.write_text(called)
    try:
        ran = judge(audit_yaml, service)
    finally:
        name.write_text(own)
    port = service.url.rpartition(":")[2]
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        f"who listens on port {port} is {called}, {said}",
    )


SERVER = """
import socket, sys
listener, sink, leaks, held = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), sys.argv[3] == "leaks", []
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    connection.recv(4096)
    if leaks:
        held.append(socket.create_connection(("127.0.0.1", sink)))
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
    connection.close()
"""
"""A worker that shares its listener with others, as gunicorn's do."""
WORKERS = 20


@pytest.mark.parametrize(("does", "status"), [("leaks", Status.FAILED), ("closes", Status.PASSED)])
def test_a_leak_of_many_processes_is_seen_in_all_of_them(audit_yaml, service, does: str, status: Status) -> None:
    """Of 120 requests each of twenty workers gets six, and leaks no more than a pool may open."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=500))
        sink = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=500))
        port = listener.getsockname()[1]
        argv = [sys.executable, "-c", SERVER, str(listener.fileno()), str(sink.getsockname()[1]), does]
        workers = [
            subprocess.Popen(argv, pass_fds=[listener.fileno()], stdout=subprocess.PIPE, text=True)
            for _ in range(WORKERS)
        ]
        for worker in workers:
            opened.enter_context(worker)
            opened.callback(worker.kill)
            assert worker.stdout.readline() == "ready\n"
        client = opened.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}"))
        ran = judge(audit_yaml, service, url=f"http://127.0.0.1:{port}", client=client)
    assert ran.status is status
    if does == "leaks":
        assert re.search(r"\n  - (?:pid \d+|all 21 processes together): \d+ -> \d+ -> \d+, over 120 req", ran.reason)


def test_reads_that_are_refused_open_nothing(audit_yaml, service) -> None:
    """Whatever a handler leaks: nobody has asked it; but what climbs all the same is told."""
    service.status = 401
    ran = judge(audit_yaml, service)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "120 of 120 reads were refused (GET /a: 401), so what they open was not seen: declare reads that succeed, with "
        "their identity (audit.yaml, endpoints)",
    )
    service.leaks = True
    assert judge(audit_yaml, service).status is Status.FAILED
