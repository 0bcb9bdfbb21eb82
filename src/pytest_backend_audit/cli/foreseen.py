"""What a check will ask audit.yaml for, as far as its source tells: keys without which it could not run."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

FIXTURE = "audit_declared"


def asked(function: Callable[..., Any]) -> tuple[str, ...]:
    """The keys that a function reads by ``audit_declared(KEY)``, without a default, whatever else happens in it.

    Calls inside of an ``if``, a loop or another function may not come about, and are left out; so are keys that are
    made of more than constants of the module.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ()
    names: Mapping[str, Any] = getattr(inspect.unwrap(function), "__globals__", {})
    body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef) else []
    keys = (_text(call.args[0], names) for statement in body for call in _calls(statement))
    return tuple(dict.fromkeys(key for key in keys if key))


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Calls of the fixture with nothing but a key, that are made whenever the statement is reached."""
    if isinstance(node, ast.If | ast.For | ast.AsyncFor | ast.While | ast.Try | ast.Match | ast.IfExp | ast.Lambda):
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.BoolOp):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == FIXTURE:
        if len(node.args) == 1 and not node.keywords:
            yield node
        return
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)


def _text(node: ast.expr, names: Mapping[str, Any]) -> str:
    """A text that is made of constants; empty if it isn't."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.Name):
        value = names.get(node.id)
        return value if isinstance(value, str) else ""
    if isinstance(node, ast.JoinedStr):
        parts = [_text(v.value if isinstance(v, ast.FormattedValue) else v, names) for v in node.values]
        return "".join(parts) if all(parts) else ""
    return ""
