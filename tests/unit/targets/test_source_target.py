"""The tree at the audited commit, from git objects."""

import subprocess

import pytest

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.targets.source import Source, glob_pattern
from pytest_backend_audit.testing import runtime_for


def git(folder, *arguments):
    """Run git as somebody."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(["git", "-C", folder, *who, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def audit(tmp_path):
    """An audit of a repository with one commit, and a work tree that has changed since."""
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("import os\n\npool = connect(size=5)\n")
    (tmp_path / "app" / "größe.py").write_text("size = 7\n")
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\0size\n")
    (tmp_path / "README").write_text("size matters\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one")
    (tmp_path / "app" / "main.py").write_text("changed since\n")
    return runtime_for(folder=tmp_path, commit=git(tmp_path, "rev-parse", "HEAD"))


def test_files_are_those_of_the_commit(audit):
    """Sorted, by glob."""
    source = Source(audit)
    assert source.files("**/*.py") == ["app/größe.py", "app/main.py"]
    assert source.files("*") == ["README", "logo.png"]
    assert source.files("app/*") == ["app/größe.py", "app/main.py"]
    assert source.files("nothing/**") == []


@pytest.mark.parametrize(
    ("glob", "path", "matches"),
    [
        ("**", "a/b/c", True),
        ("**/*.py", "x.py", True),
        ("**/*.py", "a/b/x.py", True),
        ("*.py", "a/x.py", False),
        ("deploy/**/values.yaml", "deploy/values.yaml", True),
        ("deploy/**/values.yaml", "deploy/a/b/values.yaml", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("a.c", "abc", False),
    ],
)
def test_globs(glob, path, matches):
    """One star stays inside a folder."""
    assert bool(glob_pattern(glob).fullmatch(path)) is matches


def test_text_is_that_of_the_commit(audit):
    """What was changed since does not count."""
    assert Source(audit).read("app/main.py") == "import os\n\npool = connect(size=5)\n"
    with pytest.raises(FileNotFoundError, match=rf"nothing\.py does not exist at {audit.commit[:7]}"):
        Source(audit).read("nothing.py")


def test_grep_gives_lines_and_leaves_binary_files_out(audit):
    """Each with path and number, and as code references in evidence."""
    with audit.recorder.open() as buffer:
        found = Source(audit).grep(r"size\s*=", "**")
    assert [str(m) for m in found] == ["app/größe.py:1: size = 7", "app/main.py:3: pool = connect(size=5)"]
    [evidence] = buffer.evidence
    assert evidence.kind is EvidenceKind.CODE
    assert evidence.body == "app/größe.py:1: size = 7\napp/main.py:3: pool = connect(size=5)"
    assert evidence.facts == {"matches": 2, "files": 4}


def test_a_search_without_a_match_is_an_output(audit):
    """Nothing is referred to, but it was looked."""
    with audit.recorder.open() as buffer:
        assert Source(audit).grep("no such thing") == []
    assert (buffer.evidence[0].kind, buffer.evidence[0].body) == (EvidenceKind.OUTPUT, "no line matches")


def test_a_reference_is_a_line_that_exists(audit):
    """Else it is no reference."""
    with audit.recorder.open() as buffer:
        assert Source(audit).reference("app/main.py", 3) == "pool = connect(size=5)"
    assert (buffer.evidence[0].title, buffer.evidence[0].body) == ("app/main.py:3", "pool = connect(size=5)")
    with pytest.raises(IndexError, match=r"app/main\.py has no line 4 at"):
        Source(audit).reference("app/main.py", 4)


def test_without_a_commit_the_source_can_not_be_read(tmp_path):
    """A rehearsal outside git."""
    with pytest.raises(CouldNotRun, match=r"there is no commit to read the source at"):
        Source(runtime_for(folder=tmp_path)).files()


def test_files_are_written_out_for_a_tool_as_the_commit_has_them(audit, tmp_path):
    """Below a folder, with their own."""
    Source(audit).export(["app/main.py", "logo.png"], tmp_path / "out")
    assert (tmp_path / "out" / "app" / "main.py").read_text() == "import os\n\npool = connect(size=5)\n"
    assert (tmp_path / "out" / "logo.png").read_bytes() == b"\x89PNG\0size\n"
    with pytest.raises(FileNotFoundError, match=r"app/none\.py does not exist at "):
        Source(audit).export(["app/none.py"], tmp_path / "out")
