"""Load, faults and the listener inside real runs of pytest, with workers and without; and a run that is killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from live.servers import free_port, running
from live.targets.hostile import server

from pytest_backend_audit.journal import read_run
from pytest_backend_audit.targets.faults import records
from pytest_backend_audit.targets.faults.keeper import call

SUITE = """
import time
import httpx
import pytest
from pytest_backend_audit import audit

@pytest.fixture(scope="module")
def under_load(audit_load):
    return audit_load.run("/", rate=20, seconds=0.5)

@audit(dimension="4.4", level=2, needs=("load",))
def test_load(under_load):
    assert under_load.availability == 1

@audit(dimension="4.4", level=3, needs=("load",))
def test_the_same_load(under_load):
    assert under_load.sent == 10

@audit(dimension="4.4", level=4)
def test_load_in_secret(audit_load):
    audit_load.burst(2, "/")

@audit(dimension="4.6", level=2, needs=("faults",))
def test_refusal(audit_faults, audit_http):
    assert audit_http.get("/").is_success
    with audit_faults.refuse("service"):
        with pytest.raises(httpx.ConnectError):
            audit_http.get("/")
    assert audit_http.get("/").is_success

@audit(dimension="4.6", level=3, needs=("faults",))
def test_hang(audit_faults, audit_http):
    with audit_faults.hang("service"):
        audit_http.get("/")

@audit(dimension="4.6", level=4, needs=("faults",))
def test_listener(audit_downstream, audit_http):
    with audit_downstream(status=418) as heard:
        assert audit_http.get("/brew").status_code == 418
    assert [a.target for a in heard.arrivals] == ["/brew"]

@audit(dimension="4.6", level=5)
def test_a_reader(audit_http):
    assert audit_http.get("/").is_success
"""
STAYS = """
import time
from pytest_backend_audit import audit

@audit(dimension="4.6", level=2, needs=("faults",))
def test_stays(audit_faults):
    with audit_faults.refuse("service"):
        print("THE FAULT IS ON", flush=True)
        time.sleep(600)
"""
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PYTEST = [sys.executable, "-m", "pytest", "--audit", "-p", "no:cacheprovider", "-p", "no:valkey"]


def answers_all(client):
    """A server that answers each request on a connection."""
    while client.recv(65536):
        client.sendall(OK)


@pytest.fixture
def project(tmp_path) -> Iterator[tuple[Path, str]]:
    """A suite whose service is reached through a fault proxy: its folder, and the proxy's API."""
    with server(answers_all) as upstream:
        api, port = free_port(), free_port()
        url = f"http://127.0.0.1:{api}"
        argv = [sys.executable, "-P", "-m", "pytest_backend_audit.targets.faults.proxy", f"127.0.0.1:{api}"]
        argv.append(f"service=127.0.0.1:{port}=127.0.0.1:{upstream}")
        with running("proxy", argv, tmp_path / "proxy.log", lambda: call("GET", f"{url}/version")):
            folder = tmp_path / "project"
            folder.mkdir()
            (folder / "pytest.ini").write_text("[pytest]\n")
            (folder / "audit.yaml").write_text(
                "version: 1\nservice: orders\nenvironment: stage\nstandard: none\nsuites: none\n"
                f"timeouts: {{request: 2}}\ntargets:\n  http: {{base_url: 'http://127.0.0.1:{port}'}}\n"
                f"  faults: {{url: '{url}', dependencies: {{service: {{speaks: http}}}}}}\n"
                "  downstream: {dependency: service}\n"
            )
            yield folder, url


def outcomes(folder: Path) -> dict[str, tuple[str, str]]:
    """Check -> status and reason."""
    record = read_run(folder / "audit-report")
    return {a.check.partition("::test_")[2]: (a.status.value, a.reason) for a in record.attempts}


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["plain", "n2"])
def test_what_is_allowed_is_done_and_undone(project, workers) -> None:
    """Each answer is as it would be without workers, the records are in the run's folder, and nothing is left wrong."""
    folder, url = project
    (folder / "test_checks.py").write_text(SUITE)
    argv = [*PYTEST, "--audit-allow=load,faults", *workers]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    found = outcomes(folder)
    status, reason = found.pop("hang")
    assert (status, reason.partition(" http")[0]) == ("failed", "the service broke off: GET"), done.stdout
    assert found == {
        "load": ("passed", ""),
        "the_same_load": ("passed", ""),
        "load_in_secret": ("could-not-run", 'the check did not ask for it: its mark lacks needs=("load",)'),
        "refusal": ("passed", ""),
        "listener": ("passed", ""),
        "a_reader": ("passed", ""),
    }, done.stdout
    evidence = {a.check.partition("::test_")[2]: a.evidence for a in read_run(folder / "audit-report").attempts}
    assert [e.kind.value for e in evidence["load"]] == ["load"]
    assert evidence["load"] == evidence["the_same_load"]
    lines = [json.loads(line) for line in (folder / "audit-report" / "faults.jsonl").read_text().splitlines()]
    assert [fact["event"] for fact in lines] == ["setting", "seen", "undone"] * 3
    assert records.open_below(folder / "audit-report") == []
    told = call("GET", f"{url}/proxies/service")
    assert (told["enabled"], told["toxics"]) == (True, [])


def test_what_is_not_allowed_is_not_done(project) -> None:
    """Could not run, with the option that is missing; no record is made."""
    folder, _ = project
    (folder / "test_checks.py").write_text(SUITE)
    subprocess.run(PYTEST, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    found = outcomes(folder)
    assert found["refusal"][0] == found["load"][0] == found["listener"][0] == "could-not-run"
    assert "--audit-allow=faults" in found["refusal"][1]
    assert "--audit-allow=load" in found["load"][1]
    assert not (folder / "audit-report" / "faults.jsonl").exists()


def test_a_run_that_is_killed_leaves_nothing_wrong(project) -> None:
    """Its keeper sets things right, and the next audit starts."""
    folder, url = project
    (folder / "test_checks.py").write_text(STAYS)
    argv = [*PYTEST, "--audit-allow=faults", "-s"]
    with subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, text=True) as audit:
        while (line := audit.stdout.readline()) and "THE FAULT IS ON" not in line:
            pass
        assert call("GET", f"{url}/proxies/service")["enabled"] is False
        audit.kill()
    deadline = time.monotonic() + 20
    while not call("GET", f"{url}/proxies/service")["enabled"] and time.monotonic() < deadline:
        time.sleep(0.02)
    file = folder / "audit-report" / "faults.jsonl"
    while "undone" not in file.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert json.loads(file.read_text().splitlines()[-1])["by"] == "the audit ended without undoing it"
    (folder / "test_checks.py").write_text(SUITE)

    done = subprocess.run([*PYTEST, "-k", "reader"], cwd=folder, capture_output=True, text=True, check=False)
    assert outcomes(folder) == {"a_reader": ("passed", "")}, done.stdout + done.stderr
    [earlier] = (folder / "audit-report" / "earlier").iterdir()
    assert (earlier / "faults.jsonl").exists()
