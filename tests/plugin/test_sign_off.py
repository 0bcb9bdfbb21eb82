"""From the run to the gate: an audit by pytest, its sign-off, and what a gate then says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.cli.command import backend_audit
from unit.signoff.signing_cases import key, public

from plugin.conftest import Project

STANDARD = """\
id: jobs
name: Job Checklist
version: "1"
reviewer_from: 4
levels:
  - {number: 1, name: Absent, definition: Nothing is there.}
  - {number: 2, name: Started, definition: Something is there.}
  - {number: 3, name: Meant, definition: It is there on purpose.}
  - {number: 4, name: Measured, definition: It is measured.}
  - {number: 5, name: Kept, definition: It is kept by machines.}
dispositions:
  - {id: production-ready, name: Production-ready, floor: 4, minimum: 4, needs_sign_off: true}
  - {id: conditional-production, name: Conditional production, floor: 2, minimum: 2}
  - {id: not-production-grade, name: Not production-grade, floor: null, minimum: null}
dimensions:
  - id: runs
    name: Runs
    scope: Whether jobs start and end.
    folder: runs
    rows:
      - {criterion: on-time, level: 3, clause: Jobs end in time., proof: measured}
      - {criterion: on-time, level: 4, clause: Lateness is alerted on., proof: measured}
"""

CONFIG = """\
version: 1
service: orders
environment: prod
lead_auditor: Linus Dev <linus@example.org>
standard: ./jobs.yaml
suites: none
incidents: []
"""

SUITE = """
@audit(dimension="runs", criterion="on-time", level=3)
def test_jobs_end_in_time(audit_evidence):
    audit_evidence.command("jobs status --last 30d", "1204 of 1204 jobs ended within 60 s")


@audit(dimension="runs", criterion="on-time", level=4)
def test_lateness_is_alerted_on(audit_evidence):
    audit_evidence.query("select name from alerts", [{"name": "JobLate"}])
"""


@pytest.fixture
def reviewed(project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project by Ada, audited; the key of Grace, who may sign."""
    grace = key(tmp_path_factory.mktemp("keys"), "grace")
    project.suite(SUITE)
    project.config(CONFIG)
    (project.path / "jobs.yaml").write_text(STANDARD, "utf-8")
    (project.path / "audits").mkdir()
    (project.path / "audits" / "allowed_signers").write_text(f"grace@example.org {public(grace)}\n", "utf-8")
    project.commit()
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return grace


def status(project: Project, *arguments: str) -> int:
    """Exit status of a command in the project."""
    return backend_audit(*arguments, cwd=project.path).returncode


def test_run_sign_gate(project: Project, reviewed: Path) -> None:
    """The run alone is recorded as L3; signed, it passes the highest gate, and the reports say who signed."""
    assert project.run("--audit-sha=HEAD").ret == 0
    assert status(project, "verify") == 0
    assert status(project, "gate", "--min", "production-ready") == 1
    assert status(project, "sign", "--yes", "--key", str(reviewed)) == 0
    assert status(project, "verify") == 0
    assert status(project, "gate", "--min", "production-ready") == 0
    card = project.card()
    assert card["sign_off"]["reviewer"] == "grace@example.org"  # type: ignore[index]
    assert card["disposition"]["id"] == "production-ready"  # type: ignore[index]
    for name in ("scorecard.md", "scorecard.html"):
        assert "grace@example.org" in (project.path / "audit-report" / name).read_text("utf-8")
    day = card["sign_off"]["signed_at"][:10]  # type: ignore[index]
    shown = backend_audit("show", cwd=project.path).stdout
    assert f"Signed       grace@example.org, {day}, for runs\n" in shown


def test_a_new_run_is_not_signed(project: Project, reviewed: Path) -> None:
    """The sign-off moves away with the run that it belongs to, where it still counts."""
    assert project.run("--audit-sha=HEAD").ret == 0
    assert status(project, "sign", "--yes", "--json", "--key", str(reviewed)) == 0
    assert project.run("--audit-sha=HEAD").ret == 0
    assert project.card()["sign_off"] is None
    assert not (project.path / "audit-report" / "signoff.json").exists()
    (earlier,) = (project.path / "audit-report" / "earlier").iterdir()
    assert status(project, "verify", str(earlier)) == 0
    assert status(project, "gate", str(earlier), "--min", "production-ready") == 0
    signed = json.loads((earlier / "scorecard.json").read_text("utf-8"))
    assert signed["sign_off"]["dimensions"] == ["runs"]


def test_a_rehearsal_is_not_signed(project: Project, reviewed: Path) -> None:
    """It names no commit that anybody could vouch for."""
    assert project.run("--audit").ret == 0
    done = backend_audit("sign", "--yes", "--key", str(reviewed), cwd=project.path)
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "backend-audit: audit-report: a rehearsal can't be signed; audit a commit: pytest --audit-sha=HEAD\n",
    )


def test_of_a_merge_the_reviewer_sees_where_each_level_was_proven(project: Project, reviewed: Path) -> None:
    """What only stage has shown is said before it is signed."""
    two = "environments:\n  prod: {kind: prod}\n  stage: {kind: stage}\n"
    project.config(CONFIG.replace("environment: prod\n", two))
    suite = "import pytest\n" + SUITE.replace("(audit_evidence):", "(audit_evidence, audit_run):").replace(
        "    audit_evidence",
        '    if audit_run.environment == "prod":\n        pytest.skip("not in prod")\n    audit_evidence',
    )
    project.suite(suite)
    project.commit()
    for place in ("prod", "stage"):
        project.run("--audit-sha=HEAD", f"--audit-env={place}")
        (project.path / "audit-report").rename(project.path / f"audit-report-{place}")
    assert status(project, "merge", "audit-report-prod", "audit-report-stage", "-o", "audit-report-both") == 0
    done = backend_audit("sign", "audit-report-both", "--yes", "--key", str(reviewed), cwd=project.path)
    assert "  proven in stage\n" in done.stdout, done.stdout
    assert done.returncode == 0
