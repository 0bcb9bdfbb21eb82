"""The names that checks, their tests and hooks use: what they are, and what they hold."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest_backend_audit
from pytest_backend_audit import marker, model, testing

from .text import fenced, of_docstring, page

FOR_HOOKS = ("Card", "DimensionResult", "CriterionResult", "CheckResult", "Check", "Finding", "DispositionResult")
"""What the hooks hand out, and what it is made of."""


def names() -> str:
    """Public names, the module for tests of checks, and the values that hooks get."""
    public = [n for n in pytest_backend_audit.__all__ if n != marker.audit.__name__]
    return page(
        "# Python names",
        "## For checks",
        "`from pytest_backend_audit import ...`: [`audit`](marker.md), and these.",
        *(_described(name, getattr(pytest_backend_audit, name)) for name in public),
        "## For tests of checks",
        "`from pytest_backend_audit.testing import ...`.",
        *(_described(name, getattr(testing, name)) for name in sorted(testing.__all__)),
        "## What hooks get",
        "Frozen values; a hook can look at them and can't change them.",
        *(_described(name, getattr(model, name)) for name in FOR_HOOKS),
    )


def _described(name: str, what: object) -> str:
    parts = [f"### {name}"]
    if inspect.isfunction(what):
        parts.append(fenced(_signature(what), "python"))
    parts.append(of_docstring(inspect.getdoc(what) or ""))
    if inspect.isclass(what) and what.__module__.startswith("pytest_backend_audit"):
        parts.append("\n".join(f"- `{term}`{': ' if said else ''}{said}" for term, said in attributes(what)))
    return page(*parts)


def _signature(function: Callable[..., object]) -> str:
    """As the source has it, long ones on several lines."""
    head = inspect.getsource(function).partition('"""')[0].rstrip().removesuffix(":")
    return head.removeprefix("def ")


def attributes(cls: type) -> Iterator[tuple[str, str]]:
    """Fields or members of a class as its source has them: ``name: type``, and the text below it."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    statements = [*body.body, ast.Pass()]
    for statement, after in pairwise(statements):
        said = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            said = " ".join(str(after.value.value).replace("``", "`").split())
        if isinstance(statement, ast.AnnAssign):
            yield f"{ast.unparse(statement.target)}: {ast.unparse(statement.annotation)}", said
        elif isinstance(statement, ast.Assign):
            yield f"{ast.unparse(statement.targets[0])} = {ast.unparse(statement.value)}", said
