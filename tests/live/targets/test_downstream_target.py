"""The audit's own listener: what came on which connection, answered from elsewhere or as it was told to."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
from live.servers import free_port, running
from live.targets.hostile import closed_port, says, server

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Need
from pytest_backend_audit.targets.downstream import Downstream
from pytest_backend_audit.targets.faults.keeper import call
from pytest_backend_audit.testing import runtime_for

PRICE = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"cents": 10}'


def downstream_of(tmp_path, *lines, allowed=frozenset()):
    """The fixture with these lines of audit.yaml's targets."""
    text = "version: 1\nenvironment: stage\ntargets:\n" + "".join(f"  {line}\n" for line in lines)
    audit = runtime_for(text, folder=tmp_path, allowed=allowed)
    return audit, Downstream(audit, tmp_path)


def listening(forward: str = "") -> str:
    """The line of audit.yaml for a listener at an address of its own."""
    more = f", forward: '{forward}'" if forward else ""
    return f"downstream: {{listen: '127.0.0.1:{free_port()}'{more}}}"


def client_of(address) -> httpx.Client:
    """The service, as it were."""
    return httpx.Client(base_url=f"http://{address}", trust_env=False, timeout=5)


def test_arrivals_are_told_by_connection_and_headers(tmp_path):
    """Two requests on one connection, one on another; header values stay out of evidence."""
    audit, downstream = downstream_of(tmp_path, listening())
    with audit.recorder.open() as buffer:
        with downstream() as heard:
            with client_of(heard.address) as client:
                assert client.get("/prices/1?key=secret", headers={"X-Request-Id": "abc"}).status_code == 200
                client.post("/orders", json={"sku": 1})
            with client_of(heard.address) as client:
                client.get("/prices/2", headers={"Authorization": "Bearer of-the-service"})
        assert [(a.connection, a.method, a.target, a.size) for a in heard.arrivals] == [
            (1, "GET", "/prices/1?key=secret", 0),
            (1, "POST", "/orders", 9),
            (2, "GET", "/prices/2", 0),
        ]
        assert (heard.connections, heard.per_connection()) == (2, {1: 2, 2: 1})
        assert heard.arrivals[0].header("x-request-id") == "abc"
        assert heard.arrivals[1].header("x-request-id") is None
    [evidence] = buffer.evidence
    assert evidence.facts == {"requests": 3, "connections": 2}
    first, second, *_ = evidence.body.splitlines()
    assert first == "3 requests on 2 connections, at most 2 on one"
    assert second.startswith("+0.000 s, connection 1: GET /prices/1 (")
    assert "secret" not in evidence.body
    assert "of-the-service" not in evidence.body


def test_requests_go_on_to_where_they_are_meant_for(tmp_path):
    """Status, headers and body come back; a place that is away is a 502."""
    with server(says(PRICE)) as port:
        _, downstream = downstream_of(tmp_path, listening(f"http://127.0.0.1:{port}/v2"))
        with downstream() as heard, client_of(heard.address) as client:
            answer = client.get("/prices/1")
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (
        200,
        {"cents": 10},
        "application/json",
    )
    away = listening(f"http://127.0.0.1:{closed_port()}")
    with downstream_of(tmp_path, away)[1]() as heard, client_of(heard.address) as client:
        assert client.get("/prices/1").status_code == 502


def test_it_answers_as_it_is_told(tmp_path):
    """A failing downstream, to see what the service makes of it: retries are further arrivals."""
    _, downstream = downstream_of(tmp_path, listening("http://127.0.0.1:1"))
    with downstream(status=503, body='{"error": "away"}') as heard, client_of(heard.address) as client:
        answers = [client.get("/prices/1") for _ in range(2)]
    assert [(a.status_code, a.json()) for a in answers] == [(503, {"error": "away"})] * 2
    assert len(heard.arrivals) == 2


def test_a_delay_holds_the_answer_back(tmp_path):
    """A slow downstream."""
    _, downstream = downstream_of(tmp_path, listening())
    with downstream(delay=0.5) as heard, client_of(heard.address) as client, pytest.raises(httpx.ReadTimeout):
        client.get("/", timeout=0.2)
    assert len(heard.arrivals) == 1


def test_bodies_in_chunks(tmp_path):
    """As clients send what they stream."""
    _, downstream = downstream_of(tmp_path, listening())
    with downstream() as heard, client_of(heard.address) as client:
        client.post("/a", content=iter([b"abc", b"defg"]))
        client.get("/b")
    assert [(a.target, a.size, a.connection) for a in heard.arrivals] == [("/a", 7, 1), ("/b", 0, 1)]


def test_nothing_listens_after_the_block(tmp_path):
    """Connections that stood have ended too."""
    _, downstream = downstream_of(tmp_path, listening())
    with downstream() as heard:
        host, _, port = heard.address.rpartition(":")
        client = socket.create_connection((host, int(port)), 5)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 200"
    with client:
        while client.recv(4096):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), 5)


def test_an_address_that_is_taken(tmp_path):
    """Could not run, with its place."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        _, downstream = downstream_of(tmp_path, f"downstream: {{listen: '127.0.0.1:{port}'}}")
        with (
            pytest.raises(
                CouldNotRun, match=rf"can't listen at 127\.0\.0\.1:{port}: Address already in use \(audit\.yaml:4\)"
            ),
            downstream(),
        ):
            pass


@pytest.fixture
def proxied(tmp_path) -> Iterator[tuple[str, int]]:
    """A pricing service behind our fault proxy: the API's URL, and where the service reaches it."""
    with server(says(*[PRICE] * 9)) as upstream:
        api, port = free_port(), free_port()
        url = f"http://127.0.0.1:{api}"
        argv = [sys.executable, "-P", "-m", "pytest_backend_audit.targets.faults.proxy", f"127.0.0.1:{api}"]
        argv.append(f"pricing=127.0.0.1:{port}=127.0.0.1:{upstream}")
        with running("proxy", argv, tmp_path / "proxy.log", lambda: call("GET", f"{url}/version")):
            yield url, port


def through(url) -> tuple[str, str]:
    """The lines of audit.yaml for it."""
    faults = f"faults: {{url: '{url}', dependencies: {{pricing: {{speaks: http}}}}}}"
    return faults, "downstream: {dependency: pricing}"


def test_a_dependency_is_led_to_the_listener_and_back(tmp_path, proxied):
    """The service goes on getting its answers, and the audit sees who asks; the audit's own question is not counted."""
    url, port = proxied
    audit, downstream = downstream_of(tmp_path, *through(url), allowed=frozenset({Need.FAULTS}))
    before = call("GET", f"{url}/proxies/pricing")["upstream"]
    with audit.recorder.open() as buffer:
        with downstream() as heard, client_of(f"127.0.0.1:{port}") as client:
            assert [client.get(f"/prices/{n}").json() for n in range(3)] == [{"cents": 10}] * 3
        assert (heard.connections, [a.target for a in heard.arrivals]) == (1, ["/prices/0", "/prices/1", "/prices/2"])
    assert call("GET", f"{url}/proxies/pricing")["upstream"] == before
    with client_of(f"127.0.0.1:{port}") as client:
        assert client.get("/prices/9").json() == {"cents": 10}
    assert len(heard.arrivals) == 3
    assert [e.title.partition(" (")[0] for e in buffer.evidence] == [
        "pricing led to the audit's listener",
        f"what came to the audit's listener at {heard.address}",
    ]


def test_leading_a_dependency_elsewhere_is_a_fault(tmp_path, proxied):
    """Connections in use end: it has to be allowed."""
    url, _ = proxied
    _, downstream = downstream_of(tmp_path, *through(url))
    with pytest.raises(CouldNotRun, match="needs faults, which is not allowed"), downstream():
        pass


KILLED = """
import sys, time
from pathlib import Path
from pytest_backend_audit.model import Need
from pytest_backend_audit.targets.downstream import Downstream
from pytest_backend_audit.testing import runtime_for
folder = Path(sys.argv[1])
audit = runtime_for((folder / "audit.yaml").read_text(), folder=folder, allowed=frozenset({Need.FAULTS}))
with Downstream(audit, folder)():
    print("on", flush=True)
    time.sleep(600)
"""


def test_a_killed_audit_leads_nobody_astray(tmp_path, proxied):
    """Its listener is gone, and so is the way to it."""
    url, port = proxied
    downstream_of(tmp_path, *through(url))
    audit = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with audit:
        assert audit.stdout.readline() == "on\n"
        audit.kill()
    records = tmp_path / "faults.jsonl"
    deadline = time.monotonic() + 20
    while "undone" not in records.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    with client_of(f"127.0.0.1:{port}") as client:
        assert client.get("/prices/1").json() == {"cents": 10}
