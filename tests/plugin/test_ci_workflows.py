"""The workflows that `init --ci` writes do what they say: a shell runs their steps, in a repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugin.conftest import Project

CHECKS = """
@audit(dimension="4.1", criterion="query-logging", level=2)
def test_logging(audit_evidence):
    audit_evidence.command("psql -c 'SHOW log_min_duration_statement'", "250ms")


@audit(dimension="4.1", criterion="foreign-key-indexes", level=3)
def test_indexes(audit_evidence):
    audit_evidence.command("psql -c 'SELECT ...'", "orders_customer_id_fkey")
    assert not ["orders_customer_id_fkey"], "1 foreign key without an index: orders_customer_id_fkey"


@audit(dimension="4.2", criterion="pooler", level=4)
def test_pooler(audit_pgbouncer):
    raise AssertionError("never reached")
"""
STUB = """#!/bin/sh
printf '%s\\n' "$*" >> "{log}"
case "$*" in *--paginate*) cat "{answer}" ;; esac
"""


@dataclass
class Runner:
    """What a CI gives the steps of a job: a shell, a folder for temporary files, files for summary and outputs."""

    top: Path
    temp: Path
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        bin_ = self.temp / "bin"
        bin_.mkdir(parents=True)
        (self.temp / "answer").touch()
        for name in ("pip", "gh"):
            (bin_ / name).write_text(STUB.format(log=self.temp / f"{name}.log", answer=self.temp / "answer"))
            (bin_ / name).chmod(0o755)

    def path(self, name: str) -> Path:
        """A file of the runner's."""
        return self.temp / name

    def told(self, name: str) -> str:
        """What is in such a file, if anything is."""
        return self.path(name).read_text("utf-8") if self.path(name).exists() else ""

    def run(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A step, as GitHub's runner starts one by default: ``bash -e``."""
        tools = [str(self.temp / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "CI"))}
        return subprocess.run(
            ["bash", "-e", "-c", script],
            cwd=self.top,
            env={
                **kept,
                "PATH": os.pathsep.join(tools),
                "RUNNER_TEMP": str(self.temp),
                "POLICY": "origin/main",
                "GITHUB_STEP_SUMMARY": str(self.path("summary.md")),
                "GITHUB_OUTPUT": str(self.path("outputs")),
                "HOME": str(self.temp),
                # A file: git replaces what it writes to, the null device too.
                "GIT_CONFIG_GLOBAL": str(self.path("gitconfig")),
                **self.extra,
                **env,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def workflow(project: Project, ci: str, name: str) -> Any:
    """A committed repository with three checks, set up by `init`; and the workflow."""
    program = [str(Path(sys.executable).with_name("backend-audit")), "init", "--yes", "--ci", ci]
    subprocess.run(program, cwd=project.path, check=True, capture_output=True)
    (project.path / "audits/checks/test_example_audit.py").unlink(missing_ok=True)
    project.suite(CHECKS, "audits/checks/test_orders.py")
    # The bundled checks have tests of their own; here they would only take their time.
    config = project.path / "audit.yaml"
    config.write_text(config.read_text("utf-8").replace("suites: all", "suites: none"), "utf-8")
    project.commit()
    return yaml.safe_load((project.path / name).read_text("utf-8"))


@pytest.fixture
def github(project: Project) -> dict[str, str]:
    """Name of each step of GitHub's workflow that is a script -> its script."""
    data = workflow(project, "github", ".github/workflows/backend-audit.yml")
    # The default branch, which has no audit.yaml yet.
    empty = project.git("commit-tree", project.git("hash-object", "-t", "tree", "/dev/null"), "-m", "begin")
    project.git("update-ref", "refs/remotes/origin/main", empty)
    steps = [step for job in data["jobs"].values() for step in job["steps"] if "run" in step]
    return {step["name"]: step["run"] for step in steps}


@pytest.fixture
def runner(project: Project, tmp_path: Path) -> Runner:
    """The machine that runs the steps."""
    return Runner(project.path, tmp_path / "runner")


def test_a_pull_request_is_informed(github: dict[str, str], runner: Runner) -> None:
    """A check fails and the job goes on: summary, alerts and comment are there, and the run folder is whole."""
    assert list(github) == ["Install", "Audit", "Report", "Comment"]
    assert runner.run(github["Install"]).returncode == 0
    assert runner.told("pip.log") == "install pytest-backend-audit[binary]\n"
    audit = runner.run(github["Audit"], GATE="")
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert "1 failed, 1 passed, 1 skipped" in audit.stdout
    report = runner.run(github["Report"])
    assert (report.returncode, report.stderr) == (0, "")
    assert runner.told("outputs") == "made=yes\n"
    assert "| high | foreign-key-indexes L3 failed: 1 foreign key without an index: " in runner.told("summary.md")
    (run,) = json.loads(runner.told("formats/backend-audit.sarif"))["runs"]
    alert = run["results"][1]
    assert alert["ruleId"] == "4.1/foreign-key-indexes/L3"
    place = alert["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "audits/checks/test_orders.py"
    lines = (runner.top / "audits/checks/test_orders.py").read_text("utf-8").splitlines()
    assert lines[place["region"]["startLine"] - 1].startswith(
        ('@audit(dimension="4.1", criterion="foreign', "def test_i")
    )
    assert runner.told("formats/comment.md").startswith("<!-- backend-audit: ")
    verified = runner.run("backend-audit verify audit-report")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_protected_branch_is_gated(github: dict[str, str], runner: Runner) -> None:
    """The job fails by the gate, and reports all the same."""
    audit = runner.run(github["Audit"], GATE="significant-technical-debt")
    assert audit.returncode == 1
    assert "Significant technical debt: not passed" in audit.stdout
    assert runner.run(github["Report"]).returncode == 0
    assert "❌ Gate Significant technical debt: not passed" in runner.told("summary.md")


def loosened(project: Project) -> None:
    """A branch declares the check that fails not to apply; the default branch does not know of it."""
    config = project.path / "audit.yaml"
    declared = (
        "\nnot_applicable:\n  - {criterion: foreign-key-indexes, reason: later, who: Bob, since: 2026-01-01, "
        "expires: 2026-06-30}\n"
    )
    config.write_text(config.read_text("utf-8") + declared, "utf-8")
    project.commit()


def held(project: Project) -> list[str]:
    """The policy keys that the run took from the protected revision."""
    protected = project.record().inputs.protected
    assert protected is not None
    assert protected.given == "origin/main"
    return [d.key for d in protected.differences]


def test_a_branch_is_held_to_the_default_one(github: dict[str, str], project: Project, runner: Runner) -> None:
    """What it excuses in audit.yaml is not excused; before there is an audit.yaml there, nothing holds it."""
    audit = runner.run(github["Audit"], GATE="")
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert project.record().inputs.protected is None
    project.git("update-ref", "refs/remotes/origin/main", "HEAD")
    loosened(project)
    audit = runner.run(github["Audit"], GATE="")
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert held(project) == ["not_applicable.foreign-key-indexes"]


def test_a_default_branch_that_was_not_fetched_holds_nothing(github: dict[str, str], runner: Runner) -> None:
    """Then nobody knows what it says, and the job ends before the audit."""
    audit = runner.run(github["Audit"], GATE="", POLICY="origin/trunk")
    assert (audit.returncode, audit.stderr.splitlines()[-1]) == (
        1,
        "origin/trunk is not here: check out with fetch-depth 0",
    )
    assert not (runner.top / "audit-report").exists()


SEVERAL = """\
version: 1
service: orders
environments:
  live: {kind: prod, targets: {postgres: {dsn: "${LIVE_DSN}"}}}
  stage: {kind: stage}
suites: none
standard: bundled
"""


def test_of_several_environments_one_is_audited(project: Project, runner: Runner) -> None:
    """The variable at the top says which: the step ends with no usage error, held to a policy too."""
    project.config(SEVERAL)
    data = workflow(project, "github", ".github/workflows/backend-audit.yml")
    (audit,) = [step["run"] for step in data["jobs"]["audit"]["steps"] if step.get("name") == "Audit"]
    project.git("update-ref", "refs/remotes/origin/main", "HEAD")
    loosened(project)
    done = runner.run(audit, GATE="", **data["env"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "environments: there are several" not in done.stdout + done.stderr
    assert project.record().inputs.document.environment == "stage"
    assert held(project) == ["not_applicable.foreign-key-indexes"]


def test_of_several_environments_gitlab_audits_one(project: Project, runner: Runner) -> None:
    """As the job's variables say, and another where they are set otherwise."""
    project.config(SEVERAL)
    job = workflow(project, "gitlab", ".gitlab/backend-audit.yml")["backend-audit"]
    origin = runner.path("origin.git")
    project.git("clone", "--quiet", "--bare", ".", str(origin))
    project.git("remote", "add", "origin", str(origin))
    env = {**job["variables"], "CI_PROJECT_DIR": str(project.path), "CI_DEFAULT_BRANCH": "main"}
    doctor, audit = job["script"]
    told = runner.run(doctor, **env)
    assert (told.returncode, "orders, stage" in told.stdout) == (0, True)
    assert runner.run(audit, **env).returncode == 1
    assert project.record().inputs.document.environment == "stage"
    done = runner.run(audit, **{**env, "AUDIT_ENV": "live"})
    assert (done.returncode, "LIVE_DSN is not set in the environment" in done.stderr) == (4, True)


def test_an_error_of_the_job_is_no_failed_check(github: dict[str, str], runner: Runner) -> None:
    """A tree that was changed can't be audited: the step fails, also without a gate; nothing is published."""
    (runner.top / "audit.yaml").write_text("version: 1\n", "utf-8")
    audit = runner.run(github["Audit"], GATE="")
    assert audit.returncode == 1
    assert "audit.yaml" in audit.stderr
    assert runner.run(github["Report"]).returncode == 0
    assert runner.told("outputs") == ""
    assert runner.told("summary.md") == ""


def test_the_comment_is_made_once_and_renewed(github: dict[str, str], runner: Runner) -> None:
    """It is looked for by its first line; GitHub's own program does the rest."""
    runner.path("formats").mkdir()
    runner.path("formats/comment.md").write_text("<!-- backend-audit: orders/stage -->\n### Audit\n", "utf-8")
    env = {"COMMENTS": "repos/shop/orders/issues", "NUMBER": "7", "GH_TOKEN": "x"}
    assert runner.run(github["Comment"], **env).returncode == 0
    body = f"body=@{runner.path('formats/comment.md')}"
    first, second = runner.told("gh.log").splitlines()
    assert first.startswith("api --paginate repos/shop/orders/issues/7/comments --jq .[] | select(")
    assert "startswith(env.MARKER)" in first
    assert second == f"api --method POST repos/shop/orders/issues/7/comments --field {body} --silent"
    runner.path("answer").write_text("4711\n4712\n", "utf-8")
    assert runner.run(github["Comment"], **env).returncode == 0
    assert runner.told("gh.log").splitlines()[3] == (
        f"api --method PATCH repos/shop/orders/issues/comments/4711 --field {body} --silent"
    )


def test_gitlab_runs_the_audit_and_keeps_the_report(project: Project, runner: Runner) -> None:
    """Line by line, as its runner does; the files that it is told to keep are there."""
    job = workflow(project, "gitlab", ".gitlab/backend-audit.yml")["backend-audit"]
    env = {**job["variables"], "CI_PROJECT_DIR": str(project.path)}
    for line in job["before_script"]:
        assert runner.run(line, **env).returncode == 0
    *before, audit = job["script"]
    assert [runner.run(line, **env).returncode for line in before] == [0]
    # Its runner fetches the branch that it runs, and no other.
    origin = project.path.parent / "origin.git"
    project.git("clone", "--quiet", "--bare", ".", str(origin))
    project.git("remote", "add", "origin", str(origin))
    loosened(project)
    done = runner.run(audit, **env, CI_DEFAULT_BRANCH="main")
    assert done.returncode == 1
    assert held(project) == ["not_applicable.foreign-key-indexes"]
    assert "Significant technical debt: not passed" in done.stdout
    assert (project.path / job["artifacts"]["reports"]["junit"]).is_file()
    assert all((project.path / path).is_dir() for path in job["artifacts"]["paths"])
