"""A repository whose audits can be filed, and what tests of that ask of it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from unit.cli.command import backend_audit

from pytest_backend_audit.ledger import Place, read

CONFIG = """\
version: 1
service: {service}
environment: stage
suites: none
lead_auditor: Ada
second_reviewer: Grace
distribution: on-call
prior_audit: {prior}
runbook: docs/runbook.md
incidents: []
owners: {{{owners}}}
"""
OWNERS = ", ".join(f'"4.{n}": Kim' for n in range(1, 9))
CHECKS = '''
from pathlib import Path

@audit(dimension="4.1", criterion="foreign-key-indexes", level=3)
def test_index(audit_evidence):
    """Keys have an index.

    Impact: slow. Remediation: make it. Verification: the check passes. Effort: S"""
    schema = Path("schema.sql").read_text()
    audit_evidence.command("cat schema.sql", schema)
    assert "INDEX" in schema, "1 key without an index"

@pytest.mark.parametrize("n", [1, 2])
@audit(dimension="4.7", criterion="tls", level=3)
def test_tls(audit_evidence, n):
    audit_evidence.command("testssl", "TLS 1.3")
    assert Path("tls").exists() or n == 1, "TLS 1.0 is on"
'''
KIM = "Kim <kim@example.org>"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKz8cV1ivN0o7G5kXQ3w1m2rWwMN6VZ0q7l0lJrVg1xY"
TWO = "environments:\n  prod: {kind: prod}\n  stage: {kind: stage}\n"
REPLACED = "(has another come in its place? backend-audit findings replace)"
STRICTER = "thresholds: {cache-hit-ratio: 0.99}\n"
"""A change of audit.yaml that no check here asks for."""


def made(project, service: str = "orders", owners: str = OWNERS, folder: str = "orders", prior: str = "none"):
    """Such a repository, of a service."""
    project.git("init", "-q", "-b", "main")
    project.git("config", "user.name", "Kim")
    project.git("config", "user.email", "kim@example.org")
    # The last three are what pytester leaves.
    (project.path / ".gitignore").write_text(
        "audit-report*/\n__pycache__/\n.pytest_cache/\nstd*\nrunpytest-*\ntold.txt\n"
    )
    (project.path / "pytest.ini").write_text("[pytest]\naudit_paths = checks\n")
    project.suite(CHECKS, "checks/test_orders.py")
    (project.path / "schema.sql").write_text("CREATE TABLE orders ();\n")
    (project.path / "docs").mkdir()
    (project.path / "docs" / "runbook.md").write_text(f"Audits are in audits/{folder}/.\n")
    project.config(CONFIG.format(service=service, owners=owners, prior=prior))
    project.commit()
    return project


def audited(project, *arguments: str) -> None:
    """A formal run."""
    result = project.run("--audit-sha=HEAD", *arguments)
    assert (project.path / "audit-report" / "scorecard.json").is_file(), result.outlines + result.errlines


def command(project, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``backend-audit`` there."""
    return backend_audit(*arguments, cwd=project.path)


def good(project, *arguments: str) -> str:
    """What it says, and all is well."""
    done = command(project, *arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def ledger(project, service: str = "orders"):
    """The ledger as it stands."""
    return read(Place(project.path, service))


def today(project) -> str:
    """The day of the latest audit."""
    return project.record().inputs.instant[:10]


def numbers(project) -> dict[str, str]:
    """Check's function, or what else a finding is about and its dimension -> number."""
    return {t.finding.check.rpartition("::")[2]: t.number for t in ledger(project).findings if "::" in t.finding.check}


def state(orders, text: str) -> None:
    """Have audit.yaml name its environments."""
    config = orders.path / "audit.yaml"
    config.write_text(config.read_text().replace("environment: stage\n", text))


def mended(orders) -> None:
    """Both checks pass from now on."""
    (orders.path / "schema.sql").write_text("CREATE INDEX i;\n")
    (orders.path / "tls").write_text("on")
    orders.commit()


def kept(orders, name: str) -> str:
    """Put the latest run aside."""
    (orders.path / "audit-report").rename(orders.path / name)
    return name


def merged(orders, runs: Sequence[str]) -> str:
    """One run of several."""
    good(orders, "merge", *runs, "-o", "audit-report-both")
    return "audit-report-both"


def made_two(project):
    """Such a repository, of prod and of stage."""
    made(project)
    state(project, TWO)
    project.commit()
    return project
