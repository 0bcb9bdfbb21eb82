"""Texts of the commands: errors in one line, tables that fit a terminal."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

USAGE = 2


def fail(message: str, status: int = USAGE) -> int:
    """Say what is wrong on standard error, and give the exit status."""
    sys.stderr.write(f"backend-audit: {message}\n")
    return status


def columns(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Rows as aligned columns; the last one takes what is left of `width` and continues below itself."""
    if not rows:
        return []
    sizes = [max(len(row[n]) for row in rows) for n in range(len(rows[0]) - 1)]
    indent = sum(sizes) + 2 * len(sizes)
    lines: list[str] = []
    for row in rows:
        head = "".join(cell.ljust(size + 2) for cell, size in zip(row, sizes, strict=False))
        wrapped = textwrap.wrap(row[-1], max(20, width - indent)) or [""]
        lines.append((head + wrapped[0]).rstrip())
        lines.extend(" " * indent + part for part in wrapped[1:])
    return lines
