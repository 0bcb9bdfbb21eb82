"""Requests that a piece of a Python test sends: methods and paths, as far as its source tells them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_backend_audit.analysis.python_tests import Function, called

METHODS = {"get", "post", "put", "patch", "delete", "head", "options"}
ASKING = {"request", "generic", "open", "stream"}
_NAMING = {"reverse", "reverse_lazy", "resolve_url", "url_for", "url_path_for"}
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sdi]|\{[^{}]*\}")
NAMED = "name:"
"""What the path of a request begins with that is known by its route's name only."""
UNKNOWN = "{}"
"""Stands in a path for what is only known at run time."""
DEEPEST = 4
MOST_CALLS = 200
"""Calls of helpers that are followed in one test."""
MOST_VALUES = 10
"""Assignments to one name that are looked at."""
MOST_CASES = 500
"""Cases of one parametrised test that are looked at."""


@dataclass(frozen=True, order=True)
class Request:
    """One request, as the source has it."""

    method: str
    """Upper case; empty where the source doesn't tell."""
    path: str


@dataclass(frozen=True)
class Scope:
    """What names stand for."""

    values: Mapping[str, Sequence[ast.expr]] = field(default_factory=dict)
    """Name, or ``self.name`` -> everything that is assigned to it."""
    functions: Mapping[str, Function] = field(default_factory=dict)

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


def of_instances(node: ast.ClassDef, scope: Scope) -> dict[str, list[ast.expr]]:
    """What methods of a class find there: its own names, and what any of them assigns to ``self``."""
    methods = [s for s in node.body if isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef)]
    own = {name: values for name, values in assigned(methods, scope).items() if name.startswith("self.")}
    return {**declared(node.body, scope), **own}


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
        for value in _values(node, scope):
            if value is not node:
                yield from elements(value, scope, depth + 1)


def _called_elements(node: ast.Call, scope: Scope, depth: int) -> Iterator[ast.expr]:
    name = called(node)
    if name in {"sorted", "list", "tuple", "set", "reversed"} and node.args:
        yield from elements(node.args[0], scope, depth + 1)
    if name not in {"items", "values", "keys"} or not isinstance(node.func, ast.Attribute):
        return
    for value in _values(node.func.value, scope):
        for key, inner in zip(value.keys, value.values, strict=True) if isinstance(value, ast.Dict) else ():
            if key is not None:
                yield ast.Tuple([key, inner]) if name == "items" else inner if name == "values" else key


def requests(nodes: Iterable[ast.AST], scope: Scope) -> set[Request]:
    """What is asked for in these nodes, and in functions of the tests that they call.

    Args:
        nodes: A block.
        scope: What names stand for there.
    """
    return _requests(nodes, scope, 0, [MOST_CALLS])


def _requests(nodes: Iterable[ast.AST], scope: Scope, depth: int, left: list[int]) -> set[Request]:
    found: set[Request] = set()
    for node in (inner for outer in nodes for inner in ast.walk(outer)):
        if not isinstance(node, ast.Call):
            continue
        name, given = called(node), [*node.args, *(k.value for k in node.keywords)]
        if name in METHODS and isinstance(node.func, ast.Attribute):
            found |= {Request(name.upper(), path) for path in paths(given[:1] or [], scope)}
        elif name in ASKING and len(given) > 1:
            methods = {m.upper() for m in texts(given[0], scope) if m.lower() in METHODS} or {""}
            found |= {Request(method, path) for method in methods for path in paths(given[1:2], scope)}
        elif name in scope.functions and depth < DEEPEST and left[0] > 0:
            left[0] -= 1
            function = scope.functions[name]
            # Without itself, and without those that lead back to it.
            others = Scope(scope.values, {n: f for n, f in scope.functions.items() if f is not function})
            inside = others.within(function).having(_arguments(function, node, scope))
            found |= _requests(function.body, inside, depth + 1, left)
        elif name not in _NAMING:  # assertNumQueries(3, client.get, "/v1/orders")
            method = next((a.attr.upper() for a in given if isinstance(a, ast.Attribute) and a.attr in METHODS), "")
            found |= {Request(method, path) for path in paths(given, scope) if method or not path.startswith(NAMED)}
    return {r for r in found if r.method or not any(o.method and o.path == r.path for o in found)}


def paths(nodes: Iterable[ast.expr], scope: Scope) -> set[str]:
    """Those of the texts that are paths of URLs, without query, or names of routes."""
    found = set()
    for text in (text for node in nodes for text in texts(node, scope)):
        path = re.sub(r"^(?:https?:)?//[^/]*", "", text).partition("?")[0].partition("#")[0]
        if path.startswith(("/", NAMED)) or (path.startswith(UNKNOWN + "/") and len(path) > 3):
            found.add(path)
    return found


def texts(node: ast.expr, scope: Scope, depth: int = 0) -> list[str]:
    """What a text may be; ``{}`` stands in it for what is not known before it runs."""
    if depth > DEEPEST:
        return []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr | ast.BinOp):
        return _joined_texts(node, scope, depth)
    if isinstance(node, ast.Call):
        return _called_texts(node, scope, depth)
    inside: Iterable[ast.expr] = ()
    if isinstance(node, ast.IfExp):
        inside = (node.body, node.orelse)
    elif isinstance(node, ast.Subscript):
        held = _values(node.value, scope)
        inside = [e for v in held for e in (v.values if isinstance(v, ast.Dict) else elements(v, scope))]
    elif isinstance(node, ast.Name | ast.Attribute):
        inside = [value for value in _values(node, scope) if value is not node]
    return [text for value in inside for text in texts(value, scope, depth + 1)]


def _joined_texts(node: ast.JoinedStr | ast.BinOp, scope: Scope, depth: int) -> list[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return [_PLACEHOLDER.sub(UNKNOWN, text) for text in texts(node.left, scope, depth + 1)]
    found, known = [""], isinstance(node, ast.JoinedStr)
    for part in node.values if isinstance(node, ast.JoinedStr) else (node.left, node.right):
        more = texts(part.value if isinstance(part, ast.FormattedValue) else part, scope, depth + 1)
        known = known or bool(more)
        found = [f"{one}{another}" for one in found for another in more or [UNKNOWN]][:MOST_CASES]
    return found if known else []


def _called_texts(node: ast.Call, scope: Scope, depth: int) -> list[str]:
    name = called(node)
    if name in _NAMING:
        return [NAMED + text for text in (texts(node.args[0], scope, depth + 1) if node.args else [])]
    if name == "format" and isinstance(node.func, ast.Attribute):
        return [_PLACEHOLDER.sub(UNKNOWN, text) for text in texts(node.func.value, scope, depth + 1)]
    if name == "str" or name.startswith("url"):
        return [text for argument in node.args for text in texts(argument, scope, depth + 1)]
    if name in scope.functions:
        function = scope.functions[name]
        inner = scope.within(function).having(_arguments(function, node, scope))
        returned = (n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None)
        return [text for value in returned for text in texts(value, inner, depth + 2)]
    return []


def _values(node: ast.expr, scope: Scope) -> Sequence[ast.expr]:
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


def _arguments(function: Function, call: ast.Call, scope: Scope) -> dict[str, list[ast.expr]]:
    """Parameters of a function of the tests, as this call gives them: texts, since names mean something else there."""
    names = [a.arg for a in [*function.args.posonlyargs, *function.args.args] if a.arg not in {"self", "cls"}]
    given = {**dict(zip(names, call.args, strict=False)), **{k.arg: k.value for k in call.keywords if k.arg}}
    return {name: [ast.Constant(text) for text in texts(value, scope)] for name, value in given.items()}


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
