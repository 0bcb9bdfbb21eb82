"""Which of a server's counts belong to requests of the audit's own, and which to everybody else's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import floor, sqrt

CERTAIN = 3.0
"""Standard deviations of chance from which on it is none: one window in some 700 would show that much by itself."""
SLACK = 0.25
"""Of a statement a request, by which it may be less certain that each sent one: chance blurs small numbers most."""
WIDTH = 160
"""Characters of a statement that a message shows."""
_COMMENT = re.compile(r"\s*/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Counts:
    """What a server counted over a while."""

    by_name: Mapping[str, int]
    """Statement, or another thing that is counted -> how often it came."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Part:
    """How much of one count is ours."""

    name: str
    calls: int
    """How often it came while our requests ran, of whomever: ours are that many at most."""
    others: float
    """How often it would have come without us, by what was counted beside our requests."""
    spread: float
    """How far what others really sent may be from that by chance: one standard deviation."""

    @property
    def least(self) -> float:
        """Ours are that many at least, chance left aside."""
        return max(0.0, self.calls - self.others - CERTAIN * self.spread)

    @property
    def most(self) -> float:
        """Ours are that many at most, chance left aside."""
        return min(float(self.calls), max(0.0, self.calls - self.others + CERTAIN * self.spread))

    def seen(self, requests: int) -> bool:
        """Whether requests of ours cost it at all, for all that is known.

        More came than chance brings of others, or others send nothing of the kind; or as many as half of the requests
        can have cost one, and others hide it.
        """
        return self.least > 0 or (self.calls > 0 and not self.others) or 0 < requests <= 2 * self.most

    def __str__(self) -> str:
        beside = f" (others send {self.others:.1f} in that time)" if self.others >= 0.05 else ""
        return f"{self.calls} x {' '.join(self.name.split())[:WIDTH]}{beside}"


def parts(ours: Counts, beside: Counts) -> list[Part]:
    """Our part of each count, the largest first. What differs in a comment only, such as a request's id, is the same.

    What others do comes by chance, as if it followed Poisson's law: the number expected of them varies by its root,
    and so does the one that the expectation was taken from.

    Args:
        ours: What was counted while our requests ran, beside the usual traffic.
        beside: What was counted of the usual traffic alone.
    """
    ratio = ours.seconds / beside.seconds if beside.seconds else 0.0
    found = []
    usual = _bare(beside.by_name)
    for name, calls in _bare(ours.by_name).items():
        others = usual[name] * ratio
        found.append(Part(name, calls, others, sqrt((1 + ratio) * max(others, ratio))))
    return sorted(found, key=lambda part: (-part.calls, part.name))


def per_request(found: Iterable[Part], requests: int) -> dict[str, int]:
    """How often each of our requests sent each statement, where all of them certainly did.

    Args:
        found: Our part of what came while they were made.
        requests: How many there were.
    """
    return {part.name: often for part in found if (often := floor(part.least / requests + SLACK))}


def loads(found: Iterable[Part], always: Mapping[str, int], requests: int) -> list[Part]:
    """The parts of some requests, less what each of them sends anyway.

    Args:
        found: Our part of what came while they were made.
        always: How often each sends a statement, as `per_request` tells.
        requests: How many there were.
    """
    left = [replace(part, calls=max(0, part.calls - always.get(part.name, 0) * requests)) for part in found]
    return sorted(left, key=lambda part: (-part.calls, part.name))


def by_each(found: Iterable[Part], requests: int) -> bool:
    """Whether each of our requests may have sent one and the same statement: if not, some asked the database nothing.

    Args:
        found: Our part of what came while they were made.
        requests: How many there were.
    """
    return any(part.most >= requests for part in found)


def too_many(found: Iterable[Part], limit: float) -> list[Part]:
    """Counts that our requests have certainly brought over a limit, whatever others did."""
    return [part for part in found if part.least > limit]


def confirmed(rounds: Sequence[Sequence[Part]], limit: float) -> list[Part]:
    """Counts of the last round that are certainly over a limit, and were so in an earlier round.

    What others send comes in clumps, as when they load rows one by one: one that falls into a round and not beside it
    is more than chance by Poisson's law, and hardly does so twice.
    """
    earlier = {part.name for one in rounds[:-1] for part in too_many(one, limit)}
    return [part for part in too_many(rounds[-1], limit) if part.name in earlier]


def persistent(rounds: Sequence[Sequence[Part]], limit: float) -> list[Part]:
    """Counts that are certainly over a limit in two rounds or more taken together, and in each by what is expected.

    A clump of others' in one of the rounds would else make the others' look as if they were over it, too.
    """
    each = [{part.name for part in one if part.calls - part.others > limit} for one in rounds]
    over = too_many(summed(rounds), limit * len(rounds)) if len(rounds) > 1 else []
    return [part for part in over if all(part.name in names for names in each)]


def undecided(found: Iterable[Part], limit: float) -> list[Part]:
    """Counts over a limit of which nobody can say whether ours or others' brought them there."""
    return [part for part in found if part.least <= limit < part.calls]


def blurred(found: Iterable[Part], limit: float, blur: float) -> list[Part]:
    """Counts over a limit of which ours may be more than that by more than a blur, though it isn't certain."""
    return [part for part in undecided(found, limit) if part.most > limit + blur]


def summed(rounds: Iterable[Iterable[Part]]) -> list[Part]:
    """The parts of several rounds taken together: what chance does to each grows less than they do."""
    together: dict[str, Part] = {}
    for part in (part for one in rounds for part in one):
        so_far = together.get(part.name, Part(part.name, 0, 0.0, 0.0))
        together[part.name] = Part(
            part.name,
            so_far.calls + part.calls,
            so_far.others + part.others,
            sqrt(so_far.spread**2 + part.spread**2),
        )
    return sorted(together.values(), key=lambda part: (-part.calls, part.name))


def _bare(counted: Mapping[str, int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, calls in counted.items():
        found[_COMMENT.sub("", name)] += calls
    return found
