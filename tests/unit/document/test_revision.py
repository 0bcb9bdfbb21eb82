"""A file as a protected revision holds it: found in git's objects, or one message that says how to come by it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_backend_audit import document
from pytest_backend_audit.errors import AuditUsageError

Git = Callable[..., str]
MAIN = b"version: 1\nenvironment: local\n"


@pytest.fixture
def looser(repository: Path, git: Git) -> Path:
    """A branch on which audit.yaml says something else, and the work tree something else again."""
    git(repository, "checkout", "-q", "-b", "looser")
    (repository / "audit.yaml").write_text("version: 1\nenvironment: local\nsought: {4.6: 3}\n")
    git(repository, "commit", "-q", "-am", "Seek less")
    (repository / "audit.yaml").write_text("not committed\n")
    return repository


def found(top: Path, given: str, **changes: str) -> document.Source:
    """The source for an audit of this repository."""
    return document.source(given, top / "audit.yaml", base=top, **changes)


def refusal(top: Path, given: str) -> str:
    """Why there is none, without the folder's own name."""
    with pytest.raises(AuditUsageError) as caught:
        found(top, given)
    return str(caught.value).replace(str(top), "TOP")


def test_a_branch_a_tag_and_a_commit_give_what_they_hold(looser: Path, git: Git) -> None:
    """Never the work tree; the commit is named whole, the file by the branch or tag as it was asked for."""
    commit = git(looser, "rev-parse", "main")
    git(looser, "tag", "-a", "v1.2", "-m", "v1.2", "main")
    git(looser, "update-ref", "refs/remotes/origin/main", "main")
    git(looser, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    for given in ("main", "v1.2", "origin/main", "origin", "refs/heads/main", "heads/main", "tags/v1.2"):
        source = found(looser, given)
        assert (source.revision, source.name, source.given) == (commit, f"{given}:audit.yaml", given)
        assert source.content == MAIN
    assert found(looser, "HEAD").content.endswith(b"sought: {4.6: 3}\n")


@pytest.mark.parametrize("path", ["", ":audit.yaml"])
def test_what_goes_with_head_is_named_by_its_commit(looser: Path, git: Git, path: str) -> None:
    """HEAD^ is another commit on every branch, main~0 once main has moved on, and so is what a reflog has."""
    git(looser, "branch", "-q", "--set-upstream-to=main")
    git(looser, "tag", "base", "main")
    main, own = git(looser, "rev-parse", "main"), git(looser, "rev-parse", "HEAD")
    back = {"HEAD^", "HEAD~1", "@^", "main~0", "main^{commit}", "@{u}", "HEAD@{1}", "@{-1}", main[:8], main, "base^0"}
    for revision, commit in ((r, own if r in {"HEAD", "@"} else main) for r in (*back, "HEAD", "@")):
        source = found(looser, f"{revision}{path}")
        assert (source.name, source.given) == (f"{commit[:12]}:audit.yaml", f"{commit}{path}"), revision
        assert found(looser, source.given) == source, revision


def test_no_branch_poses_as_a_commit(looser: Path, git: Git) -> None:
    """Be it called by the digits of one, or as git's own name of the present one."""
    main, own = git(looser, "rev-parse", "main"), git(looser, "rev-parse", "HEAD")
    git(looser, "branch", main[:12], "looser")
    assert found(looser, main[:12]).name == f"{own[:12]}:audit.yaml"
    git(looser, "update-ref", "refs/heads/HEAD", "main")
    assert found(looser, "HEAD").name == f"{own[:12]}:audit.yaml"
    git(looser, "update-ref", "refs/notes/x", "main")
    assert found(looser, "refs/notes/x").name == f"{main[:12]}:audit.yaml"


def test_workers_read_the_commit_that_the_controller_read(looser: Path, git: Git) -> None:
    """Although the branch has moved on meanwhile."""
    before = git(looser, "rev-parse", "main")
    git(looser, "branch", "-f", "main", "looser")
    assert found(looser, "main", revision=before).content == MAIN


def test_the_file_may_have_had_another_name_there(looser: Path, git: Git) -> None:
    """As in git's own notation."""
    git(looser, "checkout", "-q", "-f", "-b", "moved", "main")
    git(looser, "mv", "audit.yaml", "audits/audit.yaml")
    git(looser, "commit", "-q", "-m", "Move")
    source = document.source("main:audit.yaml", looser / "audits" / "audit.yaml", base=looser)
    assert (source.path, source.name, source.content) == ("audit.yaml", "main:audit.yaml", MAIN)
    assert refusal(looser / "audits", "main") == (
        "--audit-policy=main: main:audits/audit.yaml: there is no such file at that revision "
        f"({git(looser, 'rev-parse', 'main')[:12]}); if it had another name there: --audit-policy=main:PATH\n"
        "without one there is no policy to hold this audit to: leave the option away until it is merged"
    )


def test_a_plain_file_is_read_as_it_is(looser: Path, tmp_path: Path) -> None:
    """Such as a policy of the whole organisation; it has no commit."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("sought: {4.6: 5}\n")
    source = found(looser, "../policy.yaml")
    assert (source.revision, source.name, source.content) == ("", "../policy.yaml", b"sought: {4.6: 5}\n")
    assert source.top is None


def test_no_file_of_the_work_tree_poses_as_a_revision(looser: Path) -> None:
    """A clone without the branch, in which somebody has committed a file of its name."""
    (looser / "release").write_text("sought: {4.6: 1}\n")
    assert refusal(looser, "release") == (
        "--audit-policy=release: unknown revision in TOP; `git branch -a` and `git tag` list those that are known"
    )


def test_a_revision_wins_over_a_file_of_its_name(looser: Path, git: Git) -> None:
    """Who protects the branch means the branch."""
    git(looser, "branch", "policy.yaml", "main")
    (looser / "policy.yaml").write_text("sought: {4.6: 1}\n")
    assert found(looser, "policy.yaml").content == MAIN


@pytest.fixture
def clone(repository: Path, git: Git, tmp_path: Path) -> Path:
    """A shallow clone of one branch, as CI makes it for a pull request."""
    git(repository, "checkout", "-q", "-b", "looser")
    git(repository, "commit", "-q", "--allow-empty", "-m", "Second")
    place = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth=1", "-b", "looser", f"file://{repository}", str(place))
    return place


def test_a_shallow_clone_is_told_the_line_that_fetches_it(clone: Path, git: Git) -> None:
    """And that line works."""
    said = (
        "--audit-policy={}: unknown revision in TOP, and this clone is shallow; fetch it and name it so:\n"
        "  git fetch --depth=1 origin main:refs/remotes/origin/main\n"
        "  --audit-policy=origin/main"
    )
    assert refusal(clone, "main") == said.format("main")
    assert refusal(clone, "origin/main") == said.format("origin/main")
    git(clone, "fetch", "-q", "--depth=1", "origin", "main:refs/remotes/origin/main")
    assert found(clone, "origin/main").content == MAIN
    assert refusal(clone, "main") == (
        "--audit-policy=main: unknown revision in TOP; there is --audit-policy=origin/main"
    )


def test_a_commit_that_is_not_there_is_fetched_by_its_digits(clone: Path) -> None:
    """A short one can't be."""
    assert refusal(clone, "0123456789abcdef0123456789abcdef01234567") == (
        "--audit-policy=0123456789abcdef0123456789abcdef01234567: unknown revision in TOP, and this clone is shallow; "
        "fetch that commit (all of its digits are needed):\n"
        "  git fetch --depth=1 origin 0123456789abcdef0123456789abcdef01234567"
    )


@pytest.mark.parametrize("given", ["--upload-pack=x", ":/Second"])
def test_what_git_would_take_for_an_option_is_no_revision(repository: Path, given: str) -> None:
    """Nothing that is given reaches git as an option."""
    assert refusal(repository, given) == (
        f"--audit-policy={given}: no revision; name a branch, tag or commit, or a file that ends in .yaml"
    )


def test_no_such_file_is_told(repository: Path) -> None:
    """Its name says that a file is meant."""
    assert (
        refusal(repository, "policy.yaml") == "--audit-policy=policy.yaml: there is no such file, and no such revision"
    )


def test_outside_of_git_there_is_no_revision(tmp_path: Path) -> None:
    """The way out is git's."""
    (tmp_path / "audit.yaml").write_bytes(MAIN)
    assert refusal(tmp_path, "main") == (
        "--audit-policy=main: TOP is not in a git repository; to make one there:\n"
        "  git init && git add . && git commit -m 'First commit'"
    )


@pytest.mark.parametrize("kind", ["link", "folder", "large"])
def test_only_a_file_of_a_sane_size_is_read(repository: Path, git: Git, kind: str) -> None:
    """A link leads who knows where."""
    path = repository / "audit.yaml"
    path.unlink()
    if kind == "link":
        path.symlink_to("/etc/hostname")
    elif kind == "folder":
        path.mkdir()
        (path / "x").write_text("")
    else:
        path.write_bytes(b"#" * (document.LIMIT + 1))
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", kind)
    at = git(repository, "rev-parse", "HEAD")[:12]
    said = {
        "link": f"audit.yaml is a link at {at}",
        "folder": f"audit.yaml is no file at {at}",
        "large": f"audit.yaml is larger than 1,048,576 bytes at {at}, the most that is read",
    }
    assert refusal(repository, "HEAD") == f"--audit-policy=HEAD: {said[kind]}"


def test_a_folder_is_copied_as_it_was(repository: Path, git: Git, tmp_path: Path) -> None:
    """The data of a standard, and nothing else that lies there."""
    folder = repository / "instrument"
    folder.mkdir()
    for name in ("standard.yaml", "4.1.yaml", "pending.txt", "notes.md"):
        (folder / name).write_text(name)
    (folder / "4.2.yaml").symlink_to("/etc/hostname")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "Instrument")
    (folder / "standard.yaml").write_text("changed since")
    commit = git(repository, "rev-parse", "HEAD")
    for path, copy in (("instrument", "."), ("instrument/standard.yaml", "standard.yaml")):
        into = tmp_path / path.replace("/", "-")
        into.mkdir()
        assert document.copied(repository, commit, path, into) == into / copy
        assert {p.name: p.read_text() for p in into.iterdir()} == {
            "standard.yaml": "standard.yaml",
            "4.1.yaml": "4.1.yaml",
            "pending.txt": "pending.txt",
        }
    assert document.copied(repository, commit, "elsewhere", tmp_path) is None
