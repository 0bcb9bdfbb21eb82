"""Texts made fit to show: hostile characters escaped, columns measured, lengths bounded.

What an audited system returns ends up on a card. It may hold terminal escapes, marks that turn the reading direction,
or characters that take no room; all of these are shown as their number (hexadecimal, after a backslash), not obeyed.
"""

from __future__ import annotations

import re
import unicodedata

NOT_STATED = "not stated"
"""Shown where a field of the card is empty."""

# Categories that draw nothing of their own, or that no font knows: controls, format marks (bidirectional and
# zero-width ones among them), surrogates, private use, unassigned, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_WIDE = frozenset({"W", "F"})
_BREAKS = re.compile(r"\r\n|[\n\r]")
_BLANKS = re.compile(r"\s+")


def _number(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def clean(text: str) -> str:
    """The text with every hidden character shown as its number; line feeds and tabs stay.

    Args:
        text: Anything, lone surrogates included.

    Returns:
        A text that can be encoded as UTF-8 and that does nothing to a terminal, an XML parser or a reader's eye.
    """
    if text.isprintable():
        return text
    text = _BREAKS.sub("\n", text)
    return "".join(_number(c) if c not in "\n\t" and unicodedata.category(c) in _HIDDEN else c for c in text)


def one_line(text: str) -> str:
    """The text cleaned, with runs of white space (line feeds too) as single spaces."""
    return clean(_BLANKS.sub(" ", text).strip())


def first_line(text: str) -> str:
    """The first line that is not blank, cleaned."""
    return next((one_line(line) for line in text.splitlines() if line.strip()), "")


def columns(text: str) -> int:
    """How many terminal columns the text takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in _WIDE else 1 for c in text)


def cut(text: str, room: int, mark: str = "…") -> str:
    """The text, or as much of it as fits into `room` columns with `mark` at its end."""
    if columns(text) <= room:
        return text
    left = max(room - columns(mark), 0)
    kept: list[str] = []
    for character in text:
        left -= columns(character)
        if left < 0:
            break
        kept.append(character)
    return ("".join(kept).rstrip() + mark)[: max(room, 0)]


def wrap(text: str, room: int, lines: int, mark: str = "…") -> list[str]:
    """The text on at most `lines` lines of `room` columns, broken at spaces; the last is cut where more is left.

    Args:
        text: One line of text.
        room: Columns of a line, at least 1.
        lines: At least 1.
        mark: What stands for the part left out.
    """
    made: list[str] = []
    words = text.split(" ")
    while words and len(made) < lines - 1:
        line = words.pop(0)
        while words and columns(f"{line} {words[0]}") <= room:
            line = f"{line} {words.pop(0)}"
        made.append(cut(line, room, mark))
    if words:
        made.append(cut(" ".join(words), room, mark))
    return made or [""]


def pad(text: str, room: int) -> str:
    """The text with spaces after it, up to `room` columns."""
    return text + " " * max(room - columns(text), 0)


def bounded(text: str, limit: int) -> tuple[str, int]:
    """The first `limit` characters of a text, and how many were left out."""
    return (text, 0) if len(text) <= limit else (text[:limit], len(text) - limit)


def stated(text: str) -> str:
    """The text, or "not stated"."""
    return text or NOT_STATED
