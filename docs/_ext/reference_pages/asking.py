"""Which bundled check reads which key of audit.yaml, as its source tells, with all that it calls in the suites."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from types import FunctionType
from typing import Any

from pytest_backend_audit import standard
from pytest_backend_audit.bundled import SUITES, suite_files, suites_root
from pytest_backend_audit.cli.foreseen import _text
from pytest_backend_audit.cli.plan import TARGET_OF
from pytest_backend_audit.config.examples import EXAMPLES

READERS = {"audit_declared", "declared", "configured"}
"""Names by which checks and what they share call `audit_declared`, or ask it whether there is a target."""
BY_FIXTURE = {
    "audit_identity": "identities",
    "audit_attestation": "attestations",
    "audit_endpoints": "targets.http.openapi",
    "audit_prometheus": "targets.prometheus.selector",
}
"""Fixture -> the key that it reads beside its target."""
BY_ATTRIBUTE = {
    "public": "targets.http.public",
    "class_": "endpoints[].class",
    **{
        name: f"endpoints[].{name}" for name in ("budget", "shared", "bodies", "shows_at", "cold", "hot", "idempotency")
    },
}
"""Attribute of an endpoint of `audit_endpoints` -> the key that it comes from."""
SAME = {"tenants": "identities", "targets.faults.dependencies": "targets.faults"}
"""What checks ask for -> the key that declares it."""
NO_DECLARATION = {"suites"}
"""Keys whose default is a good answer."""


def every_check() -> Iterator[tuple[str, Any]]:
    """Name of each bundled check, as its finding has it, and its function; in the standard's order."""
    for dimension in standard.load("default").dimensions:
        for path in suite_files(suites_root() / dimension.folder):
            module = importlib.import_module(f"{SUITES}.{dimension.folder}.{path.stem}")
            for function in vars(module).values():
                for mark in getattr(function, "pytestmark", ()):
                    if mark.name == "audit" and inspect.isfunction(function):
                        yield f"{mark.kwargs['dimension']} {mark.kwargs['criterion']} L{mark.kwargs['level']}", function


def asked() -> dict[str, list[str]]:
    """Key -> names of the checks that read it, whether or not they could do without."""
    found: dict[str, dict[str, None]] = {key: {} for key in EXAMPLES}
    for name, function in every_check():
        for key in keys_of(function):
            found.setdefault(key, {})[name] = None
    return {key: list(names) for key, names in found.items()}


def keys_of(function: FunctionType) -> set[str]:
    """The keys that one check reads, each by the name that `EXAMPLES` has for it, where it has one."""
    keys = {_declared(key) for key in _reached(function, frozenset())}
    if any(key.startswith("endpoints[]") for key in keys):
        keys.add("endpoints")
    return keys - NO_DECLARATION


def _declared(key: str) -> str:
    key = SAME.get(key, key)
    path = key.split(".")
    while ".".join(path) not in EXAMPLES and len(path) > 2:
        path.pop()
    return ".".join(path) if ".".join(path) in EXAMPLES else key


def _reached(function: FunctionType, above: frozenset[str]) -> set[str]:
    mark = f"{function.__module__}.{function.__qualname__}"
    if mark in above:
        return set()
    module, keys = inspect.getmodule(function), set()
    for fixture in inspect.signature(function).parameters:
        keys |= _of_fixture(fixture)
        if (own := _own(vars(module), fixture)) is not None:
            keys |= _reached(own, above | {mark})
    for node in ast.walk(_tree(function)):
        if isinstance(node, ast.Call):
            keys |= set(_of_call(node, vars(module)))
        elif isinstance(node, ast.Attribute) and node.attr in BY_ATTRIBUTE:
            keys.add(BY_ATTRIBUTE[node.attr])
        elif isinstance(node, ast.Name) and (own := _own(vars(module), node.id)) is not None:
            keys |= _reached(own, above | {mark})
    return keys


@cache
def _tree(function: FunctionType) -> ast.Module:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def _own(names: dict[str, Any], name: str) -> FunctionType | None:
    """A function, fixture or method's class of the suites by its name in a module."""
    value = getattr(names.get(name), "_fixture_function", names.get(name))
    value = inspect.unwrap(value) if callable(value) else value
    if isinstance(value, type) and value.__module__.startswith(SUITES):
        value = value.__dict__.get("__init__")
    there = inspect.isfunction(value) and value.__module__.startswith(SUITES) and "<" not in value.__code__.co_filename
    return value if there else None


def _of_fixture(name: str) -> set[str]:
    keys = {f"targets.{TARGET_OF[name]}"} if name in TARGET_OF else set()
    return keys | ({BY_FIXTURE[name]} if name in BY_FIXTURE else set())


def _of_call(call: ast.Call, names: dict[str, Any]) -> Iterator[str]:
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    text = _text(call.args[0], names) if call.args else ""
    if called == "declared" and not call.args:  # audit_endpoints.declared()
        yield "endpoints"
    elif called == "getfixturevalue":
        yield from _of_fixture(text)
    elif called == "configured" and text:
        yield f"targets.{text}"
    elif called in READERS and text:
        yield text
