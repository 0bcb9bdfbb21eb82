"""JSON in pieces: what comes as an iterator is written item by item, so that no format holds a whole large card.

Dicts are indented down to where `Leaf` begins; a leaf stands compactly on one line, so that a difference between two
cards is a difference of lines. ASCII only: control characters and reading-direction marks can't act on a terminal, and
every string, lone surrogates included, survives.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_STEP = "  "


class Leaf:
    """A value that is written on one line."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def text(value: Any) -> Iterator[str]:
    """The value as JSON with a line feed at the end, in pieces.

    Args:
        value: Dicts, lists, texts, numbers, booleans, None; `Leaf`; and iterators, which are written as arrays.
    """
    yield from _pieces(value, "\n")
    yield "\n"


def _pieces(value: Any, margin: str) -> Iterator[str]:
    if isinstance(value, Leaf):
        yield json.dumps(value.value, allow_nan=False)
    elif isinstance(value, Mapping):
        yield from _members(((json.dumps(key) + ": ", item) for key, item in value.items()), "{}", margin)
    elif isinstance(value, (list, tuple, Iterator)):
        yield from _members((("", item) for item in value), "[]", margin)
    else:
        yield json.dumps(value, allow_nan=False)


def _members(members: Iterator[tuple[str, Any]], brackets: str, margin: str) -> Iterator[str]:
    inner = margin + _STEP
    before = brackets[0] + inner
    empty = True
    for key, item in members:
        yield before + key
        yield from _pieces(item, inner)
        before = "," + inner
        empty = False
    yield brackets if empty else margin + brackets[1]
