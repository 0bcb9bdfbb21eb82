"""Tests of a service that bound how many statements a request costs, and which requests those are. Python sources.

A bound is an assertion that fails when the number rises: assertNumQueries and what pytest-django and others have like
it, or a comparison of what a helper of the tests' own has counted. What is said in a comment, can't fail, or is never
reached, bounds nothing.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_backend_audit.analysis.python_tests import Function, called, collected
from pytest_backend_audit.analysis.sent_requests import Request
from pytest_backend_audit.analysis.source_scopes import Scope, declared, in_classes
from pytest_backend_audit.analysis.statement_bounds import COUNTING, Helpers, Reader, intercepts

TOKENS = (
    r"before_cursor_execute|after_cursor_execute|CaptureQueriesContext|audit_query_budget|execute_wrapper|queries_log"
    r"|connection\.queries|pg_stat_statements|add_query_logger|count_queries|QueryCounter|capture_queries"
    r"|[Aa]ssert_?\w*(?:[Qq]uer(?:y|ies)|[Ss]tatements)\w*\s*\(|(?:Cursor|Connection)\b[^\n]*\bexecute\b|Cursor\)\s*:"
)
"""Regular expression of what stands in a file in which statements are counted."""
ROUNDS = 3
"""Helpers that use helpers are followed so often."""


class Test(Protocol):
    """What is known of a test in whichever language."""

    @property
    def place(self) -> str:
        """File, line and name."""

    @property
    def idle(self) -> str:
        """Why a failure of it is seen by nobody; empty if it is."""


@dataclass(frozen=True)
class Budgeted:
    """One test with a bound."""

    test: Test
    requests: frozenset[Request]


@dataclass(frozen=True)
class Suite:
    """What the sources of the tests have of it."""

    budgeted: tuple[Budgeted, ...]
    toothless: tuple[str, ...] = ()
    """Tests that count, or seem to, and bound nothing: place, and why."""


def read(sources: Mapping[str, str]) -> Suite:
    """The bounds in these sources.

    Args:
        sources: Path -> text, of the tests, and of what they have beside them (conftest.py and other helpers). What
            can't be parsed is left out.
    """
    modules = {path: module for path, text in sources.items() if (module := _parsed(text)) is not None}
    functions, classes = _defined(modules.values())
    helpers = _helpers(functions, classes)
    single = {name: found[0] for name, found in functions.items() if len(found) == 1 and not name.startswith("test")}
    found, toothless = [], []
    for path, module in modules.items():
        around = functools.cache(
            lambda within, module=module: _around(module, within, Scope(functions=single), classes)
        )
        for test in collected(path, module):
            reader = Reader(helpers)
            sent = reader.read(test, functools.partial(around, test.within))
            if sent is not None:
                found.append(Budgeted(test, frozenset(sent)))
            elif reader.why:
                toothless.append(f"{test.place}: {reader.why}")
    return Suite(tuple(found), tuple(toothless))


def _around(
    module: ast.Module, within: ast.ClassDef | None, shared: Scope, classes: Mapping[str, ast.ClassDef]
) -> Scope:
    """What names stand for around a test of this module, and of this class."""
    scope = shared.having(declared(module.body))
    return scope if within is None else in_classes(_lineage(within, classes), scope)


def _lineage(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """The class, and those of the tests that it inherits from."""
    found = [node]
    for one in found:
        bases = [classes[name] for base in one.bases if (name := called(base)) in classes]
        found.extend(base for base in bases if base not in found)
    return found


def helper_names(sources: Mapping[str, str]) -> list[str]:
    """Names of helpers in these sources that count statements, or bound their number."""
    modules = [module for text in sources.values() if (module := _parsed(text)) is not None]
    helpers = _helpers(*_defined(modules))
    return sorted((helpers.counting | helpers.bounding) - COUNTING)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _defined(modules: Iterable[ast.Module]) -> tuple[dict[str, list[Function]], dict[str, ast.ClassDef]]:
    functions: dict[str, list[Function]] = {}
    classes: dict[str, ast.ClassDef] = {}
    for node in (node for module in modules for node in ast.walk(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            classes.setdefault(node.name, node)
    return functions, classes


def _helpers(functions: Mapping[str, Sequence[Function]], classes: Mapping[str, ast.ClassDef]) -> Helpers:
    helpers = Helpers()
    ours = {n: found[0] for n, found in functions.items() if not n.startswith("test")}
    for name, node in [*ours.items(), *classes.items()]:
        if not name.startswith(("Test", "__")) and intercepts(node):
            helpers.counting.add(name)
    for _ in range(ROUNDS):
        for name, function in ours.items():
            if name.startswith("__"):
                continue
            reader = Reader(helpers)
            reader.function(function)
            if reader.bounded:
                helpers.bounding.add(name)
            elif reader.hands_out(function):
                helpers.counting.add(name)
    helpers.counting -= helpers.bounding
    return helpers
