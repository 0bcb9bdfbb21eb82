"""Whether two texts name the same person."""

from __future__ import annotations


def same_person(one: str, other: str) -> bool:
    """Whether names or addresses agree: "Ada", "ada <ada@example.org>" and "ada@example.org" may be one person."""
    return bool(_names(one) & _names(other))


def _names(text: str) -> set[str]:
    name, _, rest = text.partition("<")
    parts = (" ".join(name.split()), rest.partition(">")[0].strip())
    return {part.casefold() for part in parts if part}
