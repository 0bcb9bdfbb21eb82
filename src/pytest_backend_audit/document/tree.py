"""Files of a work tree that its commit says nothing about, or something else."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_backend_audit.document.git import Answer, GitError, NoRepositoryError, ask, top_of

_LOADED = (".py", ".pth", ".pyc", ".so", ".pyd")
_SETTINGS = frozenset(
    {
        "pytest.ini",
        ".pytest.ini",
        "pytest.toml",
        ".pytest.toml",
        "tox.ini",
        "setup.cfg",
        "pyproject.toml",
    }
)
_NOT_ENTERED = frozenset({"build", "dist", "node_modules", "venv", "CVS", "_darcs", "{arch}", "__pycache__"})
"""Folders that pytest does not enter of itself (its default `norecursedirs`), beside those that begin with a dot."""
_NAMED = 5
"""Files that a message names."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What matters beside the repository itself."""

    rootdir: Path
    report: Path
    collected_from: tuple[Path, ...]
    config: Path | None


@dataclass(slots=True)
class Strays:
    """Files that make a tree another one than its commit says."""

    changed: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    """Untracked, and Python or pytest would load them."""
    ignored: list[str] = field(default_factory=list)
    """Ignored test files in a place that checks are collected from."""
    hidden: list[str] = field(default_factory=list)
    """Tracked, and marked so that git does not look at them."""

    def __bool__(self) -> bool:
        return any((self.changed, self.loaded, self.ignored, self.hidden))

    def _groups(self) -> Iterator[tuple[str, list[str]]]:
        yield "changed", self.changed
        yield "untracked, and Python or pytest loads it", self.loaded
        yield "ignored by git, and pytest collects it", self.ignored
        yield (
            "marked so that git overlooks changes (git update-index --no-assume-unchanged --no-skip-worktree)",
            self.hidden,
        )

    def short(self) -> str:
        """On one line."""
        return "; ".join(f"{what}: {_names(files)}" for what, files in self._groups() if files)

    def told(self, top: Path) -> str:
        """As an error, with the way out."""
        lines = [f"the tree in {top} is not what its commit says"]
        lines += [f"  {what}: {_names(files)}" for what, files in self._groups() if files]
        return "\n".join(
            [*lines, "commit them, take them away (git stash -u), or have .gitignore name what is no part of it"]
        )


def strays(top: Path, tree: Tree) -> Strays:
    """What the tree has beside its commit.

    Args:
        top: Top of the repository.
        tree: What counts: the report folder's own files don't, nor does ``__pycache__``.

    Raises:
        GitError: git gave no answer.
    """
    found = Strays()
    # .gitmodules or git's settings may say that a submodule's changes are not to be told.
    asked = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--ignore-submodules=none")
    status = _good(ask(top, "status", *asked))
    for item in status.items:
        state, name = item[:2], item[3:]
        if state != "??":
            if not _free(top / name, tree) and not _only_filed(top, name):
                found.changed.append(name)
        elif name.endswith("/"):
            # A repository inside this one; git names its folder alone.
            found.loaded.extend(_walked(top, name, _is_loaded))
        elif _is_loaded(Path(name)):
            found.loaded.append(name)
    found.hidden = [
        item[2:]
        for item in _good(ask(top, "ls-files", "-v", "-z")).items
        if item[0].islower() or (item[0] == "S" and (top / item[2:]).exists())
    ]
    found.ignored = _ignored(top, tree)
    return found


def uncommitted(files: Iterable[Path], places: Iterable[Path]) -> list[Path]:
    """Of the files those that lie in one of these repositories, and are not in its index, nor in a submodule's.

    So a link that leads to an ignored file is told from one to a tracked file. A place outside of git holds nothing
    back: that no commit vouches for it is said elsewhere.

    Raises:
        GitError: git gave no answer.
    """
    left = {file: file.resolve() for file in files}
    known: set[Path] = set()
    tops: set[Path] = set()
    for place in places:
        with contextlib.suppress(NoRepositoryError):
            top = top_of(place)
            if top not in tops:
                tops.add(top)
                known.update(top / name for name in _good(ask(top, "ls-files", "-z", "--recurse-submodules")).items)
    return [f for f, real in left.items() if any(real.is_relative_to(top) for top in tops) and real not in known]


def _good(answer: Answer) -> Answer:
    if answer.status:
        raise GitError(answer.errors.strip().removeprefix("fatal: ") or "git failed")
    return answer


def _free(path: Path, tree: Tree) -> bool:
    in_report = tree.report in path.parents and not any(_inside(p, tree.report) for p in tree.collected_from)
    return (in_report and not _is_loaded(path)) or "__pycache__" in path.parts


def _only_filed(top: Path, name: str) -> bool:
    """Whether a file differs from the commit by nothing but an audit that was filed, or a finding worked off.

    The ledger may have grown, and a card may be new: so a finding can be closed after another without a commit between.
    """
    parts = Path(name).parts
    if len(parts) != 3 or parts[0] != "audits" or (top / name).is_symlink():
        return False
    committed = ask(top, "cat-file", "blob", f"HEAD:{name}")
    if parts[2] != "ledger.jsonl":
        return bool(committed.status) and (top / parts[0] / parts[1] / "ledger.jsonl").is_file() and _is_card(name)
    try:
        now = (top / name).read_bytes()
    except OSError:
        return False
    return now.startswith(b"" if committed.status else os.fsencode(committed.output))


def _is_card(name: str) -> bool:
    return name.endswith((".md", ".json", ".kept.jsonl"))


def _inside(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents


def _is_loaded(path: Path) -> bool:
    return "__pycache__" not in path.parts and (path.suffix in _LOADED or path.name in _SETTINGS)


def _is_test(path: Path) -> bool:
    name = path.name
    return name == "conftest.py" or (path.suffix == ".py" and (name.startswith("test_") or name.endswith("_test.py")))


def _ignored(top: Path, tree: Tree) -> list[str]:
    places = [str(p.relative_to(top)) for p in tree.collected_from if _inside(p, top)]
    if not places:
        return []
    listed = ask(top, "ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z", "--", *places)
    found: list[str] = []
    for name in _good(listed).items:
        if name.endswith("/"):
            found.extend(_walked(top, name, _is_test))
        elif _is_test(Path(name)) and not _skipped(top, Path(name).parent, tree):
            found.append(name)
    return found


def _skipped(top: Path, folder: Path, tree: Tree) -> bool:
    """Whether pytest does not enter a folder below the places that it collects from."""
    inside = [p for p in (top / folder, *(top / folder).parents) if _inside(p, top) and p not in tree.collected_from]
    return any(_not_entered(p) for p in inside if p != top)


def _not_entered(folder: Path) -> bool:
    name = folder.name
    # Virtual environments are told by this file, as pytest does.
    return name.startswith(".") or name in _NOT_ENTERED or name.endswith(".egg") or (folder / "pyvenv.cfg").exists()


def _walked(top: Path, name: str, wanted: Callable[[Path], bool]) -> Iterator[str]:
    for folder, folders, files in os.walk(top / name):
        here = Path(folder)
        if _not_entered(here):
            folders.clear()
            continue
        folders.sort()
        for file in sorted(files):
            path = (here / file).relative_to(top)
            if wanted(path):
                yield path.as_posix()


def _names(files: list[str]) -> str:
    more = f" and {len(files) - _NAMED} more" if len(files) > _NAMED else ""
    return ", ".join(files[:_NAMED]) + more
