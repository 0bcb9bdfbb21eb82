"""A file that may be a filed card, wherever it lies."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACE = re.compile(r"(?:^|/)audits/[^/]+/\d{4}-\d\d-\d\d(?:-\d+)?\.json$")
_OTHERS = frozenset({"node_modules", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Found:
    """A file, read or not."""

    place: str
    """Where it lies, as messages name it."""
    key: str
    """Tells it from every other file, whichever way it was found."""
    claimed: bool
    """Whether its place alone says that it is a filed card: it was named, or lies where one belongs."""
    raw: bytes = b""
    trouble: str = ""
    """Why it was not read; empty if it was."""


def is_passed_over(folder: str) -> bool:
    """Whether a folder of this name is not searched: hidden ones, and packages of others."""
    return folder.startswith(".") or folder in _OTHERS


def is_place_of_a_card(path: str) -> bool:
    """Whether a filed card belongs there: ``audits/<service>/<date>.json``."""
    return bool(_PLACE.search(path))
