"""Targets that are away, mute, endless or hostile: one clear reason on the card, in bounded time, and nothing runs."""

from __future__ import annotations

import html.parser
import re
import socket
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler

import pytest
from live.targets.hostile import closed_port, endless, endless_rows, hangs_up, postgres, says, server, silent

from plugin._servers import http_server
from plugin._servers import says as http_says
from plugin.conftest import CONFIG, Project

CHECKS = """\
check = audit(dimension="4.1", level=2)

@check
def test_postgres(audit_postgres):
    audit_postgres.execute("SELECT 1").fetchall()

@check
def test_pgbouncer(audit_pgbouncer):
    audit_pgbouncer.execute("SHOW POOLS").fetchall()

@check
def test_redis(audit_redis):
    audit_redis.info()

@check
def test_http(audit_http):
    audit_http.get("/")

@check
def test_endpoints(audit_endpoints):
    assert len(audit_endpoints)

@check
def test_prometheus(audit_prometheus):
    audit_prometheus.query("up")
"""


def audit(project: Project, ports: dict[str, int], *arguments: str, checks: str = CHECKS) -> pytest.RunResult:
    """Audit targets on these ports, with short deadlines."""
    places = {
        "postgres": "{dsn: 'postgresql://audit@127.0.0.1:%d/orders'}",
        "pgbouncer": "{dsn: 'postgresql://audit@127.0.0.1:%d/pgbouncer'}",
        "redis": "{url: 'redis://127.0.0.1:%d/0'}",
        "http": "{base_url: 'http://127.0.0.1:%d', openapi: /openapi.json}",
        "prometheus": "{url: 'http://127.0.0.1:%d'}",
    }
    targets = "".join(f"  {name}: {places[name] % port}\n" for name, port in ports.items())
    project.config(CONFIG + f"timeouts: {{connect: 1, statement: 1, request: 1}}\ntargets:\n{targets}")
    project.suite(checks)
    result = project.run("--audit", "--tb=no", *arguments)
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text
    assert "INTERNALERROR" not in text
    return result


def reasons(project: Project) -> dict[str, str]:
    """Check -> why it could not run, ports blanked; any other status in front of it."""
    return {
        a.instance.rpartition("::test_")[2]: ("" if a.status.value == "could-not-run" else f"{a.status.value}: ")
        + re.sub(r"127\.0\.0\.1:\d+|port \d+|\d+\.\d s|\S+Z\b", "_", a.reason)
        for a in project.record().attempts
    }


EVERYTHING = ("postgres", "pgbouncer", "redis", "http", "prometheus")


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
def test_nothing_listens(project: Project, workers: tuple[str, ...]) -> None:
    """Each target is named, with the place in audit.yaml."""
    audit(project, dict.fromkeys(EVERYTHING, closed_port()), *workers)
    refused = 'connection failed: connection to server at "127.0.0.1", _ failed: Connection refused Is the server '
    refused += "running on that host and accepting TCP/IP connections? - is it running?"
    assert reasons(project) == {
        "postgres": f"targets.postgres: {refused} (audit.yaml:8)",
        "pgbouncer": f"targets.pgbouncer: {refused} (audit.yaml:9)",
        "redis": "targets.redis: Error 111 connecting to _. Connection refused. - is it running? (audit.yaml:10)",
        "endpoints": "targets.http.openapi: /openapi.json: [Errno 111] Connection refused (audit.yaml:11)",
        "http": "targets.http: GET http://_/: ConnectError: [Errno 111] Connection refused "
        "(it has not answered in this check)",
        "prometheus": "targets.prometheus: [Errno 111] Connection refused (audit.yaml:12)",
    }


def test_a_black_hole(project: Project) -> None:
    """It takes everything and says nothing; the second check does not wait again."""
    with server(silent) as port:
        audit(project, dict.fromkeys(EVERYTHING, port), checks=CHECKS + CHECKS.replace("def test_", "def test_again_"))
    assert set(project.statuses().values()) == {"could-not-run"}
    told = reasons(project)
    assert sum("no answer within" in reason for reason in told.values()) == len(told)
    # HTTP and the documents that are fetched by it share one server: each of the five waits once.
    assert sum("not tried again" in reason for reason in told.values()) >= 5


def test_hanging_up(project: Project) -> None:
    """At the first word."""
    with server(hangs_up) as port:
        audit(project, dict.fromkeys(EVERYTHING, port))
    assert set(project.statuses().values()) == {"could-not-run"}
    told = reasons(project)
    assert told["redis"] == "targets.redis: Connection closed by server. (audit.yaml:10)"
    assert told["prometheus"] == "targets.prometheus: Server disconnected without sending a response. (audit.yaml:12)"


def test_garbage(project: Project) -> None:
    """Bytes of no protocol."""
    with server(says(*[bytes(range(256)) * 8] * 4)) as port:
        audit(project, dict.fromkeys(EVERYTHING, port))
    assert set(project.statuses().values()) == {"could-not-run"}
    told = reasons(project)
    assert told["postgres"].startswith("targets.postgres: what answers there does not speak PostgreSQL's protocol: ")
    assert told["prometheus"] == "targets.prometheus: illegal request line (audit.yaml:12)"


def test_an_answer_without_end(project: Project) -> None:
    """A gigabyte, were it read: rows, a bulk reply, a body. It is cut off, and the record stays small."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    with ExitStack() as stack:
        web = stack.enter_context(server(endless(head, b"x" * 65536)))
        rows = stack.enter_context(server(postgres(endless_rows)))
        bulk = stack.enter_context(server(endless(b"$1073741824\r\n", b"x" * 65536)))
        audit(project, {"postgres": rows, "redis": bulk, "http": web, "prometheus": web}, "-k", "not pgbouncer")
    told = reasons(project)
    assert told["postgres"] == "postgres _/orders: the answer is larger than 256 MiB; nothing of it was kept"
    assert told["redis"] == "targets.redis: the answer is larger than 64 MiB; nothing of it was kept (audit.yaml:9)"
    assert told["http"] == "targets.http: GET http://_/ answers more than 4096 KiB; the rest was not read"
    assert set(project.statuses().values()) == {"could-not-run"}
    size = sum(p.stat().st_size for p in (project.path / "audit-report").rglob("*") if p.is_file())
    assert size < 20 << 20


def test_a_page_for_everything(project: Project) -> None:
    """200 and HTML whatever is asked: no OpenAPI document, no Prometheus, and a service nonetheless."""
    page = b"<!doctype html><title>Welcome</title>" + b"<p>hello</p>" * 100
    with http_server(http_says(page, "text/html")) as port:
        audit(project, dict.fromkeys(EVERYTHING, port))
    told = reasons(project)
    assert (
        told["prometheus"]
        == "targets.prometheus: /api/v1/query gave 200 and no JSON: is the URL right? (audit.yaml:12)"
    )
    assert told["endpoints"].startswith("targets.http.openapi: /openapi.json is no OpenAPI document: it begins with ")
    statuses = project.statuses()
    assert statuses.pop("test_http") == "passed"
    assert set(statuses.values()) == {"could-not-run"}


EVIL = (
    "</pre></script><script>alert('evil-script')</script><img src=x onerror=\"alert('evil-image')\">"
    "\x1b[2J\x1b]0;evil-title\x07\x9b31m\x00\x08\r\n\u202eevil-right\u2066\u200f\ufeff"
    "' onmouseover='alert(1)' {{ 7 * 7 }} %s ${x} javascript:alert(1)"
)


class Scripts(html.parser.HTMLParser):
    """What of a page a browser would run."""

    def __init__(self) -> None:
        """Begin outside any script."""
        super().__init__()
        self.found: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note handlers, links and foreign content."""
        self._in_script = tag == "script"
        if tag in {"img", "iframe", "object", "embed", "form", "base"}:
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on") or (value or "").lower().lstrip().startswith("javascript:"):
                self.found.append(f"{tag} {name}")

    def handle_data(self, data: str) -> None:
        """Note what is inside a script."""
        if self._in_script and "evil" in data:
            self.found.append(data)


def evil(request: BaseHTTPRequestHandler) -> None:
    """A body full of it, and a path that comes back in a header."""
    http_says(EVIL.encode(), "text/html; charset=utf-8", X_Echo="<script>evil-header</script>")(request)


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
def test_what_a_hostile_service_answers_does_nothing(project: Project, workers: tuple[str, ...]) -> None:
    """In evidence, reasons, ids, exceptions: escaped in HTML, visible on the terminal, ASCII in JSON."""
    checks = (
        "check = audit(dimension='4.7', level=2)\n"
        f"EVIL = {EVIL!r}\n"
        "@check\ndef test_seen(audit_http): assert audit_http.get('/').status_code == 200\n"
        "@check\ndef test_asserted(audit_http): assert not (text := audit_http.get('/').text), f'says {text}'\n"
        "@check\ndef test_raised(): raise ValueError(EVIL)\n"
        "@check\ndef test_skipped(): pytest.skip(EVIL)\n"
        "@check\n@pytest.mark.parametrize('n', [1], ids=[EVIL])\ndef test_named(n): assert False, EVIL\n"
        "import warnings\n"
        "@check\ndef test_printed():\n    print(EVIL)\n    warnings.warn(EVIL)\n    assert not EVIL\n"
    )
    with http_server(evil) as port:
        result = audit(project, {"http": port}, "-rA", *workers, checks=checks)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    report = project.path / "audit-report"
    page = (report / "scorecard.html").read_text("utf-8")
    scripts = Scripts()
    scripts.feed(page)
    assert scripts.found == []
    assert "evil-script" in page
    for path in (report / "scorecard.json", report / "findings.json", report / "journal.jsonl"):
        assert path.read_bytes().isascii(), path.name
    for path in (report / "scorecard.html", report / "scorecard.md", report / "junit.xml"):
        assert controls(path.read_text("utf-8")) == set(), path.name
    # What pytest prints of failures is escaped as well, and so is our own section.
    shown = result.stdout.str()
    assert "evil-right" in shown
    assert controls(shown) == set()


def controls(text: str) -> set[str]:
    """Characters that would move the cursor, change colours or turn the direction."""
    return set(re.findall(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", text))


def test_a_server_that_refuses_tls(project: Project) -> None:
    """Asked for https where plain HTTP is spoken: could not run, by one line."""
    with http_server(http_says(b"ok")) as port:
        project.config(CONFIG + f"targets: {{http: {{base_url: 'https://127.0.0.1:{port}'}}}}\n")
        project.suite("@audit(dimension='4.7', level=2)\ndef test_http(audit_http): audit_http.get('/')\n")
        project.run("--audit", "--tb=no")
    ((name, reason),) = reasons(project).items()
    assert name == "http"
    assert reason.startswith("targets.http: GET https://_/: ConnectError: [SSL")


def test_a_target_that_dies_during_the_check(project: Project) -> None:
    """It answered once in this check, so that breaking off is the service's failure."""
    answered: list[int] = []

    def once(request: BaseHTTPRequestHandler) -> None:
        if answered:
            request.connection.shutdown(socket.SHUT_RDWR)
        else:
            answered.append(1)
            http_says(b"ok")(request)

    with http_server(once) as port:
        project.config(CONFIG + f"targets: {{http: {{base_url: 'http://127.0.0.1:{port}'}}}}\n")
        project.suite(
            "@audit(dimension='4.7', level=3)\n"
            "def test_http(audit_http):\n    audit_http.get('/')\n    audit_http.get('/')\n"
        )
        project.run("--audit", "--tb=no")
    ((_, reason),) = reasons(project).items()
    assert reason.startswith("failed: the service broke off: GET http://_/: RemoteProtocolError")
