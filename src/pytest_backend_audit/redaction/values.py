"""Redaction of whole values: frozen dataclasses, mappings and sequences, before they enter the journal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from pytest_backend_audit.redaction.forms import MARK

T = TypeVar("T")

_REFERENCE = re.compile(r"(?:\$\{[^}]*\})+")


def redact_value(value: T, redact: Callable[[str], str]) -> T:
    """The value with secrets taken out of each text in it; the value itself where there are none.

    Keys of mappings stay. A text under a key such as ``token`` is hidden whole, unless it names a variable.

    Args:
        value: Texts, numbers, None, and what dataclasses, mappings, lists and tuples make of them.
        redact: A function from text to text.
    """
    made: Any = _walk(value, redact)
    return made  # type: ignore[no-any-return]


def _walk(value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return value if _REFERENCE.fullmatch(value) else redact(value)
    if is_dataclass(value) and not isinstance(value, type):
        old = {f.name: getattr(value, f.name) for f in fields(value)}
        new = {name: _walk(part, redact) for name, part in old.items()}
        return value if new == old else replace(value, **new)
    if isinstance(value, Mapping):
        return {key: _member(key, part, redact) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_walk(part, redact) for part in value)
    return value


def _member(key: object, value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(key, str) and isinstance(value, str) and not _REFERENCE.fullmatch(value):
        probe = f"{key}: x"
        if redact(probe) != probe:
            return MARK
    return _walk(value, redact)
