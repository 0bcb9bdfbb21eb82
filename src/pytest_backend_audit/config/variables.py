"""``${NAME}`` in audit.yaml: read from the environment, inside targets and identities only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_backend_audit.errors import Problem
from pytest_backend_audit.yamlnodes import Path, YamlDocument

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLACES = frozenset({"targets", "identities"})


@dataclass(slots=True)
class Filled:
    """The file's values with variables filled in, and what was learnt on the way."""

    data: Any = None
    given: list[tuple[Path, str, str]] = field(default_factory=list)
    """Place, variable, and the value that the environment gave."""
    unset: dict[Path, list[str]] = field(default_factory=dict)
    """Place -> variables that are not set."""
    problems: list[Problem] = field(default_factory=list)
    open: set[Path] = field(default_factory=set)
    """Places where a variable stayed as it was written: unset, misspelt, or of an environment that is not chosen."""


def fill(document: YamlDocument, environ: Mapping[str, str], *, environment: str | None, formal: bool) -> Filled:
    """Fill in the variables.

    Args:
        document: The file.
        environ: The environment's variables.
        environment: The block of ``environments`` that is chosen; None where there are no blocks.
        formal: Whether an unset variable is an error; else it is listed in `unset`.
    """
    filler = _Filler(document, environ, environment, formal)
    filler.result.data = filler.walk(document.data, ())
    return filler.result


class _Filler:
    def __init__(self, document: YamlDocument, environ: Mapping[str, str], chosen: str | None, formal: bool) -> None:
        self._document = document
        self._environ = environ
        self._chosen = chosen
        self._formal = formal
        self.result = Filled()

    def walk(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: self.walk(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.walk(item, (*path, position)) for position, item in enumerate(value)]
        if isinstance(value, str) and "${" in value:
            return self._text(value, path)
        return value

    def _text(self, text: str, path: Path) -> str:
        place, chosen = self._place(path)

        def put(found: re.Match[str]) -> str:
            if found[0] == "$${":
                return "${"
            if not place:
                self._problem(
                    path,
                    f"found {found[0]}; variables are read in targets and identities only "
                    "($${ stands for a plain ${)",
                )
            elif not found[2] or not _NAME.fullmatch(found[1]):
                self._problem(
                    path, f"found {found[0]}; allowed: ${{NAME}}, without a default ($${{ stands for a plain ${{)"
                )
            elif chosen:
                return self._value(found[1], path, found[0])
            if place:
                self.result.open.add(path)
            return found[0]

        return _REFERENCE.sub(put, text)

    def _place(self, path: Path) -> tuple[bool, bool]:
        """Whether variables are understood at `path`, and whether the place is in use."""
        if len(path) > 1 and path[0] in _PLACES:
            return True, True
        if len(path) > 3 and path[0] == "environments" and path[2] in _PLACES:
            return True, path[1] == self._chosen
        return False, False

    def _value(self, name: str, path: Path, written: str) -> str:
        value = self._environ.get(name, "")
        if value:
            self.result.given.append((path, name, value))
            return value
        self.result.open.add(path)
        names = self.result.unset.setdefault(path, [])
        if name not in names:
            names.append(name)
            if self._formal:
                state = "is empty" if name in self._environ else "is not set"
                self._problem(path, f"{name} {state} in the environment; a formal audit needs it")
        return written

    def _problem(self, path: Path, message: str) -> None:
        self.result.problems.append(self._document.problem(path, message))
