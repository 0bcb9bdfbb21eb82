"""What a user of pytest sees: options, ini values, marker, fixtures, hooks."""

from __future__ import annotations

import importlib
import inspect
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from pytest_backend_audit import hookspecs, marker
from pytest_backend_audit import options as declaring

from .text import fenced, of_docstring, page, table


class Parser:
    """Stands in for pytest's parser, and remembers what is declared."""

    def __init__(self) -> None:
        self.options: list[tuple[str, dict[str, Any]]] = []
        self.ini: list[tuple[str, str, Any]] = []

    def getgroup(self, _name: str) -> Parser:
        """The one group that there is."""
        return self

    def addoption(self, name: str, **keywords: Any) -> None:
        """Remember an option."""
        self.options.append((name, keywords))

    def addini(self, name: str, text: str, **keywords: Any) -> None:
        """Remember an ini value."""
        self.ini.append((name, text, keywords.get("default")))


def declared() -> Parser:
    """The options and ini values there are."""
    parser = Parser()
    declaring.add_options(parser)  # type: ignore[arg-type]
    return parser


def options() -> str:
    """Options and ini values."""
    parser = declared()
    rows = [[f"`{n}{'=' + k['metavar'] if 'metavar' in k else ''}`", k["help"]] for n, k in parser.options]
    ini = [[f"`{n}`", t, f"`{d}`" if d else ""] for n, t, d in parser.ini]
    return page(
        "# pytest options and ini values",
        "## Options",
        table(["option", "meaning"], rows),
        "Without `--audit` or `--audit-sha` nothing is audited: checks are skipped, and any other of these options is "
        "a usage error. No option takes a secret.",
        "## Ini values",
        table(["name", "meaning", "default"], ini),
    )


def mark() -> str:
    """The marker, with its grammar as pytest shows it."""
    return page(
        "# The marker",
        fenced(
            "from pytest_backend_audit import audit\n\n@audit(dimension, level, criterion=None, needs=())", "python"
        ),
        of_docstring(inspect.getdoc(marker.audit) or ""),
        "What `pytest --markers` says of it:",
        fenced(_folded(grammar())),
        "The mark of a class or a module holds for all its tests; the closest one counts, whole. A mark named `audit` "
        "with none of these keywords is somebody else's and is left alone.",
    )


def grammar() -> str:
    """The mark's entry in pytest's own list."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "--markers", "-p", "no:cacheprovider"]
        said = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    return next(line for line in said.splitlines() if line.startswith("@pytest.mark.audit("))


def _folded(text: str, width: int = 80) -> str:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join(lines)


def every_fixture() -> Iterator[tuple[str, str]]:
    """Name and docstring of each fixture."""
    fixtures = importlib.import_module("pytest_backend_audit.fixtures").Fixtures
    for name in sorted(declaring.FIXTURES):
        yield name, inspect.getdoc(getattr(fixtures, name)._get_wrapped_function()) or ""


def fixtures() -> str:
    """The fixtures."""
    parts = [f"## {name}\n\n{of_docstring(doc)}" for name, doc in every_fixture()]
    return page(
        "# Fixtures",
        "They exist in an audit only. Elsewhere a test that asks for one is skipped. A target that audit.yaml does not "
        "name makes the check *could not run*.",
        *parts,
    )


def every_hook() -> Iterator[tuple[str, Callable[..., object]]]:
    """The hooks, in the order of their file."""
    for name, value in vars(hookspecs).items():
        if name.startswith("pytest_audit_"):
            yield name, value


def signature(function: Callable[..., object]) -> str:
    """As it stands in the source, on one line."""
    found = re.search(r"^def (.*?):(?:  #.*)?\n    \"\"\"", inspect.getsource(function), re.DOTALL | re.MULTILINE)
    assert found is not None, function
    return f"def {' '.join(found.group(1).split())}"


def hooks() -> str:
    """The hooks, with their exact signatures and their examples."""
    parts = [
        page(f"## {name}", fenced(signature(function), "python"), of_docstring(inspect.getdoc(function) or ""))
        for name, function in every_hook()
    ]
    return page("# Hooks", of_docstring(inspect.getdoc(hookspecs) or ""), *parts)
