"""Requests that a piece of a Python test sends: methods and paths, as far as its source tells them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_backend_audit.analysis.python_tests import Function, called
from pytest_backend_audit.analysis.source_scopes import DEEPEST, MOST_CASES, Scope, elements, values_of

METHODS = {"get", "post", "put", "patch", "delete", "head", "options"}
ASKING = {"request", "generic", "open", "stream"}
_NAMING = {"reverse", "reverse_lazy", "resolve_url", "url_for", "url_path_for"}
_PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sdi]|\{[^{}]*\}")
NAMED = "name:"
"""What the path of a request begins with that is known by its route's name only."""
UNKNOWN = "{}"
"""Stands in a path for what is only known at run time."""
MOST_CALLS = 200
"""Calls of helpers that are followed in one test."""


@dataclass(frozen=True, order=True)
class Request:
    """One request, as the source has it."""

    method: str
    """Upper case; empty where the source doesn't tell."""
    path: str


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
        function = _function(node.func, scope) if depth < DEEPEST and left[0] > 0 else None
        if function is not None:
            left[0] -= 1
            found |= _requests(function.body, _inside(function, node, scope), depth + 1, left)
        elif name in METHODS and isinstance(node.func, ast.Attribute):
            found |= {Request(name.upper(), path) for path in paths(given[:1] or [], scope)}
        elif name in ASKING and len(given) > 1:
            methods = {m.upper() for m in texts(given[0], scope) if m.lower() in METHODS} or {""}
            found |= {Request(method, path) for method in methods for path in paths(given[1:2], scope)}
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
        held = values_of(node.value, scope)
        inside = [e for v in held for e in (v.values if isinstance(v, ast.Dict) else elements(v, scope))]
    elif isinstance(node, ast.Name | ast.Attribute):
        inside = [value for value in values_of(node, scope) if value is not node]
        if not inside and isinstance(node, ast.Attribute) and (method := _function(node, scope)) is not None:
            return _returned(method, scope.within(method), depth)  # a property
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
    function = _function(node.func, scope)
    return [] if function is None else _returned(function, _inside(function, node, scope), depth)


def _returned(function: Function, scope: Scope, depth: int) -> list[str]:
    given = (n.value for n in ast.walk(function) if isinstance(n, ast.Return) and n.value is not None)
    return [text for value in given for text in texts(value, scope, depth + 2)]


def _function(named: ast.expr, scope: Scope) -> Function | None:
    """The function of the tests that a call names; a method only of ``self``, since clients have methods, too."""
    name = called(named)
    if isinstance(named, ast.Attribute):
        if isinstance(named.value, ast.Name) and named.value.id in {"self", "cls"}:
            return scope.functions.get(f"self.{name}") or scope.functions.get(name)
        if name in METHODS | ASKING:
            return None
    return scope.functions.get(name)


def _inside(function: Function, call: ast.Call, scope: Scope) -> Scope:
    """What names stand for in a function that is called; without itself, so that nothing leads back to it."""
    others = Scope(scope.values, {n: f for n, f in scope.functions.items() if f is not function})
    return others.within(function).having(_arguments(function, call, scope))


def _arguments(function: Function, call: ast.Call, scope: Scope) -> dict[str, list[ast.expr]]:
    """Parameters of a function of the tests, as this call gives them: texts, since names mean something else there."""
    positional = [*function.args.posonlyargs, *function.args.args]
    names = [a.arg for a in positional if a.arg not in {"self", "cls"}]
    defaults = dict(zip(reversed([a.arg for a in positional]), reversed(function.args.defaults), strict=False))
    by_name = zip([a.arg for a in function.args.kwonlyargs], function.args.kw_defaults, strict=True)
    defaults.update({name: value for name, value in by_name if value is not None})
    given = {
        **defaults,
        **dict(zip(names, call.args, strict=False)),
        **{k.arg: k.value for k in call.keywords if k.arg},
    }
    return {name: [ast.Constant(text) for text in texts(value, scope)] for name, value in given.items()}
