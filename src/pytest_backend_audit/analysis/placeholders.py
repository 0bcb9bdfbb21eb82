"""Values to be put into a declared JSON body."""

from __future__ import annotations

from typing import Any


def holds(body: Any, placeholder: str) -> bool:
    """Whether a text somewhere in the body has the placeholder in it."""
    if isinstance(body, str):
        return placeholder in body
    if isinstance(body, dict):
        return any(holds(value, placeholder) for value in body.values())
    return isinstance(body, (list, tuple)) and any(holds(value, placeholder) for value in body)


def filled(body: Any, placeholder: str, value: str) -> Any:
    """The body with the value in the placeholder's place, wherever a text has it."""
    if isinstance(body, str):
        return body.replace(placeholder, value)
    if isinstance(body, dict):
        return {name: filled(inner, placeholder, value) for name, inner in body.items()}
    if isinstance(body, (list, tuple)):
        return [filled(inner, placeholder, value) for inner in body]
    return body
