"""Plans that CI captures, in the files of its services and in what these run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_backend_audit import cli
from pytest_backend_audit.model import EvidenceKind, Status
from pytest_backend_audit.suites.query_performance.plan_capture import test_ci_captures_plans as check
from pytest_backend_audit.testing import run_check, surroundings
from pytest_backend_audit.testing.running import StandIn

WORKFLOW = ".github/workflows/ci.yml"
SCRIPT = "import psycopg\n\nasked = 'EXPLAIN (FORMAT JSON) ' + statement\n"
DUMP = "psql -c 'EXPLAIN (FORMAT JSON) SELECT 1' -o plans.json"


class Tree(StandIn):
    """Stands in for `audit_source`: a tree of these files."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files

    def files(self) -> list[str]:
        """All paths."""
        return sorted(self._files)

    def read(self, path: str) -> str:
        """A file's text."""
        return self._files[path]

    def reference(self, path: str, line: int) -> str:
        """A line of it, as evidence."""
        text = self._files[path].splitlines()[line - 1]
        self.recorder.record(EvidenceKind.CODE, f"{path}:{line}", text.strip())
        return text


def job(*commands: str, on: str = "push", more: str = "") -> str:
    """A workflow with one job of these steps."""
    steps = "".join(f"      - run: {command}\n" for command in commands)
    return f"on: {on}\njobs:\n  plans:\n{more}    steps:\n{steps}"


DATABASE = "targets: {postgres: {dsn: 'postgresql://db/orders'}}\n"


def run(files: dict[str, str], config: str = DATABASE):
    """The check, of a tree of these files and an audit.yaml with these lines."""
    return run_check(check, audit_source=Tree(files), audit_declared=surroundings(config).declared)


@pytest.mark.parametrize(
    "files",
    [
        {WORKFLOW: job(DUMP)},
        {WORKFLOW: job("psql -f ops/plans.sql"), "ops/plans.sql": "EXPLAIN ANALYZE SELECT * FROM orders;\n"},
        {WORKFLOW: job("python ops/plans.py out"), "ops/plans.py": SCRIPT},
        {WORKFLOW: job("python -m shop.plans"), "src/shop/plans.py": "cursor.execute(\"LOAD 'auto_explain'\")\n"},
        {WORKFLOW: job("make plans"), "Makefile": "plans: db\n\tpython ops/plans.py\n", "ops/plans.py": SCRIPT},
        {WORKFLOW: job("ops/ci.sh"), "ops/ci.sh": "#!/bin/sh\npython ops/plans.py\n", "ops/plans.py": SCRIPT},
        {WORKFLOW: job("pytest tests/db"), "tests/db/test_plans.py": "told = Order.objects.explain()\n"},
        {WORKFLOW: job("pytest"), "tests/test_plans.py": "plan = run('explain (analyze, format json) ' + q)\n"},
        {WORKFLOW: job("pytest --audit-sha=HEAD -n 2")},
        {WORKFLOW: job(DUMP, on="[workflow_dispatch, schedule]")},
        {WORKFLOW: job(DUMP, more="    continue-on-error: true\n")},
        {".gitlab-ci.yml": f"plans:\n  script:\n    - {DUMP}\n"},
        {"ops/Jenkinsfile": f'stage("plans") {{ sh "{DUMP}" }}\n'},
    ],
    ids=lambda files: next(iter(files.values())).split("run: ")[-1].strip()[:40],
)  # fmt: skip
def test_plans_that_ci_captures_are_found(files: dict[str, str]) -> None:
    """In a command, or in what it runs: a program, statements, a target, tests; evidence is where."""
    ran = run(files)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert {e.kind for e in ran.evidence} == {EvidenceKind.CODE}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({WORKFLOW: job("pytest"), "orders/query.py": SCRIPT}, ""),
        ({WORKFLOW: job("ruff check ops/plans.py"), "ops/plans.py": SCRIPT}, ""),
        ({WORKFLOW: job("python ops/plans.py"), "ops/plans.py": "# EXPLAIN (FORMAT JSON) would tell\n"}, ""),
        ({WORKFLOW: job("echo EXPLAIN ANALYZE SELECT")}, ""),
        ({WORKFLOW: job(f"make # {DUMP}")}, ""),
        ({WORKFLOW: job("pytest --audit --audit-dimension=4.7")}, "--audit-dimension=4.7 leaves 4.1 out"),
        ({WORKFLOW: job(DUMP, on="workflow_dispatch")}, "runs only on workflow_dispatch"),
        ({WORKFLOW: job(DUMP, on="workflow_call")}, "no other workflow calls this one"),
        ({WORKFLOW: job(DUMP, more="    if: ${{ false }}\n")}, "if: false"),
        ({".gitlab-ci.yml": f"plans:\n  when: manual\n  script: [{DUMP!r}]\n"}, "when: manual"),
    ],
)
def test_what_ci_does_not_run_by_itself_captures_nothing(files: dict[str, str], why: str) -> None:
    """Nor what only looks at a program, or says so; a job that would is told, with what holds it back."""
    ran = run(files)
    assert ran.status is Status.FAILED
    told = ran.reason.splitlines()
    assert told[0].startswith("none of ")
    assert [line.rpartition(": ")[2] if why != "" else line for line in told if line.startswith("  - ")] == (
        [why.rpartition(": ")[2]] if why else []
    )


def test_the_message_names_job_file_and_a_step() -> None:
    """What would capture, why it doesn't, and one that does."""
    files = {WORKFLOW: job("pip install .", "python ops/plans.py", on="workflow_dispatch"), "ops/plans.py": SCRIPT}
    assert run(files).reason.splitlines() == [
        "none of 2 commands that CI runs captures plans (read: .github/workflows/ci.yml)",
        "  - job plans (.github/workflows/ci.yml:6) by ops/plans.py:3: runs only on workflow_dispatch",
        "  a step that does: psql \"$DATABASE_URL\" --command 'EXPLAIN (FORMAT JSON) SELECT ...' --output plans.json",
    ]


def test_a_place_is_evidence_as_ci_has_it_and_where_it_leads() -> None:
    """Both lines, so that a reader can follow."""
    ran = run({WORKFLOW: job("make plans"), "Makefile": "plans:\n\tpython ops/plans.py\n", "ops/plans.py": SCRIPT})
    assert [e.title for e in ran.evidence] == [f"{WORKFLOW}:5", "ops/plans.py:3"]


def test_no_pipeline_is_no_success() -> None:
    """Whatever the repository has otherwise."""
    ran = run({"ops/plans.py": SCRIPT})
    assert ran.status is Status.FAILED
    assert ran.reason == (
        "the repository has no pipeline of CI to capture plans (.github/workflows, .gitlab-ci.yml, ...), none that git "
        "tracks; if one lies there, git add it and commit"
    )


def written(tmp_path: Path) -> dict[str, str]:
    """The workflow as ``backend-audit init --ci github`` writes it."""
    assert cli.main(["init", str(tmp_path), "--yes", "--ci", "github"]) == 0
    name = ".github/workflows/backend-audit.yml"
    return {name: (tmp_path / name).read_text("utf-8")}


def test_the_audit_of_a_service_without_a_database_captures_nothing(tmp_path: Path) -> None:
    """The written workflow is no success where there is nothing to capture plans from; with a database it is one."""
    files = written(tmp_path)
    ran = run(files, "targets: {http: {base_url: 'http://service'}}\n")
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "targets.postgres is not configured (audit.yaml): declare it, for instance "
        'postgres: {dsn: "${AUDIT_POSTGRES_DSN}"}',
    )
    assert run(files).status is Status.PASSED


def test_what_captures_without_an_audit_needs_no_target() -> None:
    """The job has a database of its own, which audit.yaml knows nothing of."""
    assert run({WORKFLOW: job("pytest --audit", DUMP)}, "").status is Status.PASSED


@pytest.mark.parametrize(
    ("step", "suites", "why"),
    [
        ("pytest --audit-sha=HEAD", "none", "suites: none in audit.yaml leaves 4.1 out"),
        ("pytest --audit", "['4.2', '4.7']", "suites: [4.2, 4.7] in audit.yaml leaves 4.1 out"),
        ("pytest --audit --audit-suite=4.2,4.3", "all", "--audit-suite=4.2,4.3 leaves 4.1 out"),
        ("pytest --audit --audit-suite none", "all", "--audit-suite=none leaves 4.1 out"),
        ("pytest --audit-sha HEAD --audit-dimension 4.7", "all", "--audit-dimension=4.7 leaves 4.1 out"),
        ("pytest --audit --collect-only", "all", "--collect-only runs no check"),
        (
            "pytest --audit audits/checks", "all",
            "audits/checks is all that this rehearsal looks at; --audit-suite adds bundled checks",
        ),
    ],
)  # fmt: skip
def test_an_audit_without_the_checks_of_plans_is_a_failure(step: str, suites: str, why: str) -> None:
    """Whatever the tests of the repository do, which an audit does not run; the reason is told."""
    files = {WORKFLOW: job(step), "tests/test_plans.py": SCRIPT}
    ran = run(files, f"suites: {suites}\n{DATABASE}")
    assert (ran.status, ran.reason.splitlines()[1]) == (Status.FAILED, f"  - job plans ({WORKFLOW}:5): {why}")


@pytest.mark.parametrize(
    ("step", "suites"),
    [
        ("pytest --audit --audit-suite=4.1 audits/checks", "none"),
        ("python -m pytest --audit-sha HEAD --audit-suite=none -n 2", "all"),
        ("pytest --audit-sha=HEAD --audit-dimension=4.7 --audit-dimension=4.2,4.1", "['4.1']"),
        ("pytest --audit -n 2 --audit-gate conditional-production > told.txt", "all"),
    ],
)
def test_an_audit_with_the_checks_of_plans_captures(step: str, suites: str) -> None:
    """A formal audit has what audit.yaml asks for; the option adds to it."""
    assert run({WORKFLOW: job(step)}, f"suites: {suites}\n{DATABASE}").status is Status.PASSED
