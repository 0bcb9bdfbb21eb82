"""Running audits inside tests: a suite of literal text, run plain or under xdist, and its journal read back."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import turns

import pytest_backend_audit
from plugin import _forked
from pytest_backend_audit.journal import Record, read_run

HEADER = "import pytest\nfrom pytest_backend_audit import CouldNotRun, audit\n\n"

CONFIG = """\
version: 1
service: orders
environment: local
lead_auditor: Ada
suites: none
"""

OWN = CONFIG + "standard: two.yaml\n"

STANDARD = """\
id: small
name: Small standard
version: "1"
levels:
  - {number: 1, name: Unknown, definition: nobody knows}
  - {number: 2, name: Ad-hoc, definition: it is there}
  - {number: 3, name: Deliberate, definition: it was meant}
  - {number: 4, name: Tuned, definition: it was measured}
  - {number: 5, name: Governed, definition: it is watched}
dimensions:
  - id: "4.1"
    name: First
    scope: all
    folder: first
    rows: [{criterion: first-things, level: 3, clause: they hold, proof: measured, defects: [they do not]}]
  - id: "4.2"
    name: Second
    scope: all
    folder: second
    rows: [{criterion: second-things, level: 3, clause: they hold, proof: measured, defects: [they do not]}]
dispositions:
  - {id: production-ready, name: Ready, floor: 9, minimum: 4, needs_sign_off: true}
  - {id: conditional-production, name: Conditional, floor: 5, minimum: 2}
  - {id: not-production-grade, name: Not ready, floor: null, minimum: null}
"""
"""The small standard that `OWN` names: two dimensions with a row each."""

GIT = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With SPREAD=share, every other file rests from its variants with workers, in turn."""
    turn = turns.turn()
    if os.environ.get("SPREAD") != "share" or turn is None:
        return
    ours = [item for item in items if item.path.is_relative_to(Path(__file__).parent)]
    spared = turns.spared([item.nodeid for item in ours], turn)
    if spared:
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in spared])
        items[:] = [item for item in items if item.nodeid not in spared]


@dataclass
class Project:
    """A repository under audit, in a folder of its own."""

    pytester: pytest.Pytester
    site: list[str] | None = None
    """Where a Python that has just started looks for modules; None where there is no process to fork audits from."""

    @property
    def path(self) -> Path:
        """Top of the repository."""
        return self.pytester.path

    def suite(self, text: str, name: str = "test_checks.py") -> Path:
        """Write a suite; the usual imports stand on its top."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER + text, "utf-8")
        return path

    def config(self, text: str = CONFIG) -> Path:
        """Write audit.yaml."""
        path = self.path / "audit.yaml"
        path.write_text(text, "utf-8")
        return path

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env={**os.environ, **GIT}, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self) -> str:
        """Commit everything; the full SHA."""
        if not (self.path / ".git").exists():
            self.git("init", "-q", "-b", "main")
            (self.path / ".gitignore").write_text("audit-report/\n__pycache__/\n.pytest_cache/\n", "utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "state")
        return self.git("rev-parse", "HEAD")

    def run(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in a process of its own, forked from one with what an audit needs imported, where there is one."""
        if self.site is None:
            return self.run_fresh(*arguments)
        number = len(list(self.path.glob("runpytest-*")))
        temporary = self.path / f"runpytest-{number}"
        command = [f"--basetemp={temporary}", "-p", "no:cacheprovider", *arguments]
        begun = time.perf_counter()
        status = _forked.run(self.path, command, self.site)
        taken = time.perf_counter() - begun
        output, errors = ((self.path / name).read_text("utf-8") for name in ("stdout", "stderr"))
        sys.stdout.write(f"$ pytest {' '.join(command)}\n{output}\n")  # for whoever reads of a failed test
        sys.stderr.write(f"{errors}\n")
        with contextlib.suppress(ValueError):
            status = pytest.ExitCode(status)
        return pytest.RunResult(status, output.splitlines(), errors.splitlines(), taken)

    def run_fresh(self, *arguments: str) -> pytest.RunResult:
        """Run pytest in a process that starts with nothing imported."""
        return self.pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    def record(self) -> Record:
        """The journal of the latest run."""
        return read_run(self.path / "audit-report")

    def card(self) -> dict[str, object]:
        """scorecard.json of the latest run."""
        data: dict[str, object] = json.loads((self.path / "audit-report" / "scorecard.json").read_text("utf-8"))
        return data

    def statuses(self) -> dict[str, str]:
        """Test name -> status of its last attempt, in the order of the journal."""
        return {a.instance.rpartition("::")[2]: a.status.value for a in self.record().attempts}


@pytest.fixture(scope="session")
def same_tree(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The audits that tests start run this very tree: a relative PYTHONPATH is not seen from another folder."""
    code = "import pytest_backend_audit; print(pytest_backend_audit.__file__)"
    folder = tmp_path_factory.mktemp("elsewhere")
    told = subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, text=True).stdout
    assert told.strip() == str(Path(pytest_backend_audit.__file__).absolute()), "set PYTHONPATH to an absolute path"


@pytest.fixture(scope="session")
def site() -> list[str]:
    """Where a Python that has just started looks for modules; the one that audits are forked from is up."""
    _forked.start(Path(__file__).absolute().parent.parent)
    return _forked.search_path()


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, same_tree: None, site: list[str]) -> Project:
    """An empty repository, shielded from the configuration of this one and of the user."""
    for name, value in GIT.items():
        monkeypatch.setenv(name, value)
    # They take half of the time in which pytest starts, and no audit of a test's has use for them.
    unused = ("hypothesispytest", "valkey", "platformdirs", "pytest_cov")
    monkeypatch.setenv("PYTEST_ADDOPTS", " ".join(f"-p no:{name}" for name in unused))
    return Project(pytester, site)


@pytest.fixture
def audited(project: Project) -> Project:
    """A repository with that standard, without a check: two at L3, a dimension each, pass its lower gate."""
    (project.path / "two.yaml").write_text(STANDARD, "utf-8")
    project.config(OWN)
    return project


@pytest.fixture(params=[(), ("-n2",)], ids=["plain", "n2"])
def workers(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options for running plain and with two workers; -n0 takes the way of the former (`test_same_card` has it too)."""
    options: tuple[str, ...] = request.param
    return options
