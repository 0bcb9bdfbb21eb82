"""Numbers of findings, as a sentence names them."""

from __future__ import annotations

from collections.abc import Sequence

_NAMED = 5
"""Findings that one line names."""


def named(numbers: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = len(numbers) - _NAMED
    return ", ".join(numbers[:_NAMED]) + (f" and {more} more" if more > 0 else "")


__all__ = ["named"]
