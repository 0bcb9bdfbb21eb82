"""What a check said and rested on, short enough for its page in the documentation."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from pytest_backend_audit.model import Evidence

TITLES = 4
"""Kinds of evidence that are listed."""
LINES = 8
COLUMNS = 110
FOLDERS = re.compile(r"(?:/[\w.-]+)*/(?:orders-stack|backend-audit|pytest)-[^\s/'\",)]*(?:/[\w.-]*)?(?=/)")
"""Folders that servers and audits of a run live in, which say nothing to anybody else."""


def message(reason: str) -> str:
    """The message of a check that failed, without the folders of that run."""
    return FOLDERS.sub("...", reason)


def evidence(pieces: Sequence[Evidence]) -> str:
    """What a check that passed rests on: what was asked, how often, and the beginning of one answer."""
    asked = Counter(_line(piece.title) for piece in pieces)
    lines = [f"{number} x {title}" if number > 1 else title for title, number in asked.most_common(TITLES)]
    if len(asked) > TITLES:
        lines.append(f"and {len(asked) - TITLES} others")
    shortest = min((p for p in pieces if p.body), key=lambda p: len(p.body), default=None)
    if shortest is not None:
        lines += ["", f"{_line(shortest.title)} gave", *_indented(shortest.body)]
    return "\n".join(lines)


def _indented(body: str) -> list[str]:
    lines = body.splitlines()
    left = len(lines) - LINES
    return [f"    {_line(line)}".rstrip() for line in lines[:LINES]] + (
        [f"    and {left} more lines"] if left > 0 else []
    )


def _line(text: str) -> str:
    text = " ".join(FOLDERS.sub("...", text).split())
    return text if len(text) <= COLUMNS else text[: COLUMNS - 1] + "…"
