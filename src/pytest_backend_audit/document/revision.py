"""A file as a protected revision of the repository holds it: from git's objects, never from the work tree."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from os.path import relpath
from pathlib import Path, PurePosixPath

from pytest_backend_audit.document.git import GitError, NoRepositoryError, ask, top_of
from pytest_backend_audit.errors import AuditUsageError

LIMIT = 1 << 20
"""Bytes of the largest file that is read."""
_SHORT = 12
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_DIGITS = re.compile(r"[0-9a-f]{12,64}")
"""What names a commit in our messages: no branch of such a name may pose as one."""
_HEADS = re.compile(r"([A-Z_]+_)?HEAD|@")
"""What git takes for the present commit, or one that it just came by, before any branch of that name."""
_LASTING = ("refs/heads/", "refs/remotes/", "refs/tags/")
_PLAIN = re.compile(r"[\w./-]+")
_FILES = (".yaml", ".yml")
"""How a name must end to be that of a file, so that no file of the work tree can pose as a revision."""
_COPIED = (".yaml", ".yml", ".txt")
"""What a standard is made of."""
_MOST = 200
"""Files that are copied."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where policy keys are read from beside audit.yaml."""

    given: str
    """The revision or path as it was asked for; of what is no branch or tag, such as ``HEAD^``, the full SHA."""
    revision: str
    """Full SHA of the commit; empty where a plain file was named."""
    path: str
    """In the repository's tree; of a plain file, as it was asked for."""
    name: str
    """How messages name it: ``origin/main:audit.yaml``; ``1a2b3c4d5e6f:audit.yaml`` where no branch or tag is named."""
    content: bytes
    folder: Path
    """The folder that the file lies in; of a revision, where it lies now."""
    top: Path | None = None
    """Top of the repository; None where a plain file was named."""


def source(given: str, config: Path, *, base: Path, revision: str = "") -> Source:
    """Find the file that policy keys are read from.

    Args:
        given: ``--audit-policy``: a revision of the repository that holds audit.yaml; ``REVISION:PATH`` where the file
            had another name there; or the path of a file whose name ends in ``.yaml`` or ``.yml``.
        config: audit.yaml.
        base: What a path of a file is relative to.
        revision: The commit that it resolved to in the process that leads this run; empty in that process itself.

    Raises:
        AuditUsageError: There is no such revision, or the file is not there; one message, with the way out.
    """
    try:
        return _of_revision(given, config, revision) or _of_file(given, base / given, config) or _none(given, config)
    except GitError as error:
        raise AuditUsageError(f"--audit-policy={given}: {error}") from None


def resolved(folder: Path, revision: str) -> str:
    """The full SHA of the commit that a revision names; empty if it names none.

    Raises:
        GitError: git gave no answer, or the folder is in no repository.
    """
    if not revision or revision.startswith("-"):
        return ""
    answer = ask(top_of(folder), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return "" if answer.status else answer.line


def content(top: Path, commit: str, path: str, limit: int = LIMIT) -> bytes | None:
    """What a file holds at a commit; None where there is none.

    Args:
        top: Top of the repository.
        commit: Full SHA.
        path: In the tree, with slashes.
        limit: Most bytes that are read.

    Raises:
        GitError: git gave no answer, the path is a link or a folder, or the file is larger than `limit`.
    """
    entry = ask(top, "ls-tree", "-z", "-l", "--full-tree", commit, "--", path)
    if entry.status:
        raise GitError(f"git can't read the tree of {commit[:_SHORT]}: {entry.errors.strip()}")
    if not entry.items:
        return None
    mode, kind, object_, size = entry.items[0].partition("\t")[0].split()
    if kind != "blob" or not mode.startswith("100"):
        raise GitError(f"{path} is {'a link' if mode == '120000' else 'no file'} at {commit[:_SHORT]}")
    if not size.isdigit() or int(size) > limit:
        raise GitError(f"{path} is larger than {limit:,} bytes at {commit[:_SHORT]}, the most that is read")
    answer = ask(top, "cat-file", "blob", object_)
    if answer.status:
        raise GitError(f"git can't read {path} at {commit[:_SHORT]}: {answer.errors.strip()}")
    return os.fsencode(answer.output)


def _of_revision(given: str, config: Path, known: str) -> Source | None:
    """The file at a revision; None where `given` names no commit."""
    revision, colon, path = given.partition(":")
    try:
        top = top_of(config.parent)
    except NoRepositoryError:
        return None
    commit = known or resolved(top, revision)
    if not commit:
        return None
    in_tree = PurePosixPath(path) if colon else (config.parent.resolve() / config.name).relative_to(top)
    path = in_tree.as_posix()
    found = content(top, commit, path)
    if found is None:
        shown = revision[:_SHORT] if _SHA.fullmatch(revision) else revision
        elsewhere = "" if colon else f"; if it had another name there: --audit-policy={revision}:PATH"
        raise GitError(
            f"{shown}:{path}: there is no such file at that revision ({commit[:_SHORT]}){elsewhere}\n"
            "without one there is no policy to hold this audit to: leave the option away until it is merged"
        )
    if _is_lasting(top, revision):
        return Source(given, commit, path, f"{revision}:{path}", found, config.parent, top)
    # HEAD^ is another commit on every branch: what was asked for is the commit that it named here.
    return Source(
        f"{commit}{colon}{path if colon else ''}", commit, path, f"{commit[:_SHORT]}:{path}", found, config.parent, top
    )


def _is_lasting(top: Path, revision: str) -> bool:
    """Whether a revision is the name of a branch, a remote branch or a tag, which is the same wherever HEAD is."""
    if _DIGITS.fullmatch(revision) or _HEADS.fullmatch(revision):
        return False
    # In git's order: what it finds first is what it takes.
    names = [revision, *(f"refs/{kind}{revision}" for kind in ("", "tags/", "heads/", "remotes/"))]
    names.append(f"refs/remotes/{revision}/HEAD")
    known = ask(top, "for-each-ref", "--format=%(refname)", "--", *names).output.split()
    return next((name for name in names if name in known), "").startswith(_LASTING)


def _shown(given: str, file: Path, config: Path) -> str:
    """A plain file by the same name wherever it is named from: its path from the repository's top.

    One outside that was given by its whole path keeps that.
    """
    real = file.resolve()
    try:
        top = top_of(config.parent).resolve()
    except GitError:
        return given
    return given if Path(given).is_absolute() and not real.is_relative_to(top) else relpath(real, top)


def _of_file(given: str, file: Path, config: Path) -> Source | None:
    if not given.endswith(_FILES) or not file.is_file():
        return None
    try:
        with file.open("rb") as opened:
            return Source(given, "", given, _shown(given, file, config), opened.read(LIMIT + 1), file.parent)
    except OSError as error:
        raise GitError(f"it can't be read: {error.strerror}") from None


def _none(given: str, config: Path) -> Source:
    if given.endswith(_FILES):
        raise GitError("there is no such file, and no such revision")
    revision = given.partition(":")[0]
    raise GitError(_unknown(top_of(config.parent), revision))


def _unknown(top: Path, revision: str) -> str:
    """Why a revision is not known here, and the line that fetches it."""
    if not revision or revision.startswith("-"):
        return "no revision; name a branch, tag or commit, or a file that ends in .yaml"
    remotes = ask(top, "remote").output.split()
    for remote in remotes:
        if resolved(top, f"{remote}/{revision}"):
            return f"unknown revision in {top}; there is --audit-policy={remote}/{revision}"
    if not remotes or not _PLAIN.fullmatch(revision):
        return f"unknown revision in {top}; `git branch -a` and `git tag` list those that are known"
    shallow = ask(top, "rev-parse", "--is-shallow-repository").line == "true"
    why = ", and this clone is shallow" if shallow else ""
    remote, _, branch = revision.partition("/")
    if remote not in remotes:
        remote, branch = remotes[0], revision
    if re.fullmatch(r"[0-9a-f]{7,64}", branch):
        return f"unknown revision in {top}{why}; fetch that commit (all of its digits are needed):\n  " + (
            f"git fetch --depth=1 {remote} {branch}"
        )
    return (
        f"unknown revision in {top}{why}; fetch it and name it so:\n"
        f"  git fetch --depth=1 {remote} {branch}:refs/remotes/{remote}/{branch}\n"
        f"  --audit-policy={remote}/{branch}"
    )


def copied(top: Path, commit: str, path: str, into: Path) -> Path | None:
    """Copy a file with those beside it, or the files of a folder, as they are at a commit.

    Args:
        top: Top of the repository.
        commit: Full SHA.
        path: In the tree, with slashes.
        into: An empty folder.

    Returns:
        The copy of `path`; None where there is nothing of that name.

    Raises:
        GitError: git gave no answer, or there is too much of it.
    """
    kind = ask(top, "cat-file", "-t", f"{commit}:{path}").line
    if kind not in {"blob", "tree"}:
        return None
    place = PurePosixPath(path)
    folder = place if kind == "tree" else place.parent
    listed = ask(top, "ls-tree", "-z", "--full-tree", commit, *([f"{folder}/"] if folder.name else []))
    files = [entry.partition("\t") for entry in listed.items]
    names = [name for meta, _, name in files if meta.startswith("100") and name.endswith(_COPIED)]
    if len(names) > _MOST:
        raise GitError(f"{folder} has more than {_MOST} files at {commit[:_SHORT]}, the most that are read")
    for name in names:
        (into / PurePosixPath(name).name).write_bytes(content(top, commit, name) or b"")
    return into if kind == "tree" else into / place.name
