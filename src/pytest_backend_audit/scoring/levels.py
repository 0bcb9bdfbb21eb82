"""From the limits and passes of a dimension to its level."""

from __future__ import annotations

from collections.abc import Collection


def proven(passed: Collection[int], weak: Collection[int] = ()) -> int:
    """The level that the passes of a dimension prove.

    Args:
        passed: Levels of its passed checks.
        weak: Levels of the checks that passed on evidence which is not accepted; they prove L2 at most.

    Returns:
        The highest level that has a pass, where a level from 4 up counts only if each level from 3 to it has one;
        passes from level 4 up alone prove 2; without any pass 1.
    """
    levels = set(passed)
    best = max((min(level, 2) for level in weak), default=1)
    best = max(best, max((level for level in levels if level <= 3), default=1))
    if any(level >= 4 for level in levels):
        best = max(best, 2)
    if 3 in levels:
        top = 3
        while top + 1 in levels:
            top += 1
        best = max(best, top)
    return best


def level(limit: int, proven_level: int, sought: int) -> int:
    """The level of a dimension, before the cap for a missing second reviewer."""
    return max(1, min(limit, proven_level, sought))


def recorded(would_be: int, reviewer_from: int, *, signed: bool) -> int:
    """The level that is written down: from `reviewer_from` on it takes a second reviewer's signature."""
    return would_be if signed or would_be < reviewer_from else max(1, reviewer_from - 1)
