"""Tests of a service that bound how many statements a request costs, and which requests those are. Python sources.

A bound is an assertion that fails when the number rises: assertNumQueries and what pytest-django and others have like
it, or a comparison of what a helper of the tests' own has counted. What is said in a comment, can't fail, or is never
reached, bounds nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_backend_audit.analysis.python_tests import Function, PythonTest, collected
from pytest_backend_audit.analysis.sent_requests import Request, Scope, declared
from pytest_backend_audit.analysis.statement_bounds import COUNTING, Helpers, Reader, intercepts

TOKENS = (
    r"before_cursor_execute|after_cursor_execute|CaptureQueriesContext|audit_query_budget|execute_wrapper|queries_log"
    r"|connection\.queries|pg_stat_statements|add_query_logger|count_queries|QueryCounter|capture_queries"
    r"|[Aa]ssert_?\w*(?:[Qq]uer(?:y|ies)|[Ss]tatements)\w*\s*\(|(?:Cursor|Connection)\b[^\n]*\bexecute\b|Cursor\)\s*:"
)
"""Regular expression of what stands in a file in which statements are counted."""
ROUNDS = 3
"""Helpers that use helpers are followed so often."""


@dataclass(frozen=True)
class Budgeted:
    """One test with a bound."""

    test: PythonTest
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
    shared = Scope(functions={name: f for name, f in functions.items() if not name.startswith("test")})
    found, toothless = [], []
    for path, module in modules.items():
        scope = shared.having(declared(module.body))
        for test in collected(path, module):
            reader = Reader(helpers, scope)
            sent = reader.read(test)
            if sent is not None:
                found.append(Budgeted(test, frozenset(sent)))
            elif reader.why:
                toothless.append(f"{test.place}: {reader.why}")
    return Suite(tuple(found), tuple(toothless))


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


def _defined(modules: Iterable[ast.Module]) -> tuple[dict[str, Function], dict[str, ast.ClassDef]]:
    functions: dict[str, Function] = {}
    classes: dict[str, ast.ClassDef] = {}
    for node in (node for module in modules for node in ast.walk(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions.setdefault(node.name, node)
        elif isinstance(node, ast.ClassDef):
            classes.setdefault(node.name, node)
    return functions, classes


def _helpers(functions: Mapping[str, Function], classes: Mapping[str, ast.ClassDef]) -> Helpers:
    helpers = Helpers()
    ours = {n: f for n, f in functions.items() if not n.startswith("test")}
    for name, node in [*ours.items(), *classes.items()]:
        if not name.startswith(("Test", "__")) and intercepts(node):
            helpers.counting.add(name)
    for _ in range(ROUNDS):
        for name, function in ours.items():
            if name.startswith("__"):
                continue
            reader = Reader(helpers, Scope())
            reader.function(function)
            if reader.bounded:
                helpers.bounding.add(name)
            elif reader.hands_out(function):
                helpers.counting.add(name)
    helpers.counting -= helpers.bounding
    return helpers
