"""Which of a service's endpoints the requests of its tests go to."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from pytest_backend_audit.analysis.python_tests import called
from pytest_backend_audit.analysis.sent_requests import NAMED, UNKNOWN, Request

_CONVERTED = re.compile(r"<[^<>]*>")
_GROUPS = re.compile(r"\((?:\?P<\w+>)?(?:[^()]|\([^()]*\))*\)")


class Endpoint(Protocol):
    """What is known of one."""

    @property
    def method(self) -> str:
        """Upper case."""

    @property
    def path(self) -> str:
        """Template: ``/v1/orders/{id}``."""

    @property
    def operation_id(self) -> str:
        """Of the OpenAPI document; empty without."""


def asked(request: Request, endpoints: Sequence[Endpoint], names: Mapping[str, Iterable[str]]) -> list[Endpoint]:
    """The endpoints that a request goes to; several where its method is not known.

    Args:
        request: As the source of a test has it.
        endpoints: All of the service.
        names: Name of a route -> ends of paths that bear it, as `route_names` gives them.
    """
    known = [e for e in endpoints if request.method in {"", e.method}]
    if request.path.startswith(NAMED):
        name = request.path.removeprefix(NAMED).rpartition(":")[2]
        of_name = [e for e in known if name and (e.operation_id == name or e.operation_id.startswith(f"{name}_"))]
        return of_name or [e for pattern in names.get(name, ()) for e in _best(known, _segments(pattern))]
    wanted = _segments(request.path)
    whole = [e for e in known if len(_segments(e.path)) == len(wanted)]
    # Else there is a prefix that the server adds, or one that only the run tells.
    return _best(whole, wanted) or _best(known, wanted[1:] if wanted[:1] == [UNKNOWN] else wanted)


def _best(endpoints: Iterable[Endpoint], wanted: Sequence[str]) -> list[Endpoint]:
    """Those whose last segments are these, with most of them word for word, and one at least."""
    alike = {e.path: _alike(_segments(e.path), wanted) for e in endpoints}
    most = max(alike.values(), default=0)
    return [e for e in endpoints if most > 0 and alike[e.path] == most]


def route_names(sources: Iterable[str]) -> dict[str, set[str]]:
    """Names of Django's routes, and of the views that a router of its REST framework makes, with their patterns.

    Args:
        sources: Texts of the modules that have them.
    """
    found: dict[str, set[str]] = {}
    for text in sources:
        try:
            module = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            continue
        for node in ast.walk(module):
            if isinstance(node, ast.Call):
                for name, pattern in _named(node):
                    found.setdefault(name, set()).add(pattern)
    return found


def _named(call: ast.Call) -> Iterable[tuple[str, str]]:
    pattern = _text(call.args[0]) if call.args else None
    given = {k.arg: _text(k.value) for k in call.keywords}
    if pattern is None:
        return
    if called(call) in {"path", "re_path", "url"} and (name := given.get("name")):
        plain = _CONVERTED.sub(UNKNOWN, pattern) if called(call) == "path" else _GROUPS.sub(UNKNOWN, pattern)
        yield name, plain.strip("^$").replace("\\", "").removesuffix("?")
    elif called(call) == "register" and len(call.args) > 1:
        base = given.get("basename") or pattern.rstrip("s")
        yield f"{base}-list", pattern
        yield f"{base}-detail", f"{pattern}/{UNKNOWN}"


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _segments(path: str) -> list[str]:
    return [part for part in path.strip("/").split("/") if part]


def _alike(template: Sequence[str], wanted: Sequence[str]) -> int:
    """How many segments at a template's end are literally these; -1 if it ends otherwise.

    A segment that only the run tells fits a parameter, a text fits both.
    """
    if not wanted or len(wanted) > len(template):
        return -1
    pairs = list(zip(template[-len(wanted) :], wanted, strict=True))
    literal = sum(t == w and "{" not in t for t, w in pairs)
    return literal if all("{" in t or t == w for t, w in pairs) else -1
