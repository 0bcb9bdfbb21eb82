"""HTTP: declared hosts, safe methods, bounded answers, and what is recorded of them. On real sockets."""

import gzip
import time
from datetime import timedelta

import httpx
import pytest

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Check, Need, Status
from pytest_backend_audit.targets import http
from pytest_backend_audit.targets.classify import classify
from pytest_backend_audit.targets.common import settings_of
from pytest_backend_audit.testing import runtime_for

from .hostile import closed_port, endless, hangs_up, says, server, silent


def audit_of(tmp_path, port, kind="stage", hosts="", evidence="{}", **more):
    """An audit of whatever listens on this port."""
    text = (
        f"version: 1\nservice: orders\nenvironment: {kind}\ntargets:\n"
        f"  http: {{base_url: 'http://127.0.0.1:{port}', hosts: [{hosts}]}}\n"
        "identities:\n  alice: {token: '${ALICE}'}\n  bob: {username: bob, password: '${BOB}'}\n"
        f"timeouts: {{connect: 1, request: 1}}\nevidence: {evidence}\n"
    )
    environ = {"ALICE": "alice-secret-token", "BOB": "bobs-secret-word"}
    return runtime_for(text, folder=tmp_path, environ=environ, **more)


def client_of(audit):
    """A new client, as the fixture makes it."""
    return http.open_http(audit, settings_of(audit, "http"))


def answer(body: bytes, *headers: str, status="200 OK") -> bytes:
    """An HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_request_and_answer_become_evidence(tmp_path):
    """Request line, status, headers and body; cookies and tokens hidden."""
    page = answer(b'{"orders": []}', "Content-Type: application/json", "Set-Cookie: sid=4711; HttpOnly")
    with server(says(page)) as port:
        audit = audit_of(tmp_path, port)
        with audit.recorder.open() as buffer, client_of(audit) as client:
            got = client.get("/v1/orders?limit=1&token=abc", headers={"Authorization": "Bearer xyz"})
    assert isinstance(got.elapsed, timedelta)
    assert got.json() == {"orders": []}
    [evidence] = buffer.evidence
    assert evidence.title == "GET /v1/orders?limit=1&token=[redacted]"
    assert evidence.body == (
        "HTTP 200 OK\ncontent-length: 14\nconnection: close\ncontent-type: application/json\n"
        'set-cookie: [redacted]\n\n{"orders": []}'
    )
    assert evidence.target == f"http 127.0.0.1:{port}"
    assert evidence.facts == {"status": 200, "bytes": 14}
    assert audit.recorder.answered == {f"127.0.0.1:{port}"}


@pytest.mark.parametrize("kind", ["prod", "canary"])
@pytest.mark.parametrize("bundled", [False, True], ids=["own", "bundled"])
@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"Ada Lovelace", "text/plain, 12 bytes"),
        (b'{"name": "Ada", "n": 1}', "text/plain, 23 bytes, JSON object of 2"),
        (b'["Ada"]', "text/plain, 7 bytes, JSON array of 1"),
        (b'"Ada"', "text/plain, 5 bytes"),
    ],
)
def test_bodies_are_digested_in_prod(tmp_path, kind, bundled, body, told):
    """They may hold personal data, whoever asked: no check knows what a service answers."""
    with server(says(answer(body, "Content-Type: text/plain"))) as port:
        audit = audit_of(tmp_path, port, kind=kind, check=Check("m::t", "4.8", 2, bundled=bundled))
        with audit.recorder.open() as buffer, client_of(audit) as client:
            assert client.get("/").content == body
    kept = buffer.evidence[0].body
    assert "Ada" not in kept
    assert kept.partition("\n\n")[2].rpartition(" ")[0] == f"{told}, keyed digest"


def test_bodies_are_kept_in_prod_where_the_file_says_so(tmp_path):
    """``evidence.keep_rows``, in the open."""
    with server(says(answer(b"Ada Lovelace", "Content-Type: text/plain"))) as port:
        audit = audit_of(tmp_path, port, kind="prod", evidence="{keep_rows: true}")
        with audit.recorder.open() as buffer, client_of(audit) as client:
            client.get("/")
    assert buffer.evidence[0].body.endswith("\n\nAda Lovelace")


def test_an_identity_sends_its_credentials_and_names_itself_in_evidence(tmp_path):
    """The token itself is shown nowhere, not even where the service echoes it."""
    heard = []

    def echo(client):
        heard.append(client.recv(65536))
        client.sendall(answer(b"hello alice-secret-token"))

    with server(echo) as port:
        audit = audit_of(tmp_path, port)
        with audit.recorder.open() as buffer:
            for name in ("alice", "bob"):
                with http.open_identity(audit, settings_of(audit, "http"), name) as client:
                    client.get("/")
    assert b"Authorization: Bearer alice-secret-token\r\n" in heard[0]
    assert b"Authorization: Basic Ym9iOmJvYnMtc2VjcmV0LXdvcmQ=\r\n" in heard[1]
    assert [e.facts["identity"] for e in buffer.evidence] == ["alice", "bob"]
    assert buffer.evidence[0].body.endswith("hello [redacted]")


def test_an_unknown_identity_could_not_run(tmp_path):
    """It names it."""
    audit = audit_of(tmp_path, 1)
    with pytest.raises(CouldNotRun, match=r"identities\.carol is not configured \(audit\.yaml\)"):
        http.open_identity(audit, settings_of(audit, "http"), "carol")


def test_other_hosts_are_refused_on_every_hop(tmp_path):
    """Also when the service redirects there."""
    with server(says(answer(b"", "Location: http://169.254.169.254/latest/meta-data", status="302 Found"))) as port:
        audit = audit_of(tmp_path, port)
        with client_of(audit) as client, pytest.raises(CouldNotRun) as caught:
            client.get("/", follow_redirects=True)
    assert str(caught.value) == (
        "targets.http: GET http://169.254.169.254/latest/meta-data: 169.254.169.254:80 is not a declared host; "
        "add it to targets.http.hosts (audit.yaml:5)"
    )


def test_a_declared_host_may_be_called(tmp_path):
    """With a port that port only, without one any."""
    with server(says(answer(b"other"))) as other:
        audit = audit_of(tmp_path, 1, hosts="localhost")
        with client_of(audit) as client:
            assert client.get(f"http://localhost:{other}/").text == "other"


def test_proxies_of_the_environment_are_ignored(tmp_path, monkeypatch):
    """A proxy would see every credential of the audit."""
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    with server(says(answer(b"direct"))) as port, client_of(audit_of(tmp_path, port)) as client:
        assert client.get("/").text == "direct"


@pytest.mark.parametrize(
    ("method", "needs", "allowed", "reason"),
    [
        ("POST", (), frozenset(), 'the check did not ask for it: its mark lacks needs=("writes",)'),
        ("DELETE", (Need.WRITES,), frozenset(), "needs writes, which is not allowed: run with --audit-allow=writes"),
        ("POST", (Need.PROBES,), frozenset(), "needs probes, which is not allowed: run with --audit-allow=probes"),
        ("TRACE", (Need.WRITES,), frozenset({Need.WRITES}), 'its mark lacks needs=("probes",)'),
    ],
)
def test_methods_beyond_reading_need_the_mark_and_the_option(tmp_path, method, needs, allowed, reason):
    """Nothing is sent else."""
    audit = audit_of(tmp_path, closed_port(), check=Check("m::t", "4.7", 3, needs=needs), allowed=allowed)
    with client_of(audit) as client, pytest.raises(CouldNotRun) as caught:
        client.request(method, "/")
    assert reason in str(caught.value)


def test_a_check_that_may_write_can_post(tmp_path):
    """As its mark and the command line say."""
    check = Check("m::t", "4.6", 3, needs=(Need.WRITES,))
    with server(says(answer(b"made", status="201 Created"))) as port:
        audit = audit_of(tmp_path, port, check=check, allowed=frozenset({Need.WRITES}))
        with client_of(audit) as client:
            assert client.post("/v1/orders", json={}).status_code == 201


def judged(audit, ask):
    """How what a request raises is judged."""
    with client_of(audit) as client, pytest.raises((httpx.TransportError, CouldNotRun)) as caught:
        ask(client)
    status, reason = classify(caught.value, audit.recorder)
    assert reason.isprintable()
    return status, reason


def test_nothing_listens(tmp_path):
    """It never answered: nothing is known of it."""
    port = closed_port()
    assert judged(audit_of(tmp_path, port), lambda c: c.get("/healthz")) == (
        Status.COULD_NOT_RUN,
        f"targets.http: GET http://127.0.0.1:{port}/healthz: ConnectError: [Errno 111] Connection refused "
        "(it has not answered in this check)",
    )


def test_it_goes_away_after_it_answered(tmp_path):
    """That is a failure of the service."""
    with server(says(answer(b"fine"))) as port:
        audit = audit_of(tmp_path, port)
        with client_of(audit) as client:
            client.get("/")
    status, reason = judged(audit, lambda c: c.get("/"))
    assert status is Status.FAILED
    assert (
        reason == f"the service broke off: GET http://127.0.0.1:{port}/: ConnectError: [Errno 111] Connection refused"
    )


def test_a_black_hole_costs_its_timeout_once_a_run(tmp_path):
    """The second request is told at once, and since when it is known."""
    with server(silent) as port:
        audit = audit_of(tmp_path, port)
        status, reason = judged(audit, lambda c: c.get("/"))
        assert status is Status.COULD_NOT_RUN
        assert reason.startswith(f"targets.http: GET http://127.0.0.1:{port}/: ReadTimeout: no answer within 1.")
    status, reason = judged(audit, lambda c: c.get("/"))
    assert status is Status.COULD_NOT_RUN
    assert "(first seen " in reason
    assert "not tried again" in reason


@pytest.mark.parametrize(
    ("behave", "error"),
    [
        (hangs_up, "RemoteProtocolError"),
        (says(b"-ERR unknown command\r\n\r\n"), "RemoteProtocolError"),
        # Bytes that don't even end a line as HTTP ends it: there is nothing to do but wait.
        (says(b"\xff\xfe\0garbage"), "ReadTimeout"),
    ],
)
def test_what_is_no_http_could_not_be_looked_at(tmp_path, behave, error):
    """One printable line."""
    with server(behave) as port:
        status, reason = judged(audit_of(tmp_path, port), lambda c: c.get("/"))
        assert status is Status.COULD_NOT_RUN
        assert reason.startswith(f"targets.http: GET http://127.0.0.1:{port}/: {error}: ")


def test_an_endless_answer_is_not_read_to_its_end(tmp_path):
    """What came in the bounds is kept, with a remark."""
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with server(endless(head, chunk)) as port:
        audit = audit_of(tmp_path, port)
        with audit.recorder.open() as buffer:
            status, reason = judged(audit, lambda c: c.get("/big"))
    assert status is Status.COULD_NOT_RUN
    assert reason == f"targets.http: GET http://127.0.0.1:{port}/big answers more than 4096 KiB; the rest was not read"
    assert buffer.evidence[0].facts["read"] == "in part"


def test_a_compressed_bomb_is_not_unpacked(tmp_path):
    """A small answer may become a large one."""
    bomb = gzip.compress(bytes(400 * 2**20), 1)
    assert len(bomb) > http.ENCODED_LIMIT
    with server(says(answer(bomb, "Content-Encoding: gzip"))) as port:
        status, reason = judged(audit_of(tmp_path, port), lambda c: c.get("/"))
        assert status is Status.COULD_NOT_RUN
        assert reason.endswith("answers more than 256 KiB; the rest was not read")


def test_an_answer_by_drops_has_a_deadline(tmp_path):
    """Each drop comes inside the read timeout, all of them don't."""

    def drip(client):
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            client.sendall(b"x")
            time.sleep(0.05)

    with server(drip) as port:
        status, reason = judged(audit_of(tmp_path, port), lambda c: c.get("/"))
        assert (status, reason) == (
            Status.COULD_NOT_RUN,
            f"targets.http: GET http://127.0.0.1:{port}/ was still answering after 2 s",
        )


def test_hostile_pages_are_kept_as_they_are(tmp_path):
    """Escaping is the reports' work; evidence says what came."""
    page = "<script>alert(1)</script>\x1b[31m\u202e\x07"
    with server(says(answer(page.encode(), "Content-Type: text/html"))) as port:
        audit = audit_of(tmp_path, port)
        with audit.recorder.open() as buffer, client_of(audit) as client:
            assert client.get("/").text == page
    assert buffer.evidence[0].body.endswith(page)
