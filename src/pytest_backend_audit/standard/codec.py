"""A standard as JSON-able data and back, its digest, and the edition without pending rows. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.jsonable import from_builtins, to_builtins
from pytest_backend_audit.standard.model import Standard

if TYPE_CHECKING:
    from collections.abc import Mapping


def to_data(standard: Standard) -> dict[str, Any]:
    """The standard as plain JSON values, the same for the same standard in every process."""
    data: dict[str, Any] = to_builtins(standard)
    for row in data["rows"]:
        row["accepts"].sort()
    return data


def from_data(data: Mapping[str, Any]) -> Standard:
    """The standard that `to_data` gave.

    Raises:
        pydantic.ValidationError: It is not of that form.
    """
    return from_builtins(Standard, data)


def digest(standard: Standard) -> str:
    """SHA-256, in hex, of the standard's canonical JSON: keys sorted, no spaces, UTF-8."""
    return data_digest(to_data(standard))


def data_digest(data: Mapping[str, Any]) -> str:
    """The `digest` of the standard that gave these data."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def edition(standard: Standard) -> Standard:
    """The standard without its pending rows, named so that a head can say how much of it that is.

    `pending` keeps listing what was left out. A standard without pending rows is its own edition.
    """
    pending = frozenset(standard.pending)
    rows = tuple(row for row in standard.rows if row.name not in pending)
    if len(rows) == len(standard.rows):
        return standard
    return replace(standard, name=f"{standard.name}, {len(rows)} of {len(standard.rows)} rows", rows=rows)
