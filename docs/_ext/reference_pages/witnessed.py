"""What the witnesses saw of a criterion: the message of each check that failed, and what passing rested on."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pytest_backend_audit.demo.companions import DEFECTS
from pytest_backend_audit.demo.defects import CATALOGUE

from .text import fenced

WIDTH = 96
"""Columns of a page's block that needs no scrolling."""
SEEN = Path(__file__).parents[3] / "tests" / "witnesses" / "seen.json"


@cache
def _record() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SEEN.read_text("utf-8"))
    return found


def sections(checks: str) -> Iterator[str]:
    """The page's last sections; none where nothing is on record yet.

    Args:
        checks: How the ids of the criterion's checks begin: ``caching.hit_rate::``.
    """
    green = {check: sight.get("said", "") for check, sight in _record()["green"].items() if check.startswith(checks)}
    red = {
        key: sight.get("said", "")
        for key, sight in _record()["red"].items()
        if key.partition(" ")[2].startswith(checks)
    }
    if failed := [part for key, said in red.items() if said for part in _failed(key, said)]:
        yield "## What a failure says"
        yield from failed
    if passed := [part for check, said in green.items() if said for part in _passed(check, said, len(green) > 1)]:
        yield "## What passing rests on"
        yield "On the sound reference service, shortened; the report holds the whole."
        yield from passed


def _failed(key: str, said: str) -> Iterator[str]:
    name = key.partition(" ")[0]
    if name in CATALOGUE:
        yield f"{CATALOGUE[name].wrong} (`backend-audit demo --defects {name}`)"
    else:
        yield f"{DEFECTS[name].wrong} (`scripts/witnesses {name}`)"
    lines = (textwrap.wrap(line, WIDTH, subsequent_indent="    ", break_long_words=False) for line in said.splitlines())
    yield fenced("\n".join("\n".join(wrapped) for wrapped in lines))


def _passed(check: str, said: str, several: bool) -> Iterator[str]:
    if several:
        yield f"`{check.partition('::')[2]}`:"
    yield fenced(said)
