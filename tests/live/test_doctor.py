"""``backend-audit doctor`` against systems that are well, that are not, and that are not there."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from unit.cli.command import backend_audit

from pytest_backend_audit.demo.stack.stack import Stack

PASSWORD = "look-but-do-not-touch"
ADMIN_PASSWORD = "super-secret-0001"

DEAD = """\
version: 1
service: orders
environment: local
timeouts: {connect: 0.5, statement: 0.5, request: 0.5}
targets:
  postgres: {dsn: "${ORDERS_DSN}"}
  pgbouncer: {dsn: "${ORDERS_DSN}"}
  redis: {url: "${ORDERS_REDIS}"}
  http: {base_url: "${ORDERS_URL}", health: /healthz}
  prometheus: {url: "${ORDERS_URL}"}
build: {url: /version}
"""


class Service(BaseHTTPRequestHandler):
    """A service whose clock is an hour behind, and whose second instance shows no metrics."""

    def do_GET(self) -> None:
        """Answer."""
        status = {"/healthz": 503, "/metrics/1": 200, "/metrics/2": 404}.get(self.path, 200)
        self.send_response_only(status)
        self.send_header("Date", format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[str]:
    """Base URL of `Service`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


class Mail(socketserver.BaseRequestHandler):
    """Greets as mail servers do, and hangs up."""

    def handle(self) -> None:
        """Greet."""
        self.request.sendall(b"220 mail.example.org ESMTP\r\n")


@pytest.fixture
def mail() -> Iterator[int]:
    """Port of `Mail`."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture
def closed() -> Iterator[int]:
    """A port that is taken, so that nobody else listens there, and that refuses connections."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen(64)
        yield held.getsockname()[1]


def answers(out: str) -> dict[str, tuple[str, str]]:
    """Subject -> state and sentence, from ``--json``."""
    return {a["subject"]: (a["state"], a["says"]) for a in json.loads(out)}


def at(port: int) -> dict[str, str]:
    """Variables that point everything at one port."""
    return {
        "ORDERS_DSN": f"postgresql://auditor:{PASSWORD}@127.0.0.1:{port}/orders",
        "ORDERS_REDIS": f"redis://auditor:{PASSWORD}@127.0.0.1:{port}/0",
        "ORDERS_URL": f"http://127.0.0.1:{port}",
    }


def test_a_sound_stack(tmp_path: Path) -> None:
    """Versions, roles, operations, series and the build; nothing of a secret."""
    import yaml

    from pytest_backend_audit.demo import repository

    with Stack.start() as stack:
        made = repository.make(tmp_path / "orders service")
        config = made.path / "audit.yaml"
        data = yaml.safe_load(config.read_text())
        # What a machine lacks isn't declared.
        absent = [n for n, has in (("pgbouncer", stack.pooler), ("prometheus", stack.prometheus)) if has is None]
        for name in absent:
            del data["targets"][name]
        config.write_text(json.dumps(data, indent=1, default=str))
        done = backend_audit("doctor", "--json", cwd=made.path, **stack.environment())
        secrets = [
            *stack.tokens.values(),
            *(url.split("@")[0].rpartition(":")[2] for url in (stack.dsn, stack.redis_url)),
        ]
    assert (done.returncode, done.stderr) == (0, "")
    found = answers(done.stdout)
    assert found["audit.yaml"] == ("ok", "orders, local")
    assert found["postgres"][0] == "ok"
    assert found["postgres"][1].startswith("PostgreSQL ")
    assert found["postgres"][1].endswith(" as audit_monitor")
    assert found["replica"] == found["postgres"]
    assert found["redis"][0] == "ok"
    assert found["redis"][1].startswith("Valkey ")
    assert found["redis"][1].endswith(" as audit")
    assert found["http"][0] == "ok"
    assert re.fullmatch(rf"{stack.base_url}/healthz answers 200, 1\d operations known", found["http"][1])
    expected = {"pgbouncer": "PgBouncer ", "prometheus": "Prometheus "}
    for name in set(expected).difference(absent):
        assert found[name][0] == "ok"
        assert found[name][1].startswith(expected[name])
    assert found["faults"][0] == "ok"
    assert found["faults"][1].endswith(", 3 dependencies")
    assert found["downstream"] == ("ok", "in the place of pricing")
    # The instances run the installed package's code, which is of no commit.
    assert found["build"][0] == "warning"
    assert [s for s in secrets if s in done.stdout] == []


def test_roles_that_may_too_much_or_see_too_little(tmp_path: Path, monitored, valkey_server) -> None:
    """A superuser, a role without pg_monitor, a database without the extension, an almighty Redis user."""
    admin = monitored.dsn(password=ADMIN_PASSWORD)
    config = 'version: 1\nservice: orders\nenvironment: local\ntargets:\n  postgres: {dsn: "${DSN}"}\n'
    (tmp_path / "audit.yaml").write_text(config + '  redis: {url: "${URL}"}\n')
    done = backend_audit("doctor", "--json", cwd=tmp_path, DSN=admin, URL=valkey_server.url())
    found = answers(done.stdout)
    assert done.returncode == 0
    assert found["postgres"][0] == "warning"
    assert found["postgres"][1].partition(" as ")[2] == (
        "postgres; the role postgres has more than reading rights: superuser; fine here, refused in prod and canary "
        "(`backend-audit init` writes a smaller one)"
    )
    assert found["redis"][0] == "warning"
    assert "flushall" in found["redis"][1]
    blind = monitored.dsn("blind", "may-see-nothing", "template1")
    done = backend_audit("doctor", "--json", cwd=tmp_path, DSN=blind, URL=valkey_server.url("auditor", PASSWORD))
    found = answers(done.stdout)
    assert found["postgres"][0] == "warning"
    assert found["postgres"][1].partition("; ")[2] == (
        "blind is no member of pg_monitor, so others' statements are hidden: GRANT pg_monitor TO it; "
        "no pg_stat_statements in this database: CREATE EXTENSION pg_stat_statements"
    )
    assert found["redis"][0] == "ok"


def test_a_replica_that_is_none(tmp_path: Path, monitored) -> None:
    """The DSN of the primary under the wrong name."""
    (tmp_path / "audit.yaml").write_text(
        'version: 1\nservice: orders\nenvironment: local\ntargets:\n  replica: {dsn: "${DSN}"}\n'
    )
    done = backend_audit("doctor", "--json", cwd=tmp_path, DSN=monitored.dsn("auditor", PASSWORD))
    state, says = answers(done.stdout)["replica"]
    assert state == "warning"
    assert says.endswith(" as auditor; it is no replica: pg_is_in_recovery() is false")


def test_wrong_passwords(tmp_path: Path, monitored, valkey_server) -> None:
    """Who was refused and what to check, not the password."""
    (tmp_path / "audit.yaml").write_text(
        "version: 1\nservice: orders\nenvironment: local\ntargets:\n"
        '  postgres: {dsn: "${DSN}"}\n  redis: {url: "${URL}"}\n'
    )
    wrong = "not-the-password-0001"
    done = backend_audit(
        "doctor", cwd=tmp_path, DSN=monitored.dsn("auditor", wrong), URL=valkey_server.url("auditor", wrong)
    )
    assert (done.returncode, done.stderr) == (1, "")
    said = " ".join(done.stdout.split())
    assert (
        'password authentication failed for user "auditor" - check user and password in the DSN (audit.yaml:5)' in said
    )
    assert (
        "invalid username-password pair or user is disabled. - check user and password in the URL (audit.yaml:6)"
        in said
    )
    assert wrong not in done.stdout


def test_nothing_listens(tmp_path: Path, closed: int) -> None:
    """Each target's line, in 80 columns; the build is not asked of a service that is away."""
    (tmp_path / "audit.yaml").write_text(DEAD)
    done = backend_audit("doctor", cwd=tmp_path, **at(closed))
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.partition("tool  ")[0] == (
        "audit.yaml    ok              orders, local\n"
        f'postgres      could not run   connection to server at "127.0.0.1", port {closed}\n'
        "                              failed: Connection refused - is it running?\n"
        "                              (audit.yaml:6)\n"
        "replica       not configured  no bundled check asks for it\n"
        f'pgbouncer     could not run   connection to server at "127.0.0.1", port {closed}\n'
        "                              failed: Connection refused - is it running?\n"
        "                              (audit.yaml:7)\n"
        f"redis         could not run   Error 111 connecting to 127.0.0.1:{closed}.\n"
        "                              Connection refused. - is it running?\n"
        "                              (audit.yaml:8)\n"
        f"http          could not run   [Errno 111] Connection to 127.0.0.1:{closed} refused\n"
        "                              - is it running? (audit.yaml:9)\n"
        f"prometheus    could not run   [Errno 111] Connection to 127.0.0.1:{closed} refused\n"
        "                              (audit.yaml:10) - is it running?\n"
        "faults        not configured  checks of 4.2, 4.3 could not run without it:\n"
        "                              declare it, for instance faults: {url:\n"
        '                              "http://127.0.0.1:8474", dependencies: {postgres:\n'
        "                              {}, redis: {}}} (audit.yaml)\n"
        "downstream    not configured  checks of 4.2 could not run without it: declare\n"
        "                              it, for instance downstream: {listen:\n"
        '                              "127.0.0.1:9191", forward:\n'
        '                              "http://127.0.0.1:9192"} (audit.yaml)\n'
        "queues        not configured  no bundled check asks for it\n"
    )
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []


def test_what_is_not_configured_is_no_failure(tmp_path: Path, service: str) -> None:
    """Only a target that audit.yaml names has to be reached; which of its bundled checks ask for another is told."""
    head = f"version: 1\nservice: orders\nenvironment: local\ntargets:\n  http: {{base_url: {service}}}\n"
    (tmp_path / "audit.yaml").write_text(f'{head}suites: ["4.2"]\nsought: {{"4.2": 3}}\n')
    done = backend_audit("doctor", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    found = answers(done.stdout)
    assert found["http"][0] == "warning"
    assert found["postgres"] == (
        "not configured",
        "checks of 4.2 could not run without it: declare it, for instance postgres: "
        '{dsn: "${AUDIT_POSTGRES_DSN}"} (audit.yaml)',
    )
    # The pooler is sought from L4 on.
    others = ("replica", "pgbouncer", "prometheus", "queues")
    assert {name: found[name] for name in others} == dict.fromkeys(
        others, ("not configured", "no bundled check asks for it")
    )
    assert [a["subject"] for a in json.loads(done.stdout) if a["state"] == "not configured" and a["configured"]] == []
    (tmp_path / "audit.yaml").write_text(f"{head}suites: none\n")
    found = answers(backend_audit("doctor", "--json", cwd=tmp_path).stdout)
    assert found["postgres"] == ("not configured", "no bundled check asks for it")


def test_nothing_answers(tmp_path: Path, silent: int) -> None:
    """A black hole costs its timeout; the process comes to an end by itself."""
    (tmp_path / "audit.yaml").write_text(DEAD)
    done = backend_audit("doctor", "--json", cwd=tmp_path, **at(silent))
    assert (done.returncode, done.stderr) == (1, "")
    found = answers(done.stdout)
    asked = ("postgres", "pgbouncer", "redis", "http", "prometheus")
    assert {name: found[name][0] for name in asked} == dict.fromkeys(asked, "could not run")
    assert [name for name in asked if not found[name][1].startswith("no answer within ")] == []
    assert "build" not in found


def test_something_else_answers(tmp_path: Path, mail: int) -> None:
    """A mail server where all the others should be: what it does not speak is named."""
    (tmp_path / "audit.yaml").write_text(DEAD)
    found = answers(backend_audit("doctor", "--json", cwd=tmp_path, **at(mail)).stdout)
    assert found["postgres"][1].startswith("what answers there does not speak PostgreSQL's protocol: ")
    assert found["redis"][1].startswith("what answers there does not speak Redis's protocol: ")
    assert found["http"][1].startswith("what answers there does not speak HTTP: ")
    assert found["prometheus"][0] == "could not run"


def test_a_prometheus_that_is_none(tmp_path: Path, service: str) -> None:
    """A web server, but not this one."""
    (tmp_path / "audit.yaml").write_text(
        f"version: 1\nservice: orders\nenvironment: local\ntargets:\n  prometheus: {{url: {service}}}\n"
    )
    found = answers(backend_audit("doctor", "--json", cwd=tmp_path).stdout)
    assert found["prometheus"] == ("could not run", "/api/v1/query answered 200: no result (audit.yaml:5)")


def test_a_service_that_is_not_well(tmp_path: Path, service: str) -> None:
    """Reached, so no reason to fail; but its liveness, clock, metrics and document are worth a word each."""
    (tmp_path / "audit.yaml").write_text(
        "version: 1\nservice: orders\nenvironment: local\ntargets:\n"
        f'  http: {{base_url: "{service}", health: /healthz,'
        f' metrics: ["{service}/metrics/1", "{service}/metrics/2"]}}\n'
    )
    done = backend_audit("doctor", "--json", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    state, says = answers(done.stdout)["http"]
    assert state == "warning"
    assert says.startswith(f"{service}/healthz answers 503; its liveness path does not answer 2xx; its clock is -36")
    assert says.endswith(
        f" s off ours: set both by NTP; metrics page {service}/metrics/2 answers 404; no operation of the service is "
        "known: set targets.http.openapi, or declare endpoints (audit.yaml:5)"
    )


def test_what_checks_will_ask_for_is_foreseen(tmp_path: Path, service: str) -> None:
    """An identity, and how an answer tells its instance; nothing is said where they are declared."""
    head = "version: 1\nservice: orders\nenvironment: local\ntargets:\n  http:\n"
    (tmp_path / "audit.yaml").write_text(f"{head}    base_url: {service}\n")
    found = answers(backend_audit("doctor", "--json", cwd=tmp_path).stdout)
    assert found["identities"] == (
        "warning",
        "none is declared, so what is behind a login could not be tested (audit.yaml:5)",
    )
    assert found["instance"] == (
        "warning",
        "targets.http.instance is not declared, so which instance answers could not be told (audit.yaml:5)",
    )
    declared = (
        f"    base_url: {service}\n    instance: {{url: /whoami}}\nidentities: {{alice: {{token: '${{ALICE}}'}}}}\n"
    )
    (tmp_path / "audit.yaml").write_text(head + declared)
    found = answers(backend_audit("doctor", "--json", cwd=tmp_path).stdout)
    assert [name for name in ("identities", "instance") if name in found] == []


def test_variables_and_secrets(tmp_path: Path, closed: int) -> None:
    """What is not set, and what is too short to be hidden everywhere."""
    (tmp_path / "audit.yaml").write_text(
        "version: 1\nservice: orders\nenvironment: local\ntargets:\n"
        '  postgres: {dsn: "${ORDERS_DSN}"}\n  redis: {url: "${ORDERS_REDIS}"}\n'
        'identities:\n  alice: {token: "${ALICE}"}\n  bob: {token: "${BOB}"}\n'
    )
    done = backend_audit("doctor", "--json", cwd=tmp_path, ORDERS_REDIS=f"redis://:short@127.0.0.1:{closed}", BOB="b0b")
    assert done.returncode == 1
    found = answers(done.stdout)
    assert found["postgres"] == ("could not run", "ORDERS_DSN is not set in the environment (audit.yaml:5)")
    assert found["alice"] == ("could not run", "ALICE is not set in the environment (audit.yaml:8)")
    weak = "shorter than 8 characters, or an ordinary word, so it can't be hidden everywhere: use a longer one"
    assert {s: a for s, a in found.items() if s.startswith(("targets.", "identities."))} == {
        "targets.redis.url": ("warning", weak),
        "identities.bob.token": ("warning", weak),
    }
    assert "short@" not in done.stdout


def test_without_an_audit_yaml(tmp_path: Path) -> None:
    """There is nothing to reach, which is not fine; tools are looked for all the same."""
    done = backend_audit("doctor", cwd=tmp_path, PATH="/nonexistent")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "audit.yaml    could not run   there is none here; `backend-audit init` writes\n"
        "                              one\n"
        "tool          could not run   Load testing: install one of k6, vegeta\n"
        "tool          could not run   Fault injection: install one of toxiproxy-server,\n"
        "                              tc\n"
        "tool          could not run   Dependency vulnerabilities: install one of trivy,\n"
        "                              govulncheck, pip-audit, npm, cargo-audit\n"
        "tool          could not run   Secret scanning: install one of gitleaks,\n"
        "                              trufflehog\n"
        "tool          could not run   TLS audit: install one of testssl.sh, nmap\n"
    )


def test_tools_are_found_on_the_path(tmp_path: Path) -> None:
    """One of a kind is enough."""
    for name in ("k6", "nmap"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    found = answers(backend_audit("doctor", "--json", cwd=tmp_path, PATH=str(tmp_path)).stdout)
    assert found["Load testing"] == ("ok", "k6")
    assert found["TLS audit"] == ("ok", "nmap")
    assert found["Secret scanning"] == ("could not run", "install one of gitleaks, trufflehog")


def test_other_plugins_targets(tmp_path: Path) -> None:
    """Opened by their factory; a factory that skips, or breaks, is an answer."""
    (tmp_path / "conftest.py").write_text(
        "import pytest\n"
        "def pytest_audit_targets():\n"
        "    def broken(runtime, settings):\n"
        "        raise RuntimeError('no licence for ' + settings['key'])\n"
        "    def away(runtime, settings):\n"
        "        pytest.skip('the mainframe sleeps')\n"
        "    return {'ledger': lambda runtime, settings: object(), 'mainframe': away, 'queue': broken}\n"
    )
    (tmp_path / "audit.yaml").write_text(
        "version: 1\nservice: orders\nenvironment: local\n"
        'targets: {ledger: {}, mainframe: {}, queue: {key: "${QUEUE_KEY}"}}\n'
    )
    done = backend_audit("doctor", "--json", cwd=tmp_path, QUEUE_KEY="a-key-of-some-length")
    found = answers(done.stdout)
    assert done.returncode == 1
    assert found["ledger"] == ("ok", "opened")
    assert found["mainframe"] == ("could not run", "the mainframe sleeps (audit.yaml:4)")
    assert found["queue"][1].startswith("no licence for ")
    assert "a-key-of-some-length" not in done.stdout


def test_a_broken_suite_does_not_keep_the_doctor_from_his_work(tmp_path: Path) -> None:
    """Nothing is collected; a broken audit.yaml or a wrong option is usage."""
    (tmp_path / "test_broken.py").write_text("import no_such_module\n")
    (tmp_path / "audit.yaml").write_text("version: 1\nservice: orders\nenvironment: local\n")
    assert backend_audit("doctor", cwd=tmp_path).returncode == 0
    done = backend_audit("doctor", "--env", "prod", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        'backend-audit: audit.yaml:3: environment: found "local", the only environment; '
        "--audit-env=prod asks for another\n"
    )


def test_one_of_several_environments(tmp_path: Path, closed: int) -> None:
    """By its name; the line that is named is inside its block."""
    (tmp_path / "audit.yaml").write_text(
        "version: 1\nservice: orders\nenvironments:\n"
        "  canary:\n    kind: canary\n"
        "  home:\n    kind: local\n    targets:\n"
        f"      redis: {{url: redis://127.0.0.1:{closed}}}\n"
    )
    found = answers(backend_audit("doctor", "--json", "--env", "home", cwd=tmp_path).stdout)
    assert found["audit.yaml"] == ("ok", "orders, home (local)")
    assert found["redis"][1].endswith(" - is it running? (audit.yaml:9)")


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    """While answers still come: quiet, and 141."""
    import subprocess

    from unit.cli.command import PROGRAM

    program = subprocess.Popen([*PROGRAM, "doctor"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    complaint = program.stderr.read()
    program.stderr.close()
    assert (program.wait(60), complaint) == (141, b"")
