"""Typed reading of a YAML document, which notes every problem and goes on with something harmless."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pytest_backend_audit.yamlnodes import Path, YamlDocument, allowed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from enum import StrEnum

    from pytest_backend_audit.errors import Problem

E = TypeVar("E", bound="StrEnum")

_NAME = re.compile(r"[A-Za-z0-9]+([._-][A-Za-z0-9]+)*")


class Node(NamedTuple):
    """One value of a document. Its readers note what is wrong in `problems`, which a whole load shares."""

    document: YamlDocument
    path: Path
    value: Any
    problems: list[Problem]

    @property
    def place(self) -> str:
        """``file:line``."""
        return f"{self.document.path}:{self.document.line(self.path)}"

    @property
    def source(self) -> str:
        """A scalar as written."""
        return self.document.scalars.get(self.path, "")

    def wrong(self, message: str) -> None:
        """Note a problem with this value."""
        self.problems.append(self.document.problem(self.path, message))

    def _expected(self, what: str) -> None:
        self.wrong(f"expected {what}, found {self._found()}")

    def _found(self) -> str:
        if isinstance(self.value, dict):
            return "a mapping" if self.value else "an empty mapping"
        if isinstance(self.value, list):
            return "a list" if self.value else "an empty list"
        return f'"{shown(self.source)}"' if self.source else "nothing"

    def fields(self, required: Iterable[str], optional: Iterable[str] = ()) -> Mapping[str, Node]:
        """The entries of a mapping that may have these keys, and must have the required ones."""
        required, known = tuple(required), (*required, *optional)
        if not isinstance(self.value, dict):
            self._expected(f"a mapping with {', '.join(required)}")
            return {}
        entries = self.entries()
        for key, entry in entries.items():
            if key not in known:
                entry.wrong(f"unknown key{allowed(key, known)}")
        for key in required:
            if key not in entries:
                self.wrong(f'"{key}" is missing')
        return {k: v for k, v in entries.items() if k in known}

    def entries(self) -> dict[str, Node]:
        """The entries of a mapping with keys of the author's own."""
        if not isinstance(self.value, dict):
            self._expected("a mapping")
            return {}
        return {k: Node(self.document, (*self.path, k), v, self.problems) for k, v in self.value.items()}

    def items(self) -> list[Node]:
        """The items of a list that has at least one."""
        if not isinstance(self.value, list) or not self.value:
            self._expected("a list with at least one item")
            return []
        return [Node(self.document, (*self.path, i), v, self.problems) for i, v in enumerate(self.value)]

    def text(self) -> str:
        """A text of at least one character. Numbers are taken as written, so that a version needs no quotes."""
        source = self.source
        if type(self.value) not in (str, int, float) or not source.strip():
            self._expected("a text")
            return ""
        if not source.replace("\n", "").isprintable():
            self._expected("a text without control characters")
            return ""
        return source.strip()

    def name(self) -> str:
        """A name that can stand on a command line and in a file name."""
        text = self.text()
        if text and not _NAME.fullmatch(text):
            self._expected('a name of letters and digits, joined by ".", "-" or "_"')
        return text

    def choice(self, kind: type[E], default: E) -> E:
        """One of an enumeration's values."""
        text = self.text()
        if text in list(kind):
            return kind(text)
        if text:
            self._expected(f"one of {', '.join(kind)}")
        return default

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        if type(self.value) is not int or not low <= self.value <= high:
            self._expected(f"a whole number from {low} to {high}")
            return low
        return self.value

    def number(self, low: float, high: float) -> float:
        """A number above `low` and up to `high`."""
        if type(self.value) not in (int, float) or not low < self.value <= high:
            self._expected(f"a number above {low:g} and up to {high:g}")
            return high
        return float(self.value)

    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self._expected("true or false")
            return False
        return self.value


def unique(nodes: Iterable[tuple[str, Node]], what: str) -> None:
    """Note every name that came before.

    Args:
        nodes: Names, each with the node to complain about.
        what: What they name, for the message: ``dimension``.
    """
    first: dict[str, Node] = {}
    for name, node in nodes:
        if name and name in first:
            node.wrong(f'{what} "{name}" is there already ({first[name].place})')
        first.setdefault(name, node)
