"""`init` in a repository that is audited already."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from plugin.conftest import Project


def test_an_audit_goes_on_as_before(project: Project) -> None:
    """Its checks are found where they were, and none is added whose criterion its audit.yaml does not declare."""
    project.config()
    project.suite(
        '@audit(dimension="4.1", criterion="query-logging", level=2)\n'
        'def test_logging(audit_evidence):\n    audit_evidence.command("psql", "250ms")\n'
    )
    program = [str(Path(sys.executable).with_name("backend-audit")), "init", "--yes"]
    subprocess.run(program, cwd=project.path, check=True, capture_output=True)
    assert project.run("--audit").ret == 0
    assert project.statuses() == {"test_logging": "passed"}
