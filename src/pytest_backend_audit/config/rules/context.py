"""What the rules look at, and the sentences that they share."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from pytest_backend_audit.config.model import AuditFile
from pytest_backend_audit.config.partial import Partial
from pytest_backend_audit.config.problems import shown
from pytest_backend_audit.config.targets import BUILT_IN
from pytest_backend_audit.errors import Problem
from pytest_backend_audit.standard.model import Standard
from pytest_backend_audit.yamlnodes import Path, YamlDocument, nearest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Context:
    """The file, and what it has to agree with."""

    sound: Partial
    document: YamlDocument
    today: date
    standard: Standard | None
    """None when it is not known: then its names are not checked."""
    registered: Collection[str]
    """Targets that other plugins bring."""

    @property
    def file(self) -> AuditFile:
        """What could be typed of the file."""
        return self.sound.file

    @property
    def target_names(self) -> list[str]:
        """Every name that a target can have."""
        return [*BUILT_IN, *sorted(self.registered)]

    def numbered(self, key: str, entries: Iterable[T]) -> Iterator[tuple[int, T]]:
        """The entries of a top-level list, each with its place in the file."""
        return self.sound.numbered(key, entries)

    def problem(self, path: Path, message: str) -> Problem:
        """A problem with the value at `path`."""
        return self.document.problem(path, message)

    def unknown(self, path: Path, name: str, known: Iterable[str], what: str) -> Problem:
        """A name that is none of the known ones."""
        names = list(known)
        # A long list hides the one name that matters.
        listed = f"; allowed: {', '.join(names)}" if 0 < len(names) <= 12 else ""
        return self.problem(path, f"found {shown(name)}, which is no {what}{listed}{nearest(name, names)}")

    def in_future(self, path: Path, day: str) -> Iterator[Problem]:
        """A problem when the day is still to come."""
        if day > self.today.isoformat():
            yield self.problem(path, f"found {day}, in the future; allowed: up to {self.today.isoformat()}")

    def doubles(self, named: Iterable[tuple[Path, str]]) -> Iterator[Problem]:
        """A problem for each name that came before."""
        first: dict[str, int] = {}
        for path, name in named:
            if name in first:
                message = f"found {shown(name)} again, first on line {first[name]}; keep one of the two"
                yield self.problem(path, message)
            first.setdefault(name, self.document.line(path))
