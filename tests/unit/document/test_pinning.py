"""A formal audit is about exactly what its commit says; each other state has one message, with the way out."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_backend_audit import document
from pytest_backend_audit.errors import AuditUsageError

Git = Callable[..., str]


def pin(top: Path, rev: str | None = "HEAD", **changes: object) -> document.Pinned:
    """Pin with the usual arguments."""
    settings: dict[str, object] = {
        "rootdir": top,
        "report_dir": top / "audit-report",
        "audit_paths": ("audits",),
        "config_path": top / "audit.yaml",
        "formal": rev is not None,
    }
    return document.pin(top, rev, **{**settings, **changes})  # type: ignore[arg-type]


def refusal(top: Path, rev: str = "HEAD", **changes: object) -> str:
    """The message with which a formal audit is refused, without the folder's own name."""
    with pytest.raises(AuditUsageError) as caught:
        pin(top, rev, **changes)
    return str(caught.value).replace(str(top), "TOP")


FIRST = "git init && git add . && git commit -m 'First commit'"
REHEARSE = "\nor rehearse without a commit: --audit"
CURE = (
    "\ncommit them, take them away (git stash -u), or have .gitignore name what is no part of it"
    "\nor rehearse without a commit: --audit"
)


def test_head_is_pinned_with_its_branch(repository: Path, git: Git) -> None:
    """HEAD, a branch and a short SHA of HEAD all pin the full SHA."""
    head = git(repository, "rev-parse", "HEAD")
    for rev in ("HEAD", "main", head[:8], head.upper()[:10]):
        assert pin(repository, rev) == document.Pinned(head, "main", ())


def test_an_annotated_tag_is_its_commit(repository: Path, git: Git) -> None:
    """A tag object is followed to the commit."""
    git(repository, "tag", "-a", "v1", "-m", "v1")
    assert pin(repository, "v1").commit == git(repository, "rev-parse", "HEAD")


def test_a_detached_head_has_no_branch(repository: Path, git: Git) -> None:
    """CI checks out a commit; that is fine."""
    git(repository, "checkout", "-q", "--detach")
    assert pin(repository).branch == ""


def test_the_top_is_found_from_a_folder_inside(repository: Path) -> None:
    """The rootdir may be a folder of the repository."""
    assert document.find_repository(repository / "audits") == repository
    assert document.find_repository(repository.parent) is None
    assert document.find_repository(repository / "nowhere") is None


def test_variables_of_a_git_hook_do_not_lead_elsewhere(
    repository: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a git hook GIT_DIR names the hook's repository; ours is the one that we name."""
    head = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other.git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "other.index"))
    assert pin(repository).commit == head


def test_git_is_missing(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the program: refused in a formal audit; a rehearsal goes on and says so."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert refusal(repository) == "--audit-sha=HEAD: there is no git program; install git" + REHEARSE
    assert pin(repository, None) == document.Pinned("", "", ("no commit: there is no git program; install git",))
    assert document.find_repository(repository) is None


def test_a_folder_that_is_no_repository(tmp_path: Path, git: Git) -> None:
    """Refused in a formal audit; a rehearsal has no commit."""
    top = tmp_path / "plain"
    top.mkdir()
    assert refusal(top) == f"--audit-sha=HEAD: TOP is not in a git repository; to make one there:\n  {FIRST}{REHEARSE}"
    notice = f"no commit: {top} is not in a git repository; to make one there: {FIRST}"
    assert pin(top, None) == document.Pinned("", "", (notice,))


def test_a_repository_without_commits(tmp_path: Path, git: Git) -> None:
    """There is nothing to pin yet."""
    git(tmp_path, "init", "-q", "-b", "main", "empty")
    told = "--audit-sha=HEAD: TOP has no commits yet:\n  git add . && git commit -m 'First commit'" + REHEARSE
    assert refusal(tmp_path / "empty") == told
    notice = f"no commit: {tmp_path / 'empty'} has no commits yet: git add . && git commit -m 'First commit'"
    assert pin(tmp_path / "empty", None) == document.Pinned("", "", (notice,))


@pytest.mark.parametrize("rev", ["nosuch", "--all", "HEAD~7", "main..main", "deadbeefdead"])
def test_an_unknown_revision(repository: Path, rev: str) -> None:
    """What git can't resolve, and what looks like an option."""
    told = f"--audit-sha={rev}: unknown revision in TOP; the commit that is checked out is HEAD" + REHEARSE
    assert refusal(repository, rev) == told


def test_an_unknown_revision_in_a_shallow_clone(repository: Path, git: Git, tmp_path: Path) -> None:
    """The commit may exist where the clone came from, and the message says how to get it."""
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "commit", "-q", "--allow-empty", "-m", "Second")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth", "1", repository.as_uri(), str(clone))
    assert refusal(clone, first) == (
        f"--audit-sha={first}: unknown revision, and this clone is shallow, so that older commits are missing:\n"
        "  git fetch --unshallow (in CI: fetch-depth: 0, or GIT_DEPTH: 0)" + REHEARSE
    )
    assert pin(clone).commit == git(repository, "rev-parse", "HEAD")


def test_a_commit_that_is_not_checked_out(repository: Path, git: Git) -> None:
    """Both commits are named, and how to check the wanted one out."""
    first = git(repository, "rev-parse", "HEAD")[:12]
    git(repository, "commit", "-q", "--allow-empty", "-m", "Second")
    second = git(repository, "rev-parse", "HEAD")[:12]
    assert refusal(repository, "HEAD~1") == (
        f"--audit-sha=HEAD~1: that is commit {first}, but HEAD is {second} (main); "
        f"an audit is about the commit that is checked out:\n  git checkout {first}" + REHEARSE
    )


@pytest.mark.parametrize("depth", [(), ("--depth", "1")], ids=["whole", "shallow"])
def test_the_merge_that_ci_makes_of_a_pull_request(
    repository: Path, git: Git, tmp_path: Path, depth: tuple[str, ...]
) -> None:
    """HEAD is a detached merge of the pull request's commit: said so, in a clone of depth 1 too."""
    git(repository, "checkout", "-q", "-b", "feature")
    git(repository, "commit", "-q", "--allow-empty", "-m", "Feature")
    feature = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "-q", "main")
    git(repository, "commit", "-q", "--allow-empty", "-m", "Main moves on")
    git(repository, "merge", "-q", "--no-ff", "-m", "Merge", "feature")
    merge = git(repository, "rev-parse", "HEAD")
    clone = tmp_path / "ci"
    git(tmp_path, "clone", "-q", *depth, repository.as_uri(), str(clone))
    git(clone, "checkout", "-q", "--detach")
    assert refusal(clone, feature) == (
        f"--audit-sha={feature}: HEAD is {merge[:12]}, a merge commit that has {feature[:12]} as a parent; CI makes "
        "such merges for pull requests.\nAudit the merge: --audit-sha=HEAD\nor check out the commit itself: "
        f"git checkout {feature[:12]} (on GitHub, actions/checkout with ref: "
        "${{ github.event.pull_request.head.sha }})" + REHEARSE
    )


def test_a_repository_of_another_user(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal of git is passed on as the line that cures it."""
    # git itself offers this switch, so that its own tests need no second user.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert refusal(repository) == (
        "--audit-sha=HEAD: git does not trust TOP, because it belongs to another user; if you do:\n"
        "  git config --global --add safe.directory TOP" + REHEARSE
    )
    assert pin(repository, None).commit == ""


def test_git_hangs(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that never answers ends in a message."""
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("pytest_backend_audit.document.git.TIMEOUT", 0.2)
    assert refusal(repository) == (
        "--audit-sha=HEAD: git rev-parse did not answer within 0 s in TOP; see what holds it up:\n"
        f"  time git -C TOP status{REHEARSE}"
    )


def test_changed_files_are_listed_up_to_five(repository: Path, git: Git) -> None:
    """Worktree, index, deletions and mode changes all count; the list is cut."""
    for n in range(7):
        (repository / f"m{n}.txt").write_text("1")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Files")
    for n in range(5):
        (repository / f"m{n}.txt").write_text("2")
    git(repository, "rm", "-q", "--cached", "m5.txt")
    (repository / "m6.txt").unlink()
    assert refusal(repository) == (
        "--audit-sha=HEAD: the tree in TOP is not what its commit says\n"
        "  changed: m0.txt, m1.txt, m2.txt, m3.txt, m4.txt and 2 more" + CURE
    )
    assert pin(repository, None).notices == (
        "the tree differs from the commit: changed: m0.txt, m1.txt, m2.txt, m3.txt, m4.txt and 2 more",
    )


@pytest.mark.parametrize(
    "name",
    ["app/views.py", "x.pth", "pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml", "conftest.py", "ä b\n.py"],
)
def test_untracked_files_that_python_or_pytest_loads(repository: Path, name: str) -> None:
    """They may change what the checks see, wherever they lie."""
    path = repository / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("")
    told = "--audit-sha=HEAD: the tree in TOP is not what its commit says\n  untracked, and Python or pytest loads it: "
    assert refusal(repository) == told + name + CURE


def test_other_untracked_files_are_free(repository: Path) -> None:
    """Notes, logs, caches of bytecode and the report folder change nothing that a check sees."""
    head = pin(repository)
    for name in ("notes.txt", "app.log", "audits/__pycache__/x.cpython-311.pyc", "audit-report/journal.jsonl"):
        path = repository / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    assert pin(repository) == head


def test_a_tracked_report_may_change(repository: Path, git: Git) -> None:
    """A team that commits its reports can run the next audit."""
    report = repository / "reports"
    report.mkdir()
    (report / "scorecard.md").write_text("1")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Report")
    (report / "scorecard.md").write_text("2")
    assert pin(repository, report_dir=report).notices == ()
    assert "changed: reports/scorecard.md" in refusal(repository)


def test_code_in_the_report_folder_is_not_free(repository: Path, git: Git) -> None:
    """Reports hold no code: a conftest there is somebody else's."""
    (repository / ".gitignore").write_text("*.log\n")
    git(repository, "commit", "-q", "-a", "-m", "Ignore less")
    (repository / "audit-report").mkdir()
    (repository / "audit-report" / "conftest.py").write_text("")
    assert "loads it: audit-report/conftest.py" in refusal(repository)


def test_a_report_folder_around_the_repository(repository: Path) -> None:
    """Everything would be free then."""
    assert refusal(repository, report_dir=repository) == (
        "--audit-report=TOP: TOP lies in it; give the report a folder of its own"
    )


def test_ignored_tests_where_checks_are_collected(repository: Path, git: Git) -> None:
    """An ignored conftest or test file is collected all the same, so it counts; elsewhere it does not."""
    (repository / ".gitignore").write_text("local/\nconftest.py\n")
    git(repository, "commit", "-q", "-a", "-m", "Ignore")
    for name in ("audits/local/test_mine.py", "audits/local/deep/conftest.py", "audits/conftest.py", "conftest.py"):
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert refusal(repository) == (
        "--audit-sha=HEAD: the tree in TOP is not what its commit says\n  ignored by git, and pytest collects it: "
        "audits/conftest.py, audits/local/test_mine.py, audits/local/deep/conftest.py" + CURE
    )


def test_an_ignored_virtual_environment_is_no_test_folder(repository: Path, git: Git) -> None:
    """Nobody collects there, nor in build folders and hidden ones: free, though rootdir is the scope."""
    (repository / ".gitignore").write_text("env/\n.tox/\nnode_modules/\n")
    git(repository, "commit", "-q", "-a", "-m", "Ignore")
    for folder in ("env/lib", ".tox/py", "node_modules/x"):
        (repository / folder).mkdir(parents=True)
        (repository / folder / "test_theirs.py").write_text("")
    (repository / "env" / "pyvenv.cfg").write_text("")
    assert pin(repository, audit_paths=(".",)).notices == ()
    (repository / "env" / "pyvenv.cfg").unlink()
    assert "collects it: env/lib/test_theirs.py" in refusal(repository, audit_paths=(".",))


def test_node_ids_name_their_file(repository: Path, git: Git) -> None:
    """An argument such as audits/test_orders.py::test_it is a place that checks are collected from."""
    (repository / ".gitignore").write_text("test_local.py\n")
    git(repository, "commit", "-q", "-a", "-m", "Ignore")
    (repository / "audits" / "test_local.py").write_text("")
    assert "collects it: audits/test_local.py" in refusal(repository, audit_paths=("audits/test_local.py::test_a",))
    assert pin(repository, audit_paths=("audits/test_orders.py::test_it",)).notices == ()


def test_a_repository_inside_that_git_does_not_look_into(repository: Path, git: Git) -> None:
    """Python does look into it."""
    git(repository, "init", "-q", "inner")
    (repository / "inner" / "plugin.py").write_text("")
    assert "loads it: inner/plugin.py" in refusal(repository)


@pytest.mark.parametrize("mark", ["--assume-unchanged", "--skip-worktree"])
def test_a_change_that_git_was_told_to_overlook(repository: Path, git: Git, mark: str) -> None:
    """The index can hide a change from git's status; the mark itself is refused."""
    git(repository, "update-index", mark, "audits/test_orders.py")
    (repository / "audits" / "test_orders.py").write_text("def test_it(): pass\n")
    assert (
        "marked so that git overlooks changes (git update-index --no-assume-unchanged --no-skip-worktree): "
        "audits/test_orders.py"
    ) in refusal(repository)


def test_audit_yaml_untracked(repository: Path, git: Git) -> None:
    """The configuration decides the score, so it is committed."""
    (repository / "other.yaml").write_text("version: 1\n")
    assert refusal(repository, config_path=repository / "other.yaml") == (
        "--audit-sha=HEAD: other.yaml is not tracked:\n"
        "  git add other.yaml && git commit -m 'Audit configuration'" + REHEARSE
    )


def test_audit_yaml_changed(repository: Path) -> None:
    """A changed configuration is a changed file."""
    (repository / "audit.yaml").write_text("version: 1\nenvironment: prod\n")
    assert "  changed: audit.yaml\n" in refusal(repository)


def test_audit_yaml_outside_git(repository: Path, tmp_path: Path) -> None:
    """No commit vouches for it."""
    (tmp_path / "audit.yaml").write_text("version: 1\n")
    told = (
        "--audit-sha=HEAD: audit.yaml is not in a git repository; a formal audit needs it committed:\n"
        f"  move it into the repository, then git add audit.yaml && git commit -m 'Audit configuration'{REHEARSE}"
    )
    assert refusal(repository, config_path=tmp_path / "audit.yaml") == told


def test_checks_in_another_repository(repository: Path, git: Git, tmp_path: Path) -> None:
    """Both trees are held to their commits, and the head says where the checks come from."""
    audits = tmp_path / "audits"
    audits.mkdir()
    git(audits, "init", "-q", "-b", "main")
    (audits / "audit.yaml").write_text("version: 1\n")
    git(audits, "add", ".")
    git(audits, "commit", "-q", "-m", "Audits")
    elsewhere = {"rootdir": audits, "report_dir": audits / "audit-report", "config_path": audits / "audit.yaml"}
    commit = git(audits, "rev-parse", "HEAD")
    pinned = pin(repository, **elsewhere)
    assert pinned.commit == git(repository, "rev-parse", "HEAD")
    assert pinned.notices == (f"the checks are those of commit {commit[:12]} of {audits}",)
    (audits / "conftest.py").write_text("")
    assert f"the tree in {audits} is not what its commit says" in refusal(repository, **elsewhere)


def test_checks_outside_git(repository: Path, tmp_path: Path) -> None:
    """Said, since nothing vouches for them."""
    plain = tmp_path / "plain"
    plain.mkdir()
    assert pin(repository, rootdir=plain).notices == (
        f"the checks in {plain} are not in a git repository: no commit vouches for them",
    )


def test_nothing_is_written_to_the_repository(repository: Path) -> None:
    """Not even git's own index is refreshed."""
    index = (repository / ".git" / "index").read_bytes()
    os.utime(repository / "audit.yaml", (1, 1))
    pin(repository)
    assert (repository / ".git" / "index").read_bytes() == index


@pytest.mark.parametrize(
    ("reported", "matches"),
    [
        ("0123456", True),
        ("0123456789abcdef0123456789abcdef01234567", True),
        (" 0123456789AB\n", True),
        ("012345", False),
        ("0123457", False),
        ("", False),
        ("v1.2.3", False),
        ("0123456789abcdef0123456789abcdef012345678", False),
    ],
)
def test_a_build_names_the_commit_with_seven_or_more_digits(reported: str, matches: bool) -> None:
    """Fewer digits could be any commit."""
    assert document.build_matches(reported, "0123456789abcdef0123456789abcdef01234567") is matches


def test_an_audit_that_was_filed_is_no_change_of_the_tree(repository: Path, git: Git) -> None:
    """The ledger has grown and cards are new, staged or not; what was there before stays."""
    folder = repository / "audits" / "orders"
    folder.mkdir()
    ledger = folder / "ledger.jsonl"
    ledger.write_text('{"a":1}\n')
    git(repository, "add", ".")
    assert pin(repository).commit
    git(repository, "commit", "-q", "-m", "Ledger")
    ledger.write_text('{"a":1}\n{"b":2}\n')
    for name in ("2026-11-24.md", "2026-11-24.json", "2026-11-24.kept.jsonl"):
        (folder / name).write_text("card")
    assert pin(repository).commit
    git(repository, "add", ".")
    assert pin(repository).commit
    git(repository, "commit", "-q", "-m", "Card")
    (folder / "2026-11-24.md").write_text("better card")
    assert "changed: audits/orders/2026-11-24.md" in refusal(repository)
    git(repository, "checkout", "-q", ".")
    ledger.write_text('{"b":2}\n')
    assert "changed: audits/orders/ledger.jsonl" in refusal(repository)
    ledger.unlink()
    assert "changed: audits/orders/ledger.jsonl" in refusal(repository)


def test_what_only_looks_like_a_filed_audit_is_a_change(repository: Path, git: Git) -> None:
    """A new file beside no ledger, deeper down, or one that Python loads; a ledger that became a link."""
    folder = repository / "audits" / "orders"
    (folder / "deep").mkdir(parents=True)
    for name in ("notes.md", "deep/ledger.jsonl", "deep/notes.md"):
        path = folder / name
        path.write_text("new")
        git(repository, "add", "-f", str(path))
        assert f"changed: audits/orders/{name}" in refusal(repository)
        git(repository, "rm", "-q", "-f", str(path))
        folder.mkdir(exist_ok=True)
        (folder / "deep").mkdir(exist_ok=True)
    (folder / "ledger.jsonl").symlink_to(repository / "audit.yaml")
    git(repository, "add", ".")
    assert "changed: audits/orders/ledger.jsonl" in refusal(repository)


def test_a_submodule_whose_changes_are_not_told(repository: Path, git: Git, tmp_path: Path) -> None:
    """Settings of git may hide them; an edited check in it is none of the commit."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", "-b", "main")
    (other / "test_it.py").write_text("")
    git(other, "add", ".")
    git(other, "commit", "-qm", "checks")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "shared")
    git(repository, "config", "-f", ".gitmodules", "submodule.shared.ignore", "all")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "shared checks")
    assert pin(repository).commit
    (repository / "shared" / "test_it.py").write_text("# another one\n")
    assert refusal(repository) == (
        f"--audit-sha=HEAD: the tree in TOP is not what its commit says\n  changed: shared{CURE}"
    )


def test_audit_yaml_behind_a_link(repository: Path, git: Git) -> None:
    """What it leads to has to be tracked as well."""
    (repository / "conf").mkdir()
    (repository / "audit.yaml").rename(repository / "conf" / "audit.yaml")
    (repository / "audit.yaml").symlink_to("conf/audit.yaml")
    with (repository / ".gitignore").open("a") as file:
        file.write("conf/\n")
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "a link")
    assert "conf/audit.yaml is not tracked:" in refusal(repository)
    git(repository, "add", "-f", "conf/audit.yaml")
    git(repository, "commit", "-qm", "and its file")
    assert pin(repository).commit


def test_a_name_that_is_in_rootdir_and_where_pytest_started(
    repository: Path, git: Git, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Arguments are relative to the one, ini values to the other: both are looked into."""
    (repository / "sub" / "audits").mkdir(parents=True)
    with (repository / ".gitignore").open("a") as file:
        file.write("test_gen.py\n")
    git(repository, "commit", "-qam", "ignore")
    (repository / "sub" / "audits" / "test_gen.py").write_text("")
    monkeypatch.chdir(repository / "sub")
    assert "ignored by git, and pytest collects it: sub/audits/test_gen.py" in refusal(repository)
