"""Our frozen values as plain JSON values, and back. Unknown types are refused, never turned into text."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")

_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    # Building one costs milliseconds, using one microseconds.
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def to_builtins(value: object) -> Any:
    """The value as dicts, lists, texts, numbers, booleans and None.

    Raises:
        pydantic_core.PydanticSerializationError: It holds something that JSON has no form for.
    """
    return _adapter(type(value)).dump_python(value, mode="json", warnings="error")


def from_builtins(kind: type[T], data: object) -> T:
    """The frozen value that `data` describes.

    Raises:
        pydantic.ValidationError: `data` is not of that form.
    """
    made: T = _adapter(kind).validate_python(data)
    return made
