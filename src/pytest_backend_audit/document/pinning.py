"""Pinning an audit to a commit: a formal audit is about exactly what that commit says."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_backend_audit.document.git import GitError, NoRepositoryError, ask, top_of
from pytest_backend_audit.document.tree import Tree, strays
from pytest_backend_audit.errors import AuditUsageError

_SHA = re.compile(r"[0-9a-f]{7,64}")
_SHORT = 12
"""Digits of a SHA in messages."""
_PULL_REQUEST_REF = "ref: ${{ github.event.pull_request.head.sha }}"


@dataclass(frozen=True, slots=True)
class Pinned:
    """The audited commit."""

    commit: str
    """Full SHA; empty in a rehearsal where there is none."""
    branch: str = ""
    """Empty when HEAD is detached."""
    notices: tuple[str, ...] = ()


def find_repository(folder: Path) -> Path | None:
    """Top of the git work tree that `folder` lies in; None where there is none, or git can't say."""
    try:
        return top_of(folder)
    except GitError:
        return None


def build_matches(reported: str, commit: str) -> bool:
    """Whether a build names the commit: its whole SHA, or 7 or more of its first hex digits."""
    text = reported.strip().lower()
    return bool(_SHA.fullmatch(text)) and commit.startswith(text)


def pin(
    repository: Path,
    rev: str | None,
    *,
    rootdir: Path,
    report_dir: Path,
    audit_paths: Sequence[str],
    config_path: Path | None,
    formal: bool,
    named: Sequence[Path] = (),
) -> Pinned:
    """Find the commit that is audited, and in a formal audit hold the tree to it.

    Args:
        repository: The audited repository, or a folder in it.
        rev: The revision asked for (``--audit-sha``); None in a rehearsal.
        rootdir: pytest's root folder; its repository holds the checks, and may be another one.
        report_dir: Report folder: what lies there is no part of the tree.
        audit_paths: Files and folders that checks are collected from, relative to `rootdir`; node ids do as well.
        config_path: audit.yaml; None where there is none.
        formal: Whether anything that the commit does not say is an error, rather than a notice.
        named: Files that audit.yaml names, which belong to it.

    Raises:
        AuditUsageError: One message, with the way out.
    """
    _report_folder_apart(report_dir.resolve(), repository.resolve(), rootdir.resolve())
    tree = Tree(rootdir.resolve(), report_dir.resolve(), tuple(_collected_from(rootdir, audit_paths)), config_path)
    if not formal:
        return _rehearsed(repository, tree)
    revision = rev or "HEAD"
    try:
        top = top_of(repository)
        commit = _resolved(top, revision)
        notices = _hold(top, tree)
        for file in named:
            _tracked(file, os.path.relpath(file))
    except GitError as error:
        raise AuditUsageError(f"--audit-sha={revision}: {error}\nor rehearse without a commit: --audit") from None
    return Pinned(commit, _branch(top), notices)


def _rehearsed(repository: Path, tree: Tree) -> Pinned:
    """A rehearsal takes the tree as it is, and says how it differs from the commit."""
    try:
        top = top_of(repository)
        commit = _head(top)
        found = strays(top, tree)
    except GitError as error:
        return Pinned("", "", (f"no commit: {' '.join(str(error).split())}",))
    return Pinned(commit, _branch(top), (f"the tree differs from the commit: {found.short()}",) if found else ())


def _hold(top: Path, tree: Tree) -> tuple[str, ...]:
    """Refuse a tree that is not what its commit says, and say where the checks come from."""
    tops = [top]
    notices: list[str] = []
    try:
        checks = top_of(tree.rootdir)
    except NoRepositoryError:
        notices.append(f"the checks in {tree.rootdir} are not in a git repository: no commit vouches for them")
    else:
        if checks != top:
            tops.append(checks)
            notices.append(f"the checks are those of commit {_head(checks)[:_SHORT]} of {checks}")
    for each in tops:
        if found := strays(each, tree):
            raise GitError(found.told(each))
    if tree.config is not None:
        _tracked(tree.config)
        if (real := tree.config.resolve()) != tree.config.parent.resolve() / tree.config.name:
            _tracked(real, os.path.relpath(real))  # a link is as good as what it leads to
    return tuple(notices)


def _tracked(config: Path, name: str = "") -> None:
    name = name or config.name
    try:
        top = top_of(config.parent)
    except NoRepositoryError:
        raise GitError(
            f"{name} is not in a git repository; a formal audit needs it committed:\n"
            f"  move it into the repository, then git add {name} && git commit -m 'Audit configuration'"
        ) from None
    if ask(config.parent, "ls-files", "--error-unmatch", "--", config.name).status:
        raise GitError(f"{name} is not tracked:\n  git add {name} && git commit -m 'Audit configuration'")
    # Another repository than the audited one has not been looked at yet.
    # `status` and not `diff`: that one writes the index.
    if ask(config.parent, "status", "--porcelain=v1", "--", config.name).line:
        raise GitError(
            f"{name} differs from the commit of {top}; commit it:\n  git commit -m 'Audit configuration' {name}"
        )


def _head(top: Path) -> str:
    answer = ask(top, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if answer.status:
        raise GitError(f"{top} has no commits yet:\n  git add . && git commit -m 'First commit'")
    return answer.line


def _branch(top: Path) -> str:
    return ask(top, "symbolic-ref", "--quiet", "--short", "HEAD").line


def _resolved(top: Path, revision: str) -> str:
    """The full SHA of the revision, which is HEAD."""
    head = _head(top)
    answer = None if revision.startswith("-") else ask(top, "rev-parse", "--verify", f"{revision}^{{commit}}")
    if answer is not None and not answer.status and answer.line == head:
        return head
    merged = _merged(top)
    asked = answer.line if answer is not None and not answer.status else revision.lower()
    if len(asked) >= 7 and any(parent.startswith(asked) for parent in merged):
        raise GitError(
            f"HEAD is {head[:_SHORT]}, a merge commit that has {asked[:_SHORT]} as a parent; CI makes such merges "
            f"for pull requests.\nAudit the merge: --audit-sha=HEAD\nor check out the commit itself: git checkout "
            f"{asked[:_SHORT]} (on GitHub, actions/checkout with {_PULL_REQUEST_REF})"
        )
    if answer is None or answer.status:
        raise GitError(_unknown(top, answer.errors if answer else ""))
    raise GitError(
        f"that is commit {answer.line[:_SHORT]}, but HEAD is {head[:_SHORT]}"
        f"{f' ({branch})' if (branch := _branch(top)) else ''}; an audit is about the commit that is checked out:\n"
        f"  git checkout {answer.line[:_SHORT]}"
    )


def _unknown(top: Path, errors: str) -> str:
    if "ambiguous" in errors and "unknown revision" not in errors:
        return f"several commits begin like this; give more digits, as listed by\n  git -C {top} log --oneline"
    if ask(top, "rev-parse", "--is-shallow-repository").line == "true":
        return (
            "unknown revision, and this clone is shallow, so that older commits are missing:\n"
            "  git fetch --unshallow (in CI: fetch-depth: 0, or GIT_DEPTH: 0)"
        )
    return f"unknown revision in {top}; the commit that is checked out is HEAD"


def _merged(top: Path) -> list[str]:
    """Parents of HEAD when it is a merge; read from the commit itself, which a shallow clone has whole."""
    header, _, _ = ask(top, "cat-file", "commit", "HEAD").output.partition("\n\n")
    parents = [line.removeprefix("parent ") for line in header.splitlines() if line.startswith("parent ")]
    return parents if len(parents) > 1 else []


def _report_folder_apart(report: Path, *others: Path) -> None:
    for other in others:
        if other == report or report in other.parents:
            raise AuditUsageError(f"--audit-report={report}: {other} lies in it; give the report a folder of its own")


def _collected_from(rootdir: Path, audit_paths: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for given in audit_paths:
        named = Path(given.partition("::")[0])
        # Arguments are relative to where pytest was started, ini values to rootdir.
        both = [place / named for place in (rootdir, Path.cwd())]
        found.extend(place.resolve() for place in ([p for p in both if p.exists()] or both[1:]))
    return list(dict.fromkeys(found))
