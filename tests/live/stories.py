"""The stories that the docs tell of the demo, each some minutes long, and which of them a run reads."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import turns
from live.pages import Block, blocks

DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Story:
    """A page that begins with the demo that was left running."""

    page: str
    outputs: int
    """How many it shows from there on."""

    def __str__(self) -> str:
        return self.page.removesuffix(".md")

    def begun(self) -> tuple[Block, list[Block]]:
        """What the demo says when it waits, and all that follows."""
        found = blocks(DOCS / self.page)
        at = next(number for number, block in enumerate(found) if block.text.startswith("the service: "))
        return found[at], found[at + 1 :]


# The last one mends what is wrong with the service.
STORIES = (Story("tutorial-pipeline.md", 6), Story("tutorial.md", 7), Story("tutorial-release.md", 15))


def told(changed: Collection[str], turn: int) -> tuple[Story, ...]:
    """Those whose page has changed, and of the others the one whose turn it is.

    Args:
        changed: Files, as git names them.
        turn: Counted up from one run to the next.
    """
    own = {f"docs/{story.page}" for story in STORIES} & set(changed)
    return tuple(s for n, s in enumerate(STORIES) if f"docs/{s.page}" in own or n == turn % len(STORIES))


def chosen() -> tuple[Story, ...]:
    """By the variable STORIES: ``all`` (the default) or ``share``."""
    turn = turns.turn()
    return STORIES if os.environ.get("STORIES", "all") == "all" or turn is None else told(turns.changed(), turn)
