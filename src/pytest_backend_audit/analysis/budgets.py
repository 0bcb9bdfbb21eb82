"""Whether requests kept to the number of statements that their route may cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import sqrt

from pytest_backend_audit.analysis.attribution import Part, summed

CERTAIN_EXCESS = 0.5
"""Statements per request above the budget that are no chance: nobody sends half a statement."""
CONFIRMED = 2
"""Rounds that have to be over a route's budget, each by itself, before the route is said to be."""
PROBABLE = 2.0
"""Standard deviations of chance within which a route keeps to its budget: one in forty that costs a statement more than
it, and no more than that, is let pass where others send much."""


@dataclass
class Spending:
    """What requests to one route have cost so far."""

    budget: int
    sent: list[int] = field(default_factory=list)
    """Requests of each round."""
    rounds: list[Sequence[Part]] = field(default_factory=list)

    def add(self, requests: int, found: Sequence[Part]) -> None:
        """Take in a round of requests, with what they cost."""
        self.sent.append(requests)
        self.rounds.append(found)

    @property
    def requests(self) -> int:
        """Of all rounds."""
        return sum(self.sent)

    @property
    def whole(self) -> Part:
        """All statements as one."""
        found = [part for one in self.rounds for part in one]
        return Part(
            "all",
            sum(part.calls for part in found),
            sum(part.others for part in found),
            sqrt(sum(part.spread**2 for part in found)),
        )

    @property
    def seen(self) -> bool:
        """Whether they cost a statement at all, for all that is known."""
        return any(part.seen(self.requests) for part in summed(self.rounds))

    @property
    def over(self) -> bool:
        """Whether they certainly cost more than their budget: by a statement each, and in a second round still.

        What others send comes in clumps, a request's statements together: the chances of a round's statements add up as
        they are, not as their squares do. And a clump that falls into one round of a few milliseconds doesn't fall into
        a second one.
        """
        whole = self.whole
        enough = whole.calls - whole.others > (self.budget + CERTAIN_EXCESS) * self.requests
        together = sqrt(sum(sum(part.spread for part in one) ** 2 for one in self.rounds))
        certain = replace(whole, spread=together).least > self.budget * self.requests
        return self._rounds_over >= CONFIRMED and enough and certain and not self.within

    @property
    def _rounds_over(self) -> int:
        """Rounds that cost too much each by itself."""
        most = [(self.budget + CERTAIN_EXCESS) * requests for requests in self.sent]
        cost = [sum(part.calls - part.others for part in one) for one in self.rounds]
        return sum(c > m for c, m in zip(cost, most, strict=True))

    @property
    def within(self) -> bool:
        """Whether they hardly can have cost a statement more than their budget each."""
        whole = self.whole
        most = min(float(whole.calls), whole.calls - whole.others + PROBABLE * whole.spread)
        return self.requests > 0 and most < (self.budget + 1) * self.requests

    def __str__(self) -> str:
        each = max(0.0, self.whole.calls - self.whole.others) / self.requests if self.requests else 0.0
        told = "; ".join(map(str, _mostly_ours(summed(self.rounds))[:5]))
        return (
            f"{each:.1f} statements a request, its budget is {self.budget}: "
            f"in {self.requests} requests {told or 'none'}"
        )


def _mostly_ours(found: Iterable[Part]) -> list[Part]:
    return [part for part in found if part.calls - part.others > part.others]
