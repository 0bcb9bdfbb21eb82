"""Faults on real connections, by our own proxy and by toxiproxy: seen, recorded, undone; also after a kill."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import redis
from live.servers import free_port, running
from live.targets.hostile import closed_port, server, silent

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Check, EvidenceKind, Need
from pytest_backend_audit.targets.faults import Faults, keeper, records
from pytest_backend_audit.targets.faults.keeper import ApiError, call
from pytest_backend_audit.targets.faults.looking import look
from pytest_backend_audit.testing import runtime_for

FAULTS = frozenset({Need.FAULTS})


def api_answers(url: str) -> bool:
    """Whether a proxy's API is up."""
    return bool(call("GET", f"{url}/version"))


@contextmanager
def our_proxy(folder: Path, upstream: int) -> Iterator[tuple[str, int]]:
    """Our proxy before a server: the API's URL, and the port where the server is reached."""
    api, port = free_port(), free_port()
    argv = [sys.executable, "-P", "-m", "pytest_backend_audit.targets.faults.proxy", f"127.0.0.1:{api}"]
    argv.append(f"redis=127.0.0.1:{port}=127.0.0.1:{upstream}")
    url = f"http://127.0.0.1:{api}"
    with running("proxy", argv, folder / "proxy.log", lambda: api_answers(url)):
        yield url, port


@contextmanager
def toxiproxy(folder: Path, upstream: int) -> Iterator[tuple[str, int]]:
    """The same with toxiproxy."""
    api, port = free_port(), free_port()
    url = f"http://127.0.0.1:{api}"
    argv = ["toxiproxy-server", "-host", "127.0.0.1", "-port", str(api)]
    with running("toxiproxy", argv, folder / "toxiproxy.log", lambda: api_answers(url)):
        proxy = {"name": "redis", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{upstream}"}
        call("POST", f"{url}/proxies", proxy)
        yield url, port


@pytest.fixture(scope="module", params=["ours", pytest.param("toxiproxy", marks=pytest.mark.needs("toxiproxy-server"))])
def proxied(request, valkey_server, tmp_path_factory) -> Iterator[tuple[str, int]]:
    """Valkey behind a fault proxy."""
    make = {"ours": our_proxy, "toxiproxy": toxiproxy}[request.param]
    with make(tmp_path_factory.mktemp("proxy"), valkey_server.port) as made:
        yield made


def test_doctor_is_told_which_proxy_it_is(proxied, tmp_path, request):
    """By name: what a toxiproxy that go install built calls its version is "git"."""
    which = request.node.callspec.params["proxied"]
    audit, _ = faults_of(tmp_path, proxied[0])
    found = look(audit, audit.config.targets["faults"])
    named = {"ours": "backend-audit's own proxy", "toxiproxy": r"toxiproxy (?:git|\d+\.\d+\.\d+)"}[which]
    assert re.fullmatch(named, found.program)
    assert (found.troubles, found.dependencies) == ((), 1)


@pytest.fixture
def ours(valkey_server, tmp_path) -> Iterator[tuple[str, int]]:
    """Valkey behind our own proxy, for what does not depend on which it is."""
    with our_proxy(tmp_path, valkey_server.port) as made:
        yield made


def faults_of(tmp_path, url, allowed=FAULTS, more="", **settings):
    """The fixture, for an audit whose cache is behind that proxy."""
    text = (
        "version: 1\nenvironment: stage\ntargets:\n  faults:\n"
        f"    url: {url}\n    dependencies:\n      redis: {{}}\n{more}"
    )
    audit = runtime_for(text, folder=tmp_path, allowed=allowed, **settings)
    return audit, Faults(audit, tmp_path)


def client_on(port: int) -> redis.Redis:
    """As the service would have one."""
    return redis.Redis(port=port, socket_timeout=0.4, socket_connect_timeout=0.4, retry=None)


def events(tmp_path) -> list[tuple[str, str]]:
    """The records, in short."""
    lines = (tmp_path / "faults.jsonl").read_text().splitlines()
    return [(f["event"], f.get("by", "")) for f in map(json.loads, lines)]


def toxics(url: str) -> list[object]:
    """What is wrong with the proxy now."""
    told = call("GET", f"{url}/proxies/redis")
    return [*told["toxics"], *([] if told["enabled"] else ["down"])]


def test_latency(tmp_path, proxied):
    """Seen before the block, felt by a client's connection that stood before, gone and recorded afterwards."""
    url, port = proxied
    audit, faults = faults_of(tmp_path, url)
    client = redis.Redis(port=port)
    client.ping()
    with audit.recorder.open() as buffer:
        with faults.latency("redis", 0.3) as fault:
            assert fault.what == "latency of 0.3 s on redis"
            assert len(audit.recorder.faults_on) == 1
            begun = time.monotonic()
            client.ping()
            assert time.monotonic() - begun >= 0.29
        assert audit.recorder.faults_on == set()
    assert (events(tmp_path), toxics(url)) == ([("setting", ""), ("seen", ""), ("undone", "the check")], [])
    [evidence] = buffer.evidence
    assert evidence.kind is EvidenceKind.LOAD
    assert evidence.title == f"latency of 0.3 s on redis (through {url}, proxy redis, lease 120 s)"
    before, with_it, undone = evidence.body.splitlines()
    assert before.startswith("before: answered in ")
    assert with_it.startswith("with it: answered in 3")
    assert undone.startswith("undone after ")


def test_hang(tmp_path, proxied):
    """Connections stand and nothing is answered, neither on old ones nor on new; afterwards all is well."""
    url, port = proxied
    _, faults = faults_of(tmp_path, url)
    old = client_on(port)
    old.ping()
    with faults.hang("redis") as fault:
        assert fault.seen.startswith("silent for 2.0 s")
        for client in (old, client_on(port)):
            with pytest.raises(redis.TimeoutError):
                client.ping()
    assert client_on(port).ping()
    assert toxics(url) == []


def test_refusal(tmp_path, proxied):
    """Connections that stood have ended, and new ones are refused."""
    url, port = proxied
    _, faults = faults_of(tmp_path, url)
    old = socket.create_connection(("127.0.0.1", port))
    with faults.refuse("redis") as fault:
        assert fault.seen == "connection refused"
        old.settimeout(5)
        with suppress(ConnectionResetError):
            assert old.recv(1) == b""
        with pytest.raises(redis.ConnectionError, match="refused"):
            client_on(port).ping()
    old.close()
    assert client_on(port).ping()
    assert toxics(url) == []


def test_loss(tmp_path, proxied):
    """Some connections are lost, and some are not."""
    url, _ = proxied
    _, faults = faults_of(tmp_path, url)
    with faults.loss("redis", 0.5) as fault:
        lost, of = (int(word) for word in fault.seen.split() if word.isdigit())
        assert 0 < lost < of
    with faults.loss("redis", 1.0) as fault:
        assert fault.seen == "1 of 1 connections lost"
    assert toxics(url) == []


def test_a_check_that_fails_leaves_no_fault(tmp_path, ours):
    """Undone on the way out, whatever the exception is."""
    url, port = ours
    audit, faults = faults_of(tmp_path, url)
    with pytest.raises(AssertionError, match="no answer"), faults.refuse("redis"):
        raise AssertionError("no answer")
    assert client_on(port).ping()
    assert events(tmp_path)[-1] == ("undone", "the check")
    assert audit.recorder.faults_on == set()


def test_the_lease_ends_the_fault(tmp_path, ours):
    """By the proxy's own timer and by the keeper; a check that goes on without its fault could not run."""
    url, _ = ours
    _, faults = faults_of(tmp_path, url)

    def waits_for_the_end() -> None:
        with faults.hang("redis", lease=4.0):
            deadline = time.monotonic() + 20
            while len(events(tmp_path)) < 3 and time.monotonic() < deadline:
                time.sleep(0.02)
            assert (toxics(url), events(tmp_path)[-1]) == ([], ("undone", "its lease passed"))

    with pytest.raises(CouldNotRun, match=r"^the lease of 4 s passed while the check still ran, under hang of redis$"):
        waits_for_the_end()


KILLED = """
import sys, time
from pathlib import Path
from pytest_backend_audit.model import Need
from pytest_backend_audit.targets.faults import Faults
from pytest_backend_audit.testing import runtime_for
folder = Path(sys.argv[1])
audit = runtime_for((folder / "audit.yaml").read_text(), folder=folder, allowed=frozenset({Need.FAULTS}))
with Faults(audit, folder).refuse("redis"):
    print("on", flush=True)
    time.sleep(600)
"""


def test_a_killed_audit_leaves_no_fault(tmp_path, proxied):
    """SIGKILL with a fault on: the keeper sees its audit gone and undoes it."""
    url, port = proxied
    faults_of(tmp_path, url)
    audit = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with audit:
        assert audit.stdout.readline() == "on\n"
        assert toxics(url) == ["down"]
        audit.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 20
    while len(events(tmp_path)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (events(tmp_path)[-1], toxics(url)) == (("undone", "the audit ended without undoing it"), [])
    assert client_on(port).ping()
    assert records.open_in(tmp_path) == []


def test_what_even_the_keeper_left_is_reverted(tmp_path, ours):
    """The record names the way back, and the way back is gone."""
    url, port = ours
    undo = [{"method": "POST", "url": f"{url}/proxies/redis", "body": {"enabled": True}}]
    keeper.append(tmp_path / "faults.jsonl", {"id": "f1", "event": "setting", "what": "refusal by redis", "undo": undo})
    call("POST", f"{url}/proxies/redis", {"enabled": False})
    [found] = records.open_in(tmp_path)
    assert (found.what, found.line) == ("refusal by redis", 1)
    assert list(records.revert([found])) == [(found, "")]
    assert client_on(port).ping()
    assert events(tmp_path)[-1] == ("undone", "backend-audit revert")


def test_somebody_elses_fault_is_not_added_to(tmp_path, ours):
    """Nor taken away."""
    url, _ = ours
    call("POST", f"{url}/proxies/redis/toxics", {"name": "mine", "type": "latency", "attributes": {"latency": 1}})
    _, faults = faults_of(tmp_path, url)
    with (
        pytest.raises(CouldNotRun, match="proxy redis has toxics already: mine; set it right first"),
        faults.hang("redis"),
    ):
        pass
    assert not (tmp_path / "faults.jsonl").exists()
    assert len(toxics(url)) == 1


def test_a_fault_that_is_not_seen_does_not_count(tmp_path, ours, valkey_server):
    """The audit's own connection leads past the proxy: could not run, and undone."""
    url, _ = ours
    more = f"      direct: {{proxy: redis, speaks: redis, address: '127.0.0.1:{valkey_server.port}'}}\n"
    _, faults = faults_of(tmp_path, url, more=more)
    with (
        pytest.raises(CouldNotRun, match="refusal by direct was set, and nothing of it was seen"),
        faults.refuse("direct"),
    ):
        raise AssertionError("the block must not begin")
    assert (events(tmp_path), toxics(url)) == ([("setting", ""), ("undone", "the check")], [])


@pytest.mark.parametrize(
    ("behaviour", "more"),
    [(silent, "silent for 1.0 s"), (lambda c: c.close(), "connection lost")],
    ids=["silent", "lost"],
)
def test_a_dependency_has_to_answer_before(tmp_path, ours, behaviour, more):
    """Else no fault of ours could be told from its own."""
    url, _ = ours
    with server(behaviour) as port:
        declared = f"      pricing: {{proxy: redis, speaks: http, address: '127.0.0.1:{port}'}}\n"
        _, faults = faults_of(tmp_path, url, more=declared)
        with (
            pytest.raises(CouldNotRun, match=rf"pricing does not answer .*without any fault \({more}\)"),
            faults.hang("pricing"),
        ):
            pass
    assert not (tmp_path / "faults.jsonl").exists()


def test_what_is_not_declared(tmp_path, ours):
    """Each with the names that there are."""
    url, _ = ours
    _, faults = faults_of(
        tmp_path, url, more="      cache: {proxy: gone, speaks: redis}\n      queue: {proxy: redis}\n"
    )
    assert faults.dependencies == ("redis", "cache", "queue")
    for name, message in [
        ("kafka", r"dependencies has no kafka; it has: redis, cache, queue \(audit\.yaml:4\)"),
        ("cache", r"has no proxy 'gone'; it has: redis \(audit\.yaml:4\)"),
        ("queue", r"queue\.speaks is not set, so no effect can be seen; it is one of postgres, redis, http, tls"),
    ]:
        with pytest.raises(CouldNotRun, match=message), faults.refuse(name):
            pass
    with pytest.raises(CouldNotRun, match=r"redis\.restart names no command"), faults.restart("redis"):
        pass


def test_a_proxy_that_is_away(tmp_path):
    """With its URL, and the place in audit.yaml."""
    _, faults = faults_of(tmp_path, f"http://127.0.0.1:{closed_port()}")
    with (
        pytest.raises(CouldNotRun, match=r"/proxies: .*refused - is it running\? \(audit\.yaml:4\)"),
        faults.hang("redis"),
    ):
        pass


def test_it_has_to_be_asked_for_and_allowed(tmp_path):
    """By the check's mark, and by whoever runs the audit."""
    _, faults = faults_of(tmp_path, "http://127.0.0.1:1", check=Check("c", "4.3", 4))
    with pytest.raises(CouldNotRun, match=r'its mark lacks needs=\("faults",\)'), faults.hang("redis"):
        pass
    _, faults = faults_of(tmp_path, "http://127.0.0.1:1", allowed=frozenset())
    with (
        pytest.raises(CouldNotRun, match="needs faults, which is not allowed: run with --audit-allow=faults"),
        faults.hang("redis"),
    ):
        pass


@pytest.fixture
def restartable(tmp_path):
    """A server with the line of audit.yaml whose command ends its connections, as a restart does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        program = (
            "import os, socket, sys\n"
            "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
            "open(sys.argv[2], 'w').write(str(os.getpid()))\n"
            "held = []\n"
            "while True:\n"
            "    c, _ = s.accept()\n    held.append(c)\n    data = c.recv(100)\n"
            "    if data: c.sendall(b'+PONG')\n"
        )
    (tmp_path / "server.py").write_text(program)
    script = (
        "import os, signal, subprocess, sys\n"
        "os.kill(int(open(sys.argv[2]).read()), signal.SIGKILL)\n"
        "subprocess.Popen([sys.executable, sys.argv[3], sys.argv[1], sys.argv[2]], start_new_session=True)\n"
    )
    (tmp_path / "restart.py").write_text(script)
    pidfile = tmp_path / "pid"
    first = subprocess.Popen([sys.executable, tmp_path / "server.py", str(port), str(pidfile)])
    deadline = time.monotonic() + 20
    while not (pidfile.exists() and pidfile.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    command = json.dumps(
        [sys.executable, str(tmp_path / "restart.py"), str(port), str(pidfile), str(tmp_path / "server.py")]
    )
    yield f"{{speaks: redis, address: '127.0.0.1:{port}', restart: {command}}}"
    os.kill(int(pidfile.read_text()), signal.SIGKILL)
    first.wait()


def restarts_of(tmp_path, declared):
    """The fixture without a fault proxy."""
    text = f"version: 1\nenvironment: stage\ntargets:\n  faults:\n    dependencies:\n      queue: {declared}\n"
    audit = runtime_for(text, folder=tmp_path, allowed=FAULTS)
    return audit, Faults(audit, tmp_path)


def test_a_restart_is_seen_on_a_connection_that_stood(tmp_path, restartable):
    """No proxy is needed for it; it is back when the block has ended."""
    audit, faults = restarts_of(tmp_path, restartable)
    with audit.recorder.open() as buffer, faults.restart("queue", within=20) as fault:
        assert fault.seen.startswith("a connection that stood ended ")
    assert events(tmp_path) == [("setting", ""), ("seen", ""), ("undone", "the command")]
    assert buffer.evidence[0].title.startswith("restart of queue (by ")
    assert buffer.evidence[0].body.splitlines()[-1].startswith("undone: answered in ")


def test_the_service_itself_is_restarted_too(tmp_path, restartable):
    """By its own command, and seen on a connection to an instance rather than to what balances."""
    found = re.search(r"'127\.0\.0\.1:(\d+)', restart: (.*)}", restartable)
    http = f"{{base_url: 'http://127.0.0.1:1', metrics: ['http://127.0.0.1:{found[1]}/metrics'], restart: {found[2]}}}"
    audit = runtime_for(f"version: 1\nenvironment: stage\ntargets:\n  http: {http}\n", folder=tmp_path, allowed=FAULTS)
    with audit.recorder.open() as buffer, Faults(audit, tmp_path).restart("http", within=20) as fault:
        assert fault.seen.startswith("a connection that stood ended ")
    assert events(tmp_path) == [("setting", ""), ("seen", ""), ("undone", "the command")]
    assert buffer.evidence[0].title.startswith("restart of the service (by ")


@pytest.mark.parametrize(
    ("more", "allowed", "message"),
    [
        ("", FAULTS, r"^targets\.http\.restart names no command that deploys the service anew \(audit\.yaml:4\)$"),
        (", restart: ['true']", frozenset(), "needs faults, which is not allowed: run with --audit-allow=faults"),
        (
            ", restart: ['true']",
            FAULTS,
            r"^http does not answer at 127\.0\.0\.1:\d+ without any fault \(connection ref",
        ),
    ],
)
def test_a_service_that_can_not_be_restarted(tmp_path, more, allowed, message):
    """No command is declared, it isn't allowed, or nobody is there."""
    http = f"{{base_url: 'http://127.0.0.1:{closed_port()}'{more}}}"
    text = f"version: 1\nenvironment: stage\ntargets:\n  http: {http}\n"
    faults = Faults(runtime_for(text, folder=tmp_path, allowed=allowed), tmp_path)
    with pytest.raises(CouldNotRun, match=message), faults.restart("http", within=5):
        raise AssertionError("the block must not begin")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["true"], "the restart was not seen: a connection that stood before is still there"),
        (["no-such-program"], "no-such-program is not installed, or not on PATH"),
    ],
)
def test_a_restart_that_is_none(tmp_path, valkey_server, command, message):
    """A command that does nothing, or is not there."""
    declared = f"{{speaks: redis, address: '127.0.0.1:{valkey_server.port}', restart: {json.dumps(command)}}}"
    _, faults = restarts_of(tmp_path, declared)
    with pytest.raises(CouldNotRun, match=message), faults.restart("queue", within=5):
        raise AssertionError("the block must not begin")


def test_the_api_refuses_what_makes_no_sense(ours):
    """Unlike toxiproxy, which takes a misspelt attribute for nothing."""
    url, _ = ours
    add = f"{url}/proxies/redis/toxics"
    for body, message in [
        ({"type": "latency", "attributes": {"latency_ms": 5}}, "attribute 'latency_ms' is not known"),
        ({"type": "slicer"}, "type 'slicer' is not known; there are latency, timeout, reset_peer"),
        ({"type": "timeout", "stream": "sideways"}, "stream 'sideways' is neither"),
        ({"type": "timeout", "toxicity": 2}, "toxicity lies between 0 and 1"),
        ([], "the body is no JSON object"),
    ]:
        with pytest.raises(ApiError, match=message):
            call("POST", add, body)
    with pytest.raises(ApiError, match="answered 404"):
        call("GET", f"{url}/proxies/nobody")
    assert toxics(url) == []


def test_much_goes_through_unchanged(ours):
    """Ten megabytes there and back."""
    _, port = ours
    client = redis.Redis(port=port)
    data = os.urandom(10 * 1024 * 1024)
    client.set("tests:blob", data, ex=60)
    assert client.get("tests:blob") == data
    client.delete("tests:blob")


def test_the_upstream_can_be_changed(ours, tmp_path):
    """What asked for the old one is ended; new connections lead to the new one."""
    url, port = ours

    def greets(client):
        client.recv(100)
        client.sendall(b"+HELLO\r\n")

    with server(greets) as other:
        before = call("GET", f"{url}/proxies/redis")["upstream"]
        call("POST", f"{url}/proxies/redis", {"upstream": f"127.0.0.1:{other}"})
        with socket.create_connection(("127.0.0.1", port), 5) as client:
            client.sendall(b"PING\r\n")
            assert client.recv(100) == b"+HELLO\r\n"
        call("POST", f"{url}/proxies/redis", {"upstream": before})
    assert client_on(port).ping()
