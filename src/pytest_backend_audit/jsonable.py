"""Our frozen values as plain JSON values, and back. Unknown types are refused, never turned into text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

_PLAIN = frozenset((str, int, float, bool, type(None)))
_MAKERS: dict[type[Any], Callable[[Any], Any]] = {}
"""Class -> what makes its values plain; filled as they come."""
_ADAPTERS: dict[type[Any], TypeAdapter[Any]] = {}


def to_builtins(value: Any) -> Any:
    """The value as dicts, lists, texts, numbers, booleans and None.

    Written by hand, as it runs once a check: the library that reads values back costs a tenth of a second to import,
    which a run does only at its end.

    Raises:
        TypeError: It holds something that JSON has no form for.
    """
    kind = value.__class__
    if kind in _PLAIN:
        return value
    if kind not in _MAKERS:
        _MAKERS[kind] = _maker(kind, value)
    return _MAKERS[kind](value)


# In each of these most items are plain, and a call for each would be half the cost.


def _list(value: Iterable[Any]) -> list[Any]:
    return [item if item.__class__ in _PLAIN else to_builtins(item) for item in value]


def _dict(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {_key(k): item if item.__class__ in _PLAIN else to_builtins(item) for k, item in value.items()}


def _fields(names: tuple[str, ...], value: Any) -> dict[str, Any]:
    return {name: item if (item := getattr(value, name)).__class__ in _PLAIN else to_builtins(item) for name in names}


def _maker(kind: type[Any], value: object) -> Callable[[Any], Any]:
    if issubclass(kind, Enum):
        return attrgetter("_value_")  # `value` is the same, by a detour through Python code
    if is_dataclass(kind):
        return partial(_fields, tuple(f.name for f in fields(kind)))
    if issubclass(kind, Mapping):
        return _dict
    if kind is tuple or kind is list:
        return _list
    if issubclass(kind, frozenset):
        return lambda value: sorted(_list(value))
    raise TypeError(f"{kind.__qualname__} has no form in JSON: {value!r:.80}")


def _key(key: object) -> str:
    if key.__class__ is str:
        return key
    if isinstance(key, str):
        return str(key)
    raise TypeError(f"a key in JSON is a text, found {key!r:.80}")


def from_builtins(kind: type[T], data: object) -> T:
    """The frozen value that `data` describes.

    Raises:
        pydantic.ValidationError: `data` is not of that form.
    """
    if kind not in _ADAPTERS:
        from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and needed at the end of a run only

        _ADAPTERS[kind] = TypeAdapter(kind)
    made: T = _ADAPTERS[kind].validate_python(data)
    return made
