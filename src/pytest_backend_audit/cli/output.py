"""Texts of the commands: errors in one line, tables that fit a terminal."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

USAGE = 2
WIDTH = 80
"""Columns that everything fits that is not one long word."""


def fail(message: str, status: int = USAGE) -> int:
    """Say what is wrong on standard error, and give the exit status.

    Several problems stand on a line each; those after the first are in the form that editors jump to. What a file or
    a service says may be part of it, so no character of it acts on a terminal.
    """
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - only when something is wrong

    sys.stderr.write(f"backend-audit: {clean(message)}\n")
    return status


def hanging(text: str, width: int = WIDTH) -> list[str]:
    """A sentence on lines of `width`; what follows a label ("defects: ...") goes on below where it began.

    A label with one long word stays on its line, so that a path stands where one looks for it.
    """
    label, colon, rest = text.partition(": ")
    if " " not in rest.strip() and len(label) < width:
        return [text]
    indent = len(label) + len(colon) if colon and len(label) < width // 2 else 0
    return textwrap.wrap(
        text, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    ) or [""]


def columns(rows: Sequence[Sequence[str]], width: int, *, widths: Sequence[int] = ()) -> list[str]:
    """Rows as aligned columns; the last one takes what is left of `width` and continues below itself.

    Words stay whole, so that a path, an option or a URL can be copied; one that is too long sticks out.

    Args:
        rows: Cells; each row has as many.
        width: Of a line, in characters.
        widths: Of all columns but the last, where rows come one by one; measured, if not given.
    """
    if not rows:
        return []
    # A cell that would leave nothing for the last column has a line of its own.
    sizes = widths or [min(max(len(row[n]) for row in rows), width // 2) for n in range(len(rows[0]) - 1)]
    indent = sum(sizes) + 2 * len(sizes)
    lines: list[str] = []
    for row in rows:
        head = "".join(cell.ljust(size + 2) for cell, size in zip(row, sizes, strict=False))
        wrapped = textwrap.wrap(row[-1], max(20, width - indent), break_long_words=False, break_on_hyphens=False) or [
            ""
        ]
        if sizes and len(head.rstrip()) > indent - 2:
            lines.append(head.rstrip())
            head = " " * indent
        lines.append((head + wrapped[0]).rstrip())
        lines.extend(" " * indent + part for part in wrapped[1:])
    return lines
