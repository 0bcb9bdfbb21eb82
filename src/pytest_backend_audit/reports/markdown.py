"""Markdown from plain texts: escaped, in tables, lists and fences. CommonMark with tables, as forges render it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_backend_audit.reports.text import bounded, clean, one_line, stated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_SPECIAL = re.compile(r"([\\`*_\[\]#|~$])")
_LIST = re.compile(r"^([-+=]|\d+(?=[.)](?:\s|$)))")
_FENCES = re.compile(r"`{3,}")


def escape(text: str) -> str:
    """One line that shows exactly what the text says: no markup, no HTML, no table cell of its own."""
    text = _SPECIAL.sub(r"\\\1", one_line(text))
    # At the start of a list item these would open a list of their own.
    text = _LIST.sub(lambda start: f"{start[0]}\\" if start[0].isdigit() else f"\\{start[0]}", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table, a line at a time; cells are escaped here, empty ones are "not stated"."""
    yield f"| {' | '.join(head)} |\n"
    yield f"|{'---|' * len(head)}\n"
    for row in rows:
        yield f"| {' | '.join(escape(stated(cell)) for cell in row)} |\n"
    yield "\n"


def fence(text: str, limit: int, margin: str = "") -> Iterator[str]:
    """The text as it is, in a fence that it can't close, cut after `limit` characters."""
    shown, left = bounded(text, limit)
    longest = max((len(run) for run in _FENCES.findall(shown)), default=2)
    marks = "`" * (longest + 1)
    yield f"{margin}{marks}text\n"
    for line in clean(shown).split("\n"):
        yield f"{margin}{line}\n" if line else "\n"
    if left:
        yield f"{margin}(and {left} more characters)\n"
    yield f"{margin}{marks}\n"


def bullets(texts: Iterable[str], none: str = "") -> Iterator[str]:
    """A list, or the sentence that stands for an empty one."""
    empty = True
    for text in texts:
        yield f"- {escape(text)}\n"
        empty = False
    if empty and none:
        yield f"{none}\n"
    yield "\n"
