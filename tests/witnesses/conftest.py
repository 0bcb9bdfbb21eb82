"""A running reference stack, and audits of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_backend_audit import demo
from pytest_backend_audit.demo.stack.stack import Stack
from pytest_backend_audit.journal import read_run
from pytest_backend_audit.model import Attempt

PACKAGE = "pytest_backend_audit.suites."


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The reference service with everything around it, sound."""
    with Stack.start() as running:
        yield running


@pytest.fixture
def audit_of(stack: Stack, tmp_path: Path) -> Callable[[Mapping[str, float]], dict[str, Attempt]]:
    """Audits the stack as it is, by all bundled suites; gives each check's attempt by its short id."""

    def run(thresholds: Mapping[str, float]) -> dict[str, Attempt]:
        config: dict[str, Any] = yaml.safe_load((Path(demo.__path__[0]) / "project" / "audit.yaml").read_text())
        # No repository here, so no build either. What a machine lacks, or a defect takes away, isn't declared.
        del config["build"]
        config["thresholds"] = dict(thresholds)
        config["targets"]["http"]["metrics"] = stack.metrics_urls
        if stack.pgbouncer_dsn is None:
            del config["targets"]["pgbouncer"]
        (tmp_path / "audit.yaml").write_text(json.dumps(config, indent=1))
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        arguments = ["--audit", "--audit-suite=all", "--audit-allow=writes,probes"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *arguments, "-p", "no:cacheprovider", "-p", "no:valkey"],
            cwd=tmp_path,
            env={**os.environ, **stack.environment()},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        report = tmp_path / "audit-report"
        assert report.is_dir(), done.stdout + done.stderr
        return {attempt.check.removeprefix(PACKAGE): attempt for attempt in read_run(report).attempts}

    return run
