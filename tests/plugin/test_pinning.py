"""A formal audit is about one commit: whatever stands in the way ends in one message with the line that mends it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from plugin._servers import http_server, says
from plugin.conftest import CONFIG, Project
from pytest_backend_audit.journal import State, verify_run

CHECK = "@audit(dimension='4.1', level=2)\ndef test_it(audit_evidence): audit_evidence.command('true', 'ok')\n"
REHEARSE = "or rehearse without a commit: --audit"
CURE = "commit them, take them away (git stash -u), or have .gitignore name what is no part of it"
NOT_AS_COMMITTED = "--audit-sha=HEAD: the tree in TOP is not what its commit says"


@pytest.fixture
def repository(project: Project) -> Project:
    """A repository with one check, committed."""
    project.config()
    project.suite(CHECK)
    project.commit()
    return project


def refusal(project: Project, rev: str = "HEAD", *arguments: str) -> list[str]:
    """The lines with which pytest refuses the audit; the repository is called TOP in them."""
    result = project.run(f"--audit-sha={rev}", *arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not (project.path / "audit-report" / "journal.jsonl").exists()
    first, *others = [line.replace(str(project.path), "TOP") for line in result.errlines if line]
    return [first.removeprefix("ERROR: "), *others]


def test_a_clean_tree_is_audited_at_its_full_commit(repository: Project) -> None:
    """Twice: the report of the first run and the caches are no part of the tree."""
    head = repository.git("rev-parse", "HEAD")
    assert [repository.run("--audit-sha=HEAD").ret, repository.run(f"--audit-sha={head[:9]}").ret] == [0, 0]
    inputs = repository.record().inputs
    assert (inputs.document.commit, inputs.run_number, inputs.notices) == (head, 2, ())
    assert len(inputs.earlier) == 1


def test_an_unknown_revision(repository: Project) -> None:
    """The way out is HEAD."""
    assert refusal(repository, "v9.9", "-n2") == [
        "--audit-sha=v9.9: unknown revision in TOP; the commit that is checked out is HEAD",
        REHEARSE,
    ]


def test_a_commit_that_is_not_checked_out(repository: Project) -> None:
    """The line that checks it out."""
    first = repository.git("rev-parse", "HEAD")[:12]
    repository.git("commit", "-q", "--allow-empty", "-m", "next")
    head = repository.git("rev-parse", "HEAD")[:12]
    assert refusal(repository, "HEAD~1") == [
        f"--audit-sha=HEAD~1: that is commit {first}, but HEAD is {head} (main); "
        "an audit is about the commit that is checked out:",
        f"  git checkout {first}",
        REHEARSE,
    ]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("test_checks.py", "changed"),
        ("audit.yaml", "changed"),
        ("helper.py", "untracked, and Python or pytest loads it"),
        ("conftest.py", "untracked, and Python or pytest loads it"),
        ("x.pth", "untracked, and Python or pytest loads it"),
        ("checks/conftest.py", "ignored by git, and pytest collects it"),
    ],
)
def test_a_tree_that_is_not_its_commit(repository: Project, name: str, what: str) -> None:
    """Named file by file."""
    if what.startswith("ignored"):
        (repository.path / ".gitignore").write_text("audit-report/\n__pycache__/\nchecks/\n", "utf-8")
        repository.commit()
    path = repository.path / name
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("# a change\n")
    assert refusal(repository) == [NOT_AS_COMMITTED, f"  {what}: {name}", CURE, REHEARSE]
    # A rehearsal goes on, and says so.
    assert repository.run("--audit").ret == 0
    assert repository.record().inputs.notices == (f"the tree differs from the commit: {what}: {name}",)


def test_audit_yaml_is_not_tracked(repository: Project) -> None:
    """It decides the score."""
    (repository.path / "other.yaml").write_text(CONFIG, "utf-8")
    assert refusal(repository, "HEAD", "--audit-config=other.yaml") == [
        "--audit-sha=HEAD: other.yaml is not tracked:",
        "  git add other.yaml && git commit -m 'Audit configuration'",
        REHEARSE,
    ]


def test_no_repository(project: Project) -> None:
    """A rehearsal needs none."""
    project.config()
    project.suite(CHECK)
    assert refusal(project) == [
        "--audit-sha=HEAD: TOP is not in a git repository; to make one there:",
        "  git init && git add . && git commit -m 'First commit'",
        REHEARSE,
    ]
    assert project.run("--audit").ret == 0


def test_no_commits(project: Project) -> None:
    """There is nothing to pin yet."""
    project.config()
    project.suite(CHECK)
    project.git("init", "-q", "-b", "main")
    told = "--audit-sha=HEAD: TOP has no commits yet:"
    assert refusal(project) == [told, "  git add . && git commit -m 'First commit'", REHEARSE]


def test_no_git_program(repository: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One word of what to install; a rehearsal says why it has no commit."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert refusal(repository) == ["--audit-sha=HEAD: there is no git program; install git", REHEARSE]
    assert repository.run("--audit").ret == 0
    assert repository.record().inputs.notices == ("no commit: there is no git program; install git",)


def cloned(project: Project, *options: str) -> None:
    """Put a clone of the repository in its place."""
    origin = project.path.with_name(f"{project.path.name}-origin")
    shutil.copytree(project.path, origin)
    for child in project.path.iterdir():
        shutil.rmtree(child) if child.is_dir() else child.unlink()
    project.git("clone", "-q", *options, origin.as_uri(), ".")


def test_a_shallow_clone(repository: Project) -> None:
    """HEAD can be audited; an older commit may exist where the clone came from."""
    first = repository.git("rev-parse", "HEAD")
    repository.git("commit", "-q", "--allow-empty", "-m", "next")
    cloned(repository, "--depth", "1")
    assert refusal(repository, first) == [
        f"--audit-sha={first}: unknown revision, and this clone is shallow, so that older commits are missing:",
        "  git fetch --unshallow (in CI: fetch-depth: 0, or GIT_DEPTH: 0)",
        REHEARSE,
    ]
    assert repository.run("--audit-sha=HEAD").ret == 0


def test_the_merge_that_ci_makes_of_a_pull_request(repository: Project) -> None:
    """The commit that was asked for is a parent of the detached merge that is checked out."""
    git = repository.git
    git("checkout", "-q", "-b", "feature")
    git("commit", "-q", "--allow-empty", "-m", "feature")
    feature = git("rev-parse", "HEAD")
    git("checkout", "-q", "main")
    git("commit", "-q", "--allow-empty", "-m", "main moves on")
    git("merge", "-q", "--no-ff", "-m", "merge", "feature")
    merge = git("rev-parse", "HEAD")
    git("checkout", "-q", "--detach")
    cloned(repository, "--depth", "1")
    git("checkout", "-q", "--detach")
    assert refusal(repository, feature) == [
        f"--audit-sha={feature}: HEAD is {merge[:12]}, a merge commit that has {feature[:12]} as a parent; CI makes "
        "such merges for pull requests.",
        "Audit the merge: --audit-sha=HEAD",
        f"or check out the commit itself: git checkout {feature[:12]} (on GitHub, actions/checkout with "
        "ref: ${{ github.event.pull_request.head.sha }})",
        REHEARSE,
    ]
    assert repository.run("--audit-sha=HEAD").ret == 0


def test_a_repository_of_another_user(repository: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git's refusal, with the line that cures it; as in a container whose checkout belongs to somebody else."""
    if os.getuid() == 0:
        for path in (repository.path, *repository.path.rglob("*")):
            os.lchown(path, 65534, 65534)
    else:
        # git itself offers this switch, so that its own tests need no second user.
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert refusal(repository) == [
        "--audit-sha=HEAD: git does not trust TOP, because it belongs to another user; if you do:",
        "  git config --global --add safe.directory TOP",
        REHEARSE,
    ]


# What the service says of itself


def with_build(project: Project, port: int) -> str:
    """An audit.yaml whose service tells its build; the commit."""
    project.config(
        CONFIG + "build: {url: /version, pointer: /sha, samples: 3}\n"
        f"targets: {{http: {{base_url: 'http://127.0.0.1:{port}'}}}}\n"
    )
    project.suite(CHECK)
    return project.commit()


def telling(shas: Callable[[], str]) -> Callable[[BaseHTTPRequestHandler], None]:
    """A service that tells what `shas` gives, each time anew."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        says(f'{{"sha": "{shas()}"}}'.encode(), "application/json")(request)

    return answer


def test_a_service_that_runs_the_commit(project: Project) -> None:
    """Seven digits or more, as often as asked, at the start and at the end."""
    told: list[str] = []
    commit = ""

    def sha() -> str:
        told.append(commit[: 7 + len(told)])
        return told[-1]

    with http_server(telling(sha)) as port:
        commit = with_build(project, port)
        assert project.run("--audit-sha=HEAD").ret == 0
    assert project.record().inputs.document.build == commit[:9]
    assert len(told) == 6


def test_a_service_that_runs_another_commit(project: Project) -> None:
    """One instance of three is enough: a usage error at the start; a rehearsal says it and goes on."""
    count: list[int] = []
    commit = ""

    def sha() -> str:
        count.append(1)
        return "0" * 40 if len(count) % 3 == 0 else commit

    with http_server(telling(sha)) as port:
        commit = with_build(project, port)
        said = f"http://127.0.0.1:{port}/version says it was built from {'0' * 40!r}, the audited commit is {commit}"
        assert refusal(project) == [f"{said}: deploy that commit, or audit the one that runs"]
        project.run("--audit")
    assert project.record().inputs.document.build == said


def test_a_service_that_changes_during_the_run(project: Project) -> None:
    """The run is sealed as invalid: levels only, exit 1, and every check is kept."""
    commit = ""
    path = project.path / "deployed"

    with http_server(telling(lambda: "0" * 40 if path.exists() else commit)) as port:
        with_build(project, port)
        project.suite(CHECK.replace("(audit_evidence): ", "(audit_evidence):\n    open('deployed', 'w').close()\n    "))
        commit = project.commit()
        result = project.run("--audit-sha=HEAD")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    said = f"http://127.0.0.1:{port}/version says it was built from {'0' * 40!r}, the audited commit is {commit}"
    card = project.card()
    assert (card["invalid"], card["total"], card["disposition"]) == (said, None, None)
    assert project.statuses() == {"test_it": "passed"}
    assert verify_run(project.path / "audit-report").state is State.INTACT
    assert "Disposition  none: the run is invalid" in result.stdout.str()


@pytest.mark.parametrize(
    ("at_the_end", "said"),
    [
        ("return '0' * 40", f"pytest_audit_build says {'0' * 40!r}, the audited commit is COMMIT"),
        ("raise OSError('no answer')", "pytest_audit_build failed: OSError: no answer (conftest.py:5)"),
        ("return COMMIT[:9]", ""),
        ("return None", ""),
    ],
)
def test_the_build_hook_is_asked_again_at_the_end(project: Project, at_the_end: str, said: str) -> None:
    """As the service itself is: another commit, or no answer any more, makes the run invalid."""
    project.suite(CHECK.replace("(audit_evidence): ", "(audit_evidence):\n    open('deployed', 'w').close()\n    "))
    (project.path / "conftest.py").write_text(
        "from pathlib import Path\nCOMMIT = Path('.git/refs/heads/main').read_text().strip()\n"
        "def pytest_audit_build(config):\n"
        f"    if not Path('deployed').exists(): return COMMIT\n    {at_the_end}\n",
        "utf-8",
    )
    commit = project.commit()
    result = project.run("--audit-sha=HEAD")
    assert result.ret == (pytest.ExitCode.TESTS_FAILED if said else pytest.ExitCode.OK)
    record = project.record()
    assert record.inputs.document.build == commit
    assert record.seal is not None
    assert record.seal.invalid == said.replace("COMMIT", commit)


def test_a_build_that_can_not_be_verified(project: Project) -> None:
    """Said in the head; no reason to refuse."""
    with http_server(says(b"{}", "application/json", 503)) as port:
        with_build(project, port)
        result = project.run("--audit-sha=HEAD")
    said = f"not verifiable: http://127.0.0.1:{port}/version answers 503"
    assert result.ret == 0
    assert project.record().inputs.document.build == said
    assert said in " ".join(result.stdout.str().split())


def test_the_report_folder_and_caches_are_free(repository: Project) -> None:
    """Though nothing ignores them; code in the report folder is not."""
    (repository.path / ".gitignore").unlink()
    repository.commit()
    for name in ("__pycache__/x.cpython-311.pyc", "audit-report/journal.jsonl", "notes.txt"):
        path = repository.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--audit-sha=HEAD"],
        cwd=repository.path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (repository.path / "audit-report" / "plugin.py").write_text("", "utf-8")
    result = repository.run("--audit-sha=HEAD")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["  untracked, and Python or pytest loads it: audit-report/plugin.py"])
