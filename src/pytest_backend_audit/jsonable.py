"""Our frozen values as plain JSON values, and back. Unknown types are refused, never turned into text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

_PLAIN = frozenset((str, int, float, bool, type(None)))
_NAMES: dict[type[Any], tuple[str, ...]] = {}
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
    if kind in _NAMES:
        made = {}
        for name in _NAMES[kind]:
            item = getattr(value, name)
            # Asked here once more, as most items are plain and a call each would be half the cost.
            made[name] = item if item.__class__ in _PLAIN else to_builtins(item)
        return made
    if kind is tuple or kind is list:
        return [to_builtins(v) for v in value]
    return _rarer(value)


def _rarer(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        _NAMES[value.__class__] = tuple(f.name for f in fields(value))
        return to_builtins(value)
    if isinstance(value, Mapping):
        return {_key(k): to_builtins(v) for k, v in value.items()}
    if isinstance(value, frozenset):
        return sorted(to_builtins(v) for v in value)
    raise TypeError(f"{value.__class__.__qualname__} has no form in JSON: {value!r:.80}")


def _key(key: object) -> str:
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
