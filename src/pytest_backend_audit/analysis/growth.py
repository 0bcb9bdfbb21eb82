"""Whether a request makes more statements when more rows come back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_backend_audit.analysis.attribution import WIDTH, Part

CERTAIN_GROWTH = 0.5
"""Statements per request, more of which are no chance of a mean: nobody sends half a statement."""
UNSEEN_GROWTH = 3.0
"""Statements per request that others' traffic may hide: loading rows one by one makes many more than that."""


@dataclass(frozen=True, slots=True)
class Growth:
    """One statement at two page sizes."""

    small: Part
    """What the requests for the smaller page cost of it."""
    large: Part
    times: int
    """How many requests there were for either."""

    @property
    def least(self) -> float:
        """It grew by that much per request at least."""
        return (self.large.least - self.small.most) / self.times

    @property
    def most(self) -> float:
        """It grew by that much per request at most."""
        return (self.large.most - self.small.least) / self.times

    def __str__(self) -> str:
        before, after = (max(0.0, p.calls - p.others) / self.times for p in (self.small, self.large))
        return f"{before:.1f}, then {after:.1f} x {' '.join(self.large.name.split())[:WIDTH]}"


def growths(small: Iterable[Part], large: Iterable[Part], times: int) -> list[Growth]:
    """Each statement at both page sizes, that which grew most first.

    Args:
        small: What the requests for the smaller page cost.
        large: What those for the larger one did.
        times: How many of each there were.
    """
    before = {part.name: part for part in small}
    found = [Growth(before.get(part.name, Part(part.name, 0, 0.0, 0.0)), part, times) for part in large]
    return sorted(found, key=lambda growth: (-growth.most, growth.large.name))


def grown(found: Iterable[Growth]) -> list[Growth]:
    """Statements that certainly came more often."""
    return [growth for growth in found if growth.least > CERTAIN_GROWTH]


def hidden(found: Iterable[Growth]) -> list[Growth]:
    """Statements of which nobody can say whether they came more often, since others send as many."""
    return [growth for growth in found if growth.least <= CERTAIN_GROWTH and growth.most > UNSEEN_GROWTH]
