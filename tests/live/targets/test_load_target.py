"""Load on real sockets: the rate is kept, latency counts from when a request was due, failures count as failures."""

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from live.targets.hostile import closed_port, endless, hangs_up, says, server, silent

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Check, EvidenceKind, Need
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.targets.load import Load, ours
from pytest_backend_audit.testing import runtime_for

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LOAD = frozenset({Need.LOAD})


@pytest.fixture(autouse=True)
def no_vegeta(monkeypatch, request):
    """Our own generator, unless the test asks for the other one."""
    if "needs" not in request.keywords:
        monkeypatch.setattr("pytest_backend_audit.targets.load.vegeta.program", lambda: None)


def load_of(tmp_path, port, more="", allowed=LOAD, **settings):
    """The fixture, for an audit of whatever listens on this port."""
    text = (
        "version: 1\nservice: orders\nenvironment: stage\n"
        f"targets:\n  http: {{base_url: 'http://127.0.0.1:{port}'}}\n"
        "identities:\n  alice: {token: '${ALICE}'}\n  bob: {username: bob, password: '${BOB}'}\n"
        f"timeouts: {{request: 1}}\n{more}"
    )
    environ = {"ALICE": "alice-secret-token", "BOB": "bobs-secret-word"}
    audit = runtime_for(text, folder=tmp_path, environ=environ, allowed=allowed, **settings)
    return audit, Load(audit)


def answers_all(client):
    """A server that answers each request on a connection at once."""
    while client.recv(65536):
        client.sendall(OK)


def stalls_once(client):
    """A server that holds its first request for 300 ms, and answers the others at once."""
    client.recv(65536)
    time.sleep(0.3)
    client.sendall(OK)
    answers_all(client)


def test_a_run_sends_at_its_rate_and_is_evidence(tmp_path):
    """Every request answered, one piece of evidence of the kind load, its method first."""
    with server(answers_all) as port:
        audit, load = load_of(tmp_path, port)
        with audit.recorder.open() as buffer:
            found = load.run("/v1/orders?limit=2", rate=50, seconds=0.5)
    assert (found.sent, found.answered, found.statuses, found.errors) == (25, 25, {200: 25}, {})
    assert [s.due for s in found.samples] == pytest.approx([n / 50 for n in range(25)], abs=1e-6)
    [evidence] = buffer.evidence
    assert evidence.kind is EvidenceKind.LOAD
    assert evidence.title == "50 requests/s for 0.5 s, at a constant rate: GET /v1/orders (our generator)"
    assert evidence.body.startswith("sent 25, answered 25, at most ")
    assert (evidence.target, evidence.facts["sent"]) == (f"http 127.0.0.1:{port}", 25)
    assert audit.recorder.answered == {f"127.0.0.1:{port}"}


def test_requests_go_on_while_one_is_slow(tmp_path):
    """The arrival rate is constant: others overtake, and only the slow one is slow."""
    with server(stalls_once) as port:
        _, load = load_of(tmp_path, port)
        found = load.run("/", rate=20, seconds=0.5)
    assert found.answered == 10
    assert found.samples[0].latency >= 0.3
    assert found.concurrency >= 3


def test_a_request_that_waits_for_a_connection_is_late(tmp_path, monkeypatch):
    """Latency from the intended start: with one connection, those behind the slow request have waited as well."""
    monkeypatch.setattr("pytest_backend_audit.targets.load.CONNECTIONS", 1)
    with server(stalls_once) as port:
        _, load = load_of(tmp_path, port)
        found = load.run("/", rate=20, seconds=0.25)
    assert found.answered == 5
    first, second = found.samples[:2]
    assert first.done - first.due >= 0.3
    assert second.sent >= first.done - 0.001
    assert second.latency == pytest.approx(second.done - 0.05, abs=1e-6)
    assert second.latency >= 0.25
    assert found.concurrency == 1


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (hangs_up, "closed before an answer"),
        (silent, "timed out"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "no HTTP: illegal status line: bytearray(b'SSH-2.0-OpenSSH_9.2')"),
        (
            endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + 1024 * b"x" + b"\r\n"),
            "answers more than 4 MiB",
        ),
    ],
)
def test_what_is_no_answer(tmp_path, behaviour, error):
    """Counted by its reason, and infinitely late."""
    with server(behaviour) as port:
        audit, load = load_of(tmp_path, port)
        found = load.run("/", rate=10, seconds=0.2)
    assert (found.sent, found.answered, found.errors) == (2, 0, {error: 2})
    assert math.isinf(found.p50)
    assert audit.recorder.answered == set()


def test_a_dead_port_is_no_good_latency(tmp_path):
    """Refused connections come back fast; no percentile is any better for it."""
    _, load = load_of(tmp_path, closed_port())
    found = load.run("/", rate=20, seconds=0.2)
    assert (found.answered, found.errors, found.availability) == (0, {"connection refused": 4}, 0.0)
    assert math.isinf(found.p99)


def test_an_answer_that_ends_with_its_connection(tmp_path):
    """HTTP/1.0 servers tell no length."""

    def old(client):
        client.recv(65536)
        client.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")
        client.close()

    with server(old) as port:
        _, load = load_of(tmp_path, port)
        assert load.run("/", rate=10, seconds=0.3).statuses == {200: 3}


def test_a_burst_is_concurrent(tmp_path):
    """All are under way before the first is answered; each has a connection of its own."""
    waiting = []

    def answers_when_all_are_there(client):
        client.recv(65536)
        waiting.append(client)
        if len(waiting) == 40:
            for each in waiting:
                each.sendall(OK)

    with server(answers_when_all_are_there) as port:
        audit, load = load_of(tmp_path, port)
        with audit.recorder.open() as buffer:
            found = load.burst(40, "/")
    assert (found.answered, found.concurrency, found.rate) == (40, 40, 0)
    assert buffer.evidence[0].title == "40 requests at once, each on its own connection: GET / (our generator)"


def test_credentials_go_along_and_are_shown_nowhere(tmp_path):
    """Of the endpoint's own identity, or the one that is named."""
    heard = []

    def listens(client):
        heard.append(client.recv(65536))
        client.sendall(OK)

    with server(listens) as port:
        audit, load = load_of(tmp_path, port)
        with audit.recorder.open() as buffer:
            load.burst(1, Endpoint("GET", "/v1/orders/{id}", identity="alice", parameters={"id": 7}))
            load.burst(1, "/", identity="bob")
    assert heard[0].startswith(b"GET /v1/orders/7 HTTP/1.1\r\n")
    assert b"Bearer alice-secret-token" in heard[0]
    assert b"Basic Ym9iOmJvYnMtc2VjcmV0LXdvcmQ=" in heard[1]
    assert "secret" not in str(buffer.evidence)


def test_nothing_but_refusals_tests_nothing(tmp_path):
    """401 on every request could not run."""
    with server(says(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")) as port:
        _, load = load_of(tmp_path, port)
        with pytest.raises(CouldNotRun, match=r"^all 2 answers were 401: nothing was tested; declare an identity"):
            load.burst(2, "/")


def test_a_background_run_ends_with_its_block(tmp_path):
    """What is left is counted as not sent any more."""
    with server(answers_all) as port:
        _, load = load_of(tmp_path, port)
        with load.background("/", rate=20, seconds=60) as running:
            with pytest.raises(RuntimeError, match="the load still runs"):
                running.done  # noqa: B018
            while not httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).is_success:
                pass
    found = running.done
    assert found.sent == found.answered
    assert found.sent + found.cut == 1200
    assert found.cut > 1000


def test_a_block_that_fails_takes_the_load_with_it(tmp_path):
    """The generator has ended when the exception is out."""
    with server(answers_all) as port:
        _, load = load_of(tmp_path, port)
        with pytest.raises(KeyError), load.background("/", rate=20, seconds=60) as running:
            raise KeyError("of the check")
        assert running.result is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rate": 201, "seconds": 1}, r"needs 201 requests/s, the most is 200 \(the default; load\.at_most of audit"),
        ({"rate": 1, "seconds": 301}, r"needs 301 requests in 301 s; a run has at most 50,000 requests and 300 s"),
    ],
)
def test_limits(tmp_path, asked, message):
    """Of rate, count and time."""
    _, load = load_of(tmp_path, 1)
    with pytest.raises(CouldNotRun, match=message):
        load.run("/", **asked)


def test_the_limit_of_audit_yaml(tmp_path):
    """With its place."""
    _, load = load_of(tmp_path, 1, "load: {rate: 5, at_most: 40}\n")
    with pytest.raises(CouldNotRun, match=r"needs 50 requests/s, the most is 40 \(load\.at_most, audit\.yaml:10\)"):
        load.run("/", rate=50, seconds=1)


def test_a_burst_has_a_limit(tmp_path):
    """A thousand."""
    _, load = load_of(tmp_path, 1)
    with pytest.raises(CouldNotRun, match="a burst of 1001 requests: a burst has 1 to 1000"):
        load.burst(1001, "/")


def test_it_has_to_be_asked_for_and_allowed(tmp_path):
    """By the check's mark, and by whoever runs the audit."""
    check = Check("c", "4.3", 4)
    _, load = load_of(tmp_path, 1, check=check)
    with pytest.raises(CouldNotRun, match=r'the check did not ask for it: its mark lacks needs=\("load",\)'):
        load.burst(1, "/")
    _, load = load_of(tmp_path, 1, allowed=frozenset())
    with pytest.raises(CouldNotRun, match="needs load, which is not allowed: run with --audit-allow=load"):
        load.run("/", 1, 1)


def test_writing_methods_need_more(tmp_path):
    """A load of writes is a load and a write."""
    _, load = load_of(tmp_path, 1)
    with pytest.raises(CouldNotRun, match="needs writes, which is not allowed"):
        load.burst(1, Endpoint("POST", "/v1/orders", body={"sku": "SKU-0001"}))


def test_other_hosts_get_no_load(tmp_path):
    """Least of all load."""
    _, load = load_of(tmp_path, 1)
    with pytest.raises(CouldNotRun, match=r"127\.0\.0\.1:2 is not a declared host; add it to targets\.http\.hosts"):
        load.burst(1, "http://127.0.0.1:2/")


def test_the_generator_ends_with_its_parent(tmp_path):
    """Killed without a word, the audit leaves no load behind."""
    program = (
        "import sys, time\n"
        "from pytest_backend_audit.targets.load.job import Job, Prepared\n"
        "from pytest_backend_audit.targets.load.ours import Generator\n"
        "r = Prepared('GET', sys.argv[1], '/', '127.0.0.1', int(sys.argv[2]), False, (('Host', 'x'),), b'')\n"
        "print(Generator(Job((r,), (0,), 20.0, 6000, 1.0, 10))._process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with server(answers_all) as port:
        parent = subprocess.Popen(
            [sys.executable, "-c", program, f"http://127.0.0.1:{port}/", str(port)], stdout=subprocess.PIPE, text=True
        )
        with parent:
            child = int(parent.stdout.readline())
            os.kill(child, 0)
            parent.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 10
        alive = Path(f"/proc/{child}/exe")  # of a zombie it leads nowhere
        while alive.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not alive.exists()


def test_a_generator_that_breaks_says_so(tmp_path, monkeypatch):
    """Could not run, with its last words."""
    broken = tmp_path / "generator.py"
    broken.write_text("raise SystemExit('no room for sockets')")
    monkeypatch.setattr(ours, "PROGRAM", broken)
    _, load = load_of(tmp_path, 1)
    with pytest.raises(CouldNotRun, match=r"the load generator failed \(status 1\): no room for sockets"):
        load.burst(1, "/")


@pytest.mark.needs("vegeta")
def test_vegeta_does_the_same(tmp_path):
    """The same counts, and its word that it was vegeta."""
    with server(answers_all) as port:
        audit, load = load_of(tmp_path, port)
        with audit.recorder.open() as buffer:
            found = load.run("/", rate=50, seconds=0.5)
    assert (found.sent, found.answered, found.statuses) == (25, 25, {200: 25})
    assert buffer.evidence[0].title == "50 requests/s for 0.5 s, at a constant rate: GET / (vegeta)"


@pytest.mark.needs("vegeta")
def test_vegeta_is_not_believed_on_a_dead_port(tmp_path):
    """It exits with 0 and a p99 of a millisecond."""
    _, load = load_of(tmp_path, closed_port())
    found = load.run("/", rate=20, seconds=0.2)
    assert (found.answered, found.errors) == (0, {"connection refused": 4})
    assert math.isinf(found.p99)
