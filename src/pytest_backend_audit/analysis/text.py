"""Words for messages."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 10
"""Items that a message spells out."""


def listed(items: Iterable[object], shown: int = SHOWN) -> str:
    """The items with commas, and how many are left out: ``a, b and 3 more``."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - shown} more" if len(texts) > shown else ""
    return ", ".join(texts[:shown]) + more


def lines(items: Iterable[object], shown: int = SHOWN) -> str:
    """The items on lines of their own below a sentence, and how many are left out."""
    texts = [str(item) for item in items]
    more = [f"... and {len(texts) - shown} more"] if len(texts) > shown else []
    return "".join(f"\n- {text}" for text in [*texts[:shown], *more])


def percent(share: float) -> str:
    """A share as a percentage with one digit, cut, so that what is below a limit never reads as the limit."""
    return f"{int(share * 1000) / 10:g} %"
