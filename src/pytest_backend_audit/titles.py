"""Titles of findings: what a reason says, as one line."""

from __future__ import annotations

import re

TITLE_LIMIT = 160
"""Characters of a title: one line in a tracker's list."""
LEAST_ITEM = 48
"""Characters that a title has for what was found, if it has so many, however long the sentence before it is."""

_ITEM = re.compile(r"\s*- (\S.*)")
"""An item as `analysis.text.lines` writes it."""
_LEFT_OUT = re.compile(r"\s*-? ?\.\.\. and (\d{1,9}) more")
"""How many it left out."""


def headline(reason: str, room: int = TITLE_LIMIT) -> str:
    """What a reason says, as one line: its first, and where that introduces a list, the list's first item.

    Messages have what was found on lines of their own, each with its remedy after a colon; of these lines the title has
    ``2 foreign keys without an index: orders_customer_id_fkey on public.orders and 1 more``.

    Args:
        reason: The reason, redacted.
        room: Characters. Where there are few, what the first line says in brackets makes way, then its end.

    Returns:
        The line; longer than `room` only where it is the first line of the reason, and nothing else.
    """
    first, *rest = reason.splitlines() or [""]
    items = [m[1] for line in rest if (m := _ITEM.match(line))]
    if not rest or not (_ITEM.match(rest[0]) or first.rstrip().endswith(":")):
        return first
    names = [text.partition(": ")[0].strip() for text in (items if _ITEM.match(rest[0]) else [rest[0].strip()])]
    if not names[0]:
        return first
    # Two lines about one thing are one thing.
    more = len(set(names)) - 1 + sum(int(m[1]) for line in rest if (m := _LEFT_OUT.match(line)))
    after = f" and {more} more" if more else ""
    begun, least = first.rstrip().removesuffix(":"), min(len(names[0]), LEAST_ITEM)
    if len(begun) > (most := room - len(": ") - least - len(after)):
        begun = cut(_without_asides(begun), max(1, most))
    return f"{begun}: {cut(names[0], max(1, room - len(begun) - len(': ') - len(after)))}{after}"


def _without_asides(text: str) -> str:
    """The text without what stands in brackets: ``3 tables (large: 9 or more (standard)) are`` is ``3 tables are``."""
    kept, depth = [], 0
    for character in text:
        depth += character == "("
        if not depth:
            kept.append(character)
        depth -= character == ")" and depth > 0
    return re.sub(r" {2,}", " ", "".join(kept)).replace(" ;", ";").replace(" ,", ",").strip()


def cut(text: str, limit: int) -> str:
    """The text, or as many of its characters with a mark at the end that there were more."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
