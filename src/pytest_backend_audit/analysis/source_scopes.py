"""What names stand for in the source of Python tests, as far as it tells: values, elements, cases of parameters."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_backend_audit.analysis.python_tests import Function, called

DEEPEST = 4
"""How far names are followed that stand for other names, and calls that lead to other calls."""
MOST_VALUES = 10
"""Assignments to one name that are looked at."""
MOST_CASES = 500
"""Cases of one parametrised test that are looked at."""


@dataclass(frozen=True)
class Scope:
    """What names stand for."""

    values: Mapping[str, Sequence[ast.expr]] = field(default_factory=dict)
    """Name, or ``self.name`` -> everything that is assigned to it."""
    functions: Mapping[str, Function] = field(default_factory=dict)
    """Of the tests, by name; methods of the test's own class, and of those it inherits from, as ``self.name``."""

    def having(self, values: Mapping[str, Sequence[ast.expr]]) -> Scope:
        """With more names."""
        return Scope({**self.values, **values}, self.functions)

    def within(self, function: Function) -> Scope:
        """Inside of a function, whose parameters are not what their names stand for outside."""
        given = function.args
        hidden = {a.arg for a in [*given.posonlyargs, *given.args, *given.kwonlyargs]}
        outside = Scope({name: v for name, v in self.values.items() if name not in hidden}, self.functions)
        return outside.having(assigned([function], outside))


def assigned(nodes: Iterable[ast.AST], scope: Scope | None = None) -> dict[str, list[ast.expr]]:
    """Names, and attributes of ``self``, that these nodes assign, with all they are given; those of loops too.

    Args:
        nodes: Statements, with everything inside of them.
        scope: What names stand for around them.
    """
    found: dict[str, list[ast.expr]] = {}
    around = scope or Scope()
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _bind(found, target, [node.value])
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            _bind(found, node.target, [node.value])
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            _bind(found, node.target, list(elements(node.iter, around.having(found))))
    return found


def declared(body: Iterable[ast.stmt], scope: Scope | None = None) -> dict[str, list[ast.expr]]:
    """Names that a module's body, or a class's, assigns itself, and not its functions for their own use."""
    inside = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return assigned((statement for statement in body if not isinstance(statement, inside)), scope)


def in_classes(lineage: Sequence[ast.ClassDef], scope: Scope) -> Scope:
    """What methods of a class find there: names and methods of it and its bases, and what any of them puts on ``self``.

    Args:
        lineage: The class, and then those that it inherits from.
        scope: What names stand for around it.
    """
    values: dict[str, list[ast.expr]] = {}
    functions: dict[str, Function] = {}
    for node in lineage:
        methods = [s for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)]
        put = {name: found for name, found in assigned(methods, scope).items() if name.startswith("self.")}
        values = {**declared(node.body, scope), **put, **values}
        functions = {**{f"self.{method.name}": method for method in methods}, **functions}
    return Scope({**scope.values, **values}, {**scope.functions, **functions})


def cases(function: Function, scope: Scope) -> list[dict[str, list[ast.expr]]]:
    """What a test's parameters stand for, case by case; one empty case for a test without."""
    found: list[dict[str, list[ast.expr]]] = [{}]
    for mark in function.decorator_list:
        if not (isinstance(mark, ast.Call) and called(mark) == "parametrize" and len(mark.args) > 1):
            continue
        names = _parameter_names(mark.args[0])
        more = []
        for element in elements(mark.args[1], scope):
            values = _parameter_set(element)
            if values is not None:
                more.append(
                    dict(zip(names, [[v] for v in values], strict=False)) if len(names) > 1 else {names[0]: [values[0]]}
                )
        found = [{**one, **another} for one in found for another in more][:MOST_CASES]
    return found


def elements(node: ast.expr, scope: Scope, depth: int = 0) -> Iterator[ast.expr]:
    """What iterating over an expression gives, as far as it is written down."""
    if depth > DEEPEST:
        return
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        for element in node.elts:
            if isinstance(element, ast.Starred):
                yield from elements(element.value, scope, depth + 1)
            else:
                yield element
    elif isinstance(node, ast.Dict):
        yield from (key for key in node.keys if key is not None)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from elements(node.left, scope, depth + 1)
        yield from elements(node.right, scope, depth + 1)
    elif isinstance(node, ast.Call):
        yield from _called_elements(node, scope, depth)
    elif isinstance(node, ast.Name | ast.Attribute):
        for value in values_of(node, scope):
            if value is not node:
                yield from elements(value, scope, depth + 1)


def _called_elements(node: ast.Call, scope: Scope, depth: int) -> Iterator[ast.expr]:
    name = called(node)
    if name in {"sorted", "list", "tuple", "set", "reversed"} and node.args:
        yield from elements(node.args[0], scope, depth + 1)
    if name not in {"items", "values", "keys"} or not isinstance(node.func, ast.Attribute):
        return
    for value in values_of(node.func.value, scope):
        for key, inner in zip(value.keys, value.values, strict=True) if isinstance(value, ast.Dict) else ():
            if key is not None:
                yield ast.Tuple([key, inner]) if name == "items" else inner if name == "values" else key


def values_of(node: ast.expr, scope: Scope) -> Sequence[ast.expr]:
    """What an expression may stand for: all that its name was given, else itself."""
    if isinstance(node, ast.Name):
        return scope.values.get(node.id, ())[:MOST_VALUES]
    if isinstance(node, ast.Attribute):
        return (scope.values.get(f"self.{node.attr}") or scope.values.get(node.attr, ()))[:MOST_VALUES]
    return (node,)


def _bind(found: dict[str, list[ast.expr]], target: ast.expr, values: Sequence[ast.expr]) -> None:
    if isinstance(target, ast.Name):
        found.setdefault(target.id, []).extend(values)
    elif isinstance(target, ast.Attribute):
        found.setdefault(f"self.{target.attr}", []).extend(values)
    elif isinstance(target, ast.Tuple | ast.List):
        for value in values:
            if isinstance(value, ast.Tuple | ast.List):
                for inner, part in zip(target.elts, value.elts, strict=False):
                    _bind(found, inner, [part])


def _parameter_names(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [name.strip() for name in str(node.value).split(",")]
    return [str(e.value) for e in getattr(node, "elts", []) if isinstance(e, ast.Constant)] or [""]


def _parameter_set(element: ast.expr) -> list[ast.expr] | None:
    """The values of one case; None for a case that is skipped, or expected to fail."""
    if isinstance(element, ast.Call) and called(element) == "param":
        marks = next((k.value for k in element.keywords if k.arg == "marks"), None)
        if marks is not None and any(
            called(n) in {"skip", "xfail"} for n in ast.walk(marks) if isinstance(n, ast.expr)
        ):
            return None
        return list(element.args)
    return list(element.elts) if isinstance(element, ast.Tuple | ast.List) else [element]
