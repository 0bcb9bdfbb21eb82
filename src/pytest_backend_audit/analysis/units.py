"""Quantities as servers write them."""

from __future__ import annotations

import re

_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_BYTES = {"": 1, "b": 1, "k": 1000, "kb": 1024, "m": 1000**2, "mb": 1024**2, "g": 1000**3, "gb": 1024**3}


def seconds(text: str) -> float:
    """A PostgreSQL time, such as ``250``, ``1h`` or ``-1``, in seconds; a number alone is in milliseconds.

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(r"\s*(-?\d+(?:\.\d+)?)\s*([a-z]*)\s*", text)
    if found is None or (found[2] or "ms") not in _MILLISECONDS:
        raise ValueError(f"{text!r} is no time as PostgreSQL writes it")
    return float(found[1]) * _MILLISECONDS[found[2] or "ms"] / 1000


def redis_bytes(text: str) -> int:
    """A Redis memory size, such as ``64mb`` or ``1048576``, in bytes; ``kb`` is 1024 of them and ``k`` 1000.

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(r"\s*(\d+)\s*([a-z]*)\s*", text.lower())
    if found is None or found[2] not in _BYTES:
        raise ValueError(f"{text!r} is no memory size as redis.conf writes it")
    return int(found[1]) * _BYTES[found[2]]
