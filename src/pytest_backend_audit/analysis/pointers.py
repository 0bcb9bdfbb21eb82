"""JSON pointers (RFC 6901)."""

from __future__ import annotations

import json
from typing import Any


def pointed(text: str, pointer: str) -> str | None:
    """The text or number that a pointer finds in a JSON document.

    Args:
        text: The document.
        pointer: Such as ``/instance``; empty for the whole text, which then need not be JSON.

    Returns:
        None where there is nothing, or something else than a text or number.
    """
    if not pointer:
        return text.strip() or None
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for part in pointer.removeprefix("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isascii() and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value) or None
