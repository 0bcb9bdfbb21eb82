"""The fixtures inside a real run of pytest, on real servers."""

import inspect
import os
import subprocess
import sys

import pytest

from pytest_backend_audit.fixtures import Fixtures
from pytest_backend_audit.journal import read_run

SUITE = """
import pytest
from pytest_backend_audit import audit

@audit(dimension="4.1", level=2)
def test_postgres(audit_postgres, audit_settings):
    (shown,) = audit_postgres.execute("SHOW server_version_num").fetchone()
    row = audit_postgres.execute("SELECT 1 AS one").fetchone()
    assert (int(shown) >= 130000, row.one) == (True, 1)

@audit(dimension="4.1", level=3)
def test_two_connections(audit_postgres_connect):
    one, two = audit_postgres_connect(), audit_postgres_connect(application_name="second")
    assert one.execute("SELECT pg_backend_pid()").fetchone() != two.execute("SELECT pg_backend_pid()").fetchone()

@audit(dimension="4.3", level=2)
def test_redis(audit_redis):
    assert audit_redis.info("stats")["total_commands_processed"] > 0

@audit(dimension="4.3", level=3)
def test_redis_refuses(audit_redis):
    audit_redis.flushall()

@audit(dimension="4.3", level=4)
def test_window(audit_redis, audit_window):
    with audit_window(lambda: audit_redis.info("stats"), traffic=["total_commands_processed"], at_least=1) as window:
        audit_redis.ping()
    assert window.delta["total_commands_processed"] >= 1

@audit(dimension="4.7", level=2)
def test_http(audit_http): audit_http.get("/")

@audit(dimension="4.7", level=3)
def test_identity(audit_identity): audit_identity("alice").get("/")

@audit(dimension="4.2", level=2)
def test_pgbouncer(audit_pgbouncer): pass

@audit(dimension="4.2", level=3)
def test_source(audit_source, audit_command, audit_run):
    assert audit_run.commit == audit_command(["git", "rev-parse", "HEAD"]).stdout.strip()
    assert audit_source.files("*.yaml") == ["audit.yaml"]

@audit(dimension="4.2", level=4)
def test_connection_is_found_in_order(audit_postgres):
    audit_postgres.execute("SET work_mem = '1MB'")
    audit_postgres.execute("BEGIN")

@audit(dimension="4.2", level=5)
def test_connection_is_found_in_order_again(audit_postgres):
    assert audit_postgres.execute("SHOW work_mem").fetchone() == ("4MB",)
"""
YAML = """version: 1
service: orders
environment: stage
standard: none
suites: none
targets:
  postgres: {dsn: "${DSN}"}
  redis: {url: "${URL}"}
  http: {base_url: "${HTTP}"}
identities:
  alice: {token: "${ALICE}"}
"""


@pytest.fixture
def repository(tmp_path):
    """A committed repository with the suite."""
    (tmp_path / "test_checks.py").write_text(SUITE)
    (tmp_path / "audit.yaml").write_text(YAML)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / ".gitignore").write_text("audit-report\n__pycache__\n.pytest_cache\n")
    git = ["git", "-C", tmp_path, "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True)
    return tmp_path


def test_fixtures_in_a_run(repository, monitored, valkey_server):
    """What could be looked at passes; what is not configured, not reachable or not set could not run, in words."""
    environ = {
        **os.environ,
        "DSN": monitored.dsn("auditor", "look-but-do-not-touch"),
        "URL": valkey_server.url("auditor", "look-but-do-not-touch"),
        "HTTP": "http://127.0.0.1:1",
        "ALICE": "",
    }
    run = [sys.executable, "-m", "pytest", "--audit", "-p", "no:valkey", "-p", "no:cacheprovider"]
    done = subprocess.run(run, cwd=repository, env=environ, capture_output=True, text=True, timeout=120, check=False)
    record = read_run(repository / "audit-report")
    checks = {a.check.partition("::")[2]: (a.status.value, a.reason) for a in record.attempts}
    assert checks == {
        "test_postgres": ("passed", ""),
        "test_two_connections": ("passed", ""),
        "test_redis": ("passed", ""),
        "test_redis_refuses": (
            "broken",
            'RefusedCommandError: audit_redis refuses this: FLUSHALL writes: mark the check with needs=("writes",)',
        ),
        "test_window": ("passed", ""),
        "test_http": (
            "could-not-run",
            "targets.http: GET http://127.0.0.1:1/: ConnectError: [Errno 111] Connection refused "
            "(it has not answered in this check)",
        ),
        "test_identity": ("could-not-run", "identities.alice: ALICE is not set in the environment (audit.yaml:11)"),
        "test_pgbouncer": (
            "could-not-run",
            "targets.pgbouncer is not configured (audit.yaml): declare it, for instance "
            'pgbouncer: {dsn: "${AUDIT_PGBOUNCER_DSN}"}',
        ),
        "test_source": ("passed", ""),
        "test_connection_is_found_in_order": ("passed", ""),
        "test_connection_is_found_in_order_again": ("passed", ""),
    }, done.stdout + done.stderr
    everything = done.stdout + done.stderr
    for path in (repository / "audit-report").rglob("*"):
        everything += path.read_text() if path.is_file() else ""
    assert "look-but-do-not-touch" not in everything


def test_every_fixture_has_help_with_an_example():
    """`pytest --fixtures` shows it."""
    found = {n: f for n, f in vars(Fixtures).items() if n.startswith("audit_")}
    assert set(found) >= {
        "audit_acknowledged", "audit_attestation", "audit_command", "audit_downstream", "audit_endpoints",
        "audit_evidence", "audit_faults", "audit_http", "audit_identity", "audit_load", "audit_pgbouncer",
        "audit_postgres", "audit_postgres_connect", "audit_prometheus", "audit_query_budget", "audit_queues",
        "audit_redis", "audit_run", "audit_settings", "audit_source", "audit_window",
    }  # fmt: skip
    assert [n for n, f in found.items() if "``" not in (inspect.getdoc(f) or "")] == []
