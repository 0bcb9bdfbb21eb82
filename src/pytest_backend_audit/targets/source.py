"""The audited tree, read from git objects at the pinned commit: what lies in the working folder does not count."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_backend_audit.document.git import GitError, ask
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_backend_audit.runtime import Runtime

FILE_LIMIT = 2 * 1024 * 1024
"""Bytes: larger files are not searched."""
SHOWN = 100
"""Matches or names that one piece of evidence keeps."""


@dataclass(frozen=True, slots=True)
class Match:
    """A line of the tree."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text.strip()}"


class Source:
    """The tree at the audited commit.

    Args:
        runtime: The audit.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._ids: dict[str, tuple[str, int]] | None = None

    @property
    def commit(self) -> str:
        """Full SHA.

        Raises:
            CouldNotRun: The audit has no commit.
        """
        if not self._runtime.commit:
            raise CouldNotRun(
                "there is no commit to read the source at: the folder is in no git repository, or nothing was "
                "committed yet"
            )
        return self._runtime.commit

    def files(self, glob: str = "**") -> list[str]:
        """Paths that match, sorted.

        Args:
            glob: ``*`` stays inside a folder, ``**`` doesn't: ``**/*.py``, ``deploy/*.yaml``.
        """
        pattern = glob_pattern(glob)
        found = sorted(path for path in self._tree() if pattern.fullmatch(path))
        body = "\n".join(found[:SHOWN]) + (f"\n... {len(found) - SHOWN} more" if len(found) > SHOWN else "")
        self._record(EvidenceKind.OUTPUT, f"files {glob}", body or "(none)", {"files": len(found)})
        return found

    def read(self, path: str) -> str:
        """A file's text; bytes that are no UTF-8 are replaced.

        Raises:
            FileNotFoundError: The commit has no such file.
        """
        data = self._blob(path)
        lines = len(data.splitlines())
        body = f"{lines} {'line' if lines == 1 else 'lines'}, sha256 {hashlib.sha256(data).hexdigest()}"
        self._record(EvidenceKind.CODE, path, body, {"bytes": len(data)})
        return data.decode("utf-8", "replace")

    def exists(self, path: str) -> bool:
        """Whether the commit has this file or folder."""
        name = path.rstrip("/")
        return name in self._tree() or any(p.startswith(name + "/") for p in self._tree())

    def export(self, paths: Iterable[str], folder: Path) -> None:
        """Write files of the commit below a folder, for a tool that reads files; links are written as plain files.

        Raises:
            FileNotFoundError: The commit has no such file.
        """
        wanted = list(paths)
        for path in wanted:
            if path not in self._tree():
                raise FileNotFoundError(f"{path} does not exist at {self.commit[:7]}")
        for path, data in self._blobs(wanted):
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        shown = "\n".join(wanted[:SHOWN]) + (f"\n... {len(wanted) - SHOWN} more" if len(wanted) > SHOWN else "")
        self._record(EvidenceKind.OUTPUT, "files written out for a tool", shown or "(none)", {"files": len(wanted)})

    def grep(self, regex: str, glob: str = "**", flags: int = 0) -> list[Match]:
        """Lines that match, in the order of paths. Binary files and those over 2 MiB are left out.

        Args:
            regex: A Python regular expression, searched in each line.
            glob: As for `files`.
            flags: Of `re`.
        """
        wanted, pattern = re.compile(regex, flags), glob_pattern(glob)
        paths = sorted(p for p, (_, size) in self._tree().items() if pattern.fullmatch(p) and size <= FILE_LIMIT)
        found = [
            Match(path, number, line)
            for path, data in self._blobs(paths)
            if b"\0" not in data[:8000]
            for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1)
            if wanted.search(line)
        ]
        body = "\n".join(str(m)[:500] for m in found[:SHOWN])
        kind = EvidenceKind.CODE if found else EvidenceKind.OUTPUT
        self._record(
            kind, f"grep {regex!r} in {glob}", body or "no line matches", {"matches": len(found), "files": len(paths)}
        )
        return found

    def reference(self, path: str, line: int) -> str:
        """The text of one line, as a code reference in evidence.

        Raises:
            FileNotFoundError: The commit has no such file.
            IndexError: The file has no such line.
        """
        lines = self._blob(path).decode("utf-8", "replace").splitlines()
        if not 1 <= line <= len(lines):
            raise IndexError(f"{path} has no line {line} at {self.commit[:7]}; it has {len(lines)}")
        self._record(EvidenceKind.CODE, f"{path}:{line}", lines[line - 1].strip(), {})
        return lines[line - 1]

    def _record(self, kind: EvidenceKind, title: str, body: str, facts: dict[str, int]) -> None:
        self._runtime.recorder.record(kind, title, body, target=f"git {self.commit[:12]}", facts=facts)

    def _tree(self) -> dict[str, tuple[str, int]]:
        if self._ids is None:
            try:
                answer = ask(self._runtime.repository, "ls-tree", "-r", "-l", "-z", "--full-tree", self.commit)
            except GitError as error:
                raise CouldNotRun(f"the source can't be read: {error}") from None
            if answer.status:
                raise CouldNotRun(f"the source can't be read at {self.commit[:12]}: {answer.errors.strip()}")
            self._ids = dict(_tree_entries(answer.items))
        return self._ids

    def _blob(self, path: str) -> bytes:
        if path not in self._tree():
            raise FileNotFoundError(f"{path} does not exist at {self.commit[:7]}")
        return next(data for _, data in self._blobs([path]))

    def _blobs(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        paths = list(paths)
        if not paths:
            return
        ids = "".join(self._tree()[p][0] + "\n" for p in paths)
        yield from zip(paths, cat_files(self._runtime.repository, ids.encode()), strict=True)


def cat_files(repository: Path, ids: bytes) -> Iterator[bytes]:
    """The contents of git objects, in order, by one process.

    Args:
        repository: A folder of the repository.
        ids: Object names, one a line.

    Raises:
        CouldNotRun: git can't be run, or lacks one (a partial clone).
    """
    argv = ["git", "-C", str(repository), "cat-file", "--batch"]
    try:
        done = subprocess.run(argv, input=ids, capture_output=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise CouldNotRun(f"the source can't be read: {error}") from None
    data, at = done.stdout, 0
    while at < len(data):
        end = data.index(b"\n", at)
        header = data[at:end].split()
        if header[-1] == b"missing":
            raise CouldNotRun(
                "the source can't be read: the clone lacks objects of this commit (git fetch --unshallow)"
            )
        size = int(header[-1])
        yield data[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def glob_pattern(glob: str) -> re.Pattern[str]:
    """A glob over paths: ``*`` and ``?`` stay inside a folder, ``**/`` stands for any folders or none."""
    meaning = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(meaning.get(part) or re.escape(part) for part in parts), re.DOTALL)


def _tree_entries(items: Iterable[str]) -> Iterator[tuple[str, tuple[str, int]]]:
    for item in items:
        head, _, path = item.partition("\t")
        _, kind, name, size = head.split()
        if kind == "blob":
            yield path, (name, int(size))
