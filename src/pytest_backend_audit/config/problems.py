"""pydantic's errors in our words: where, what was found, what is allowed, the nearest name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from pytest_backend_audit.errors import Problem
from pytest_backend_audit.yamlnodes import Path, YamlDocument, nearest

_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "too_short": "one entry or more",
}
_BOUNDS = {
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "less_than": "less than {lt:g}",
    "less_than_equal": "{le:g} or less",
}
_CREDENTIAL = frozenset({"dsn", "token", "password", "headers"})
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_OF_A_KEY: Path = ("[key]",)
"""How pydantic ends the path of an error in a key, in a mapping whose keys are the user's."""


def translate(
    errors: Iterable[ErrorDetails], document: YamlDocument, model: type[BaseModel]
) -> Iterator[tuple[Path, Problem]]:
    """Each error as a problem of the file, with its path.

    Args:
        errors: What pydantic found.
        document: The file, for lines and for the values as they were written.
        model: The model that was validated; its fields name the allowed keys.
    """
    for error in errors:
        path: Path = error["loc"]
        if path[-1:] == _OF_A_KEY:
            path = path[:-1]
            yield path, document.problem(path, f"found {_quoted(path[-1], path)}; allowed: {_allowed(error, None)}")
        else:
            yield path, document.problem(path, _message(error, path, document, model))


def shown(value: object) -> str:
    """A value as a message quotes it: short, on one line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        text = value if len(value) <= 60 else value[:57] + "..."
        return '"' + "".join(c if c.isprintable() else " " for c in text) + '"'
    return str(value)


def _message(error: ErrorDetails, path: Path, document: YamlDocument, model: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        known = _keys(model, path[:-1])
        # A long list hides the one name that matters.
        listed = f"; allowed: {', '.join(known)}" if len(known) <= 12 else ""
        return f"unknown key{listed}{nearest(str(path[-1]), known)}"
    if error["type"] == "missing":
        return f"missing; wanted: {_meaning(model, path)}"
    if error["type"] == "audit_senseless":
        return error["msg"]
    written = _at(document.data, path)
    if isinstance(written, str) and (variable := _VARIABLE.fullmatch(written)):
        # By what the file says nothing is wrong.
        return f"found something else in the variable {variable[1]}; allowed: {_allowed(error, written)}"
    return f"found {_quoted(written, path)}; allowed: {_allowed(error, written)}"


def _allowed(error: ErrorDetails, written: object) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        near = nearest(written, choices) if isinstance(written, str) else ""
        return (", ".join(choices) or str(context["expected"])) + near
    if kind in _BOUNDS:
        return _BOUNDS[kind].format(**context)
    return _WANTED.get(kind, error["msg"])


def _quoted(written: object, path: Path) -> str:
    """The value as written, unless it may hold a credential."""
    delicate = path[:1] in {("targets",), ("identities",), ("environments",)} and (
        not _CREDENTIAL.isdisjoint(path) or (isinstance(written, str) and not set("@=?").isdisjoint(written))
    )
    if delicate and isinstance(written, str) and not re.fullmatch(r"\$\{\w+\}", written):
        return "a text that is not shown"
    return shown(written)


def _at(data: Any, path: Path) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _keys(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that the mapping at `path` may have."""
    found = _resolve(model, path)
    return [f.alias or name for name, f in found.model_fields.items()] if found else []


def _meaning(model: type[BaseModel], path: Path) -> str:
    owner = _resolve(model, path[:-1])
    fields = {f.alias or name: f for name, f in owner.model_fields.items()} if owner else {}
    described = fields[str(path[-1])].description if path[-1] in fields else None
    return (described or "a value").rstrip(".")


def _resolve(model: type[BaseModel], path: Path) -> type[BaseModel] | None:
    kind: Any = model
    for step in path:
        kind = _inside(_bare(kind), step)
    kind = _bare(kind)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _inside(kind: Any, step: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = {f.alias or name: f.annotation for name, f in kind.model_fields.items()}
        return fields.get(str(step))
    arguments = get_args(kind)
    if get_origin(kind) is tuple:
        return arguments[0]
    return arguments[1] if get_origin(kind) is dict else None


def _bare(kind: Any) -> Any:
    """The type without ``Annotated`` and without ``| None``."""
    while True:
        if get_origin(kind) is Annotated:
            kind = get_args(kind)[0]
        elif get_origin(kind) in {Union, UnionType}:
            rest = [k for k in get_args(kind) if k is not NoneType]
            if len(rest) != 1:
                return kind
            kind = rest[0]
        else:
            return kind
