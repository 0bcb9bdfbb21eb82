"""What a run under load says: exact percentiles, shares, concurrency, and whether the generator kept its own word.

Latency counts from the instant at which a request was due, not from when it could be sent: a service that stalls must
not slow down the ones that measure it (coordinated omission). A request that was never answered counts as infinitely
late, so that no failure can make a percentile look better.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

NEVER = math.inf
"""Latency of a request that got no answer."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. Instants are seconds since the run began."""

    due: float
    """When it was to be sent."""
    fired: float
    """When the generator got to it: later than `due` only if the generator's machine was busy."""
    sent: float
    """When it was on its way, once a connection was there."""
    done: float
    """When its answer was complete, or it was given up."""
    status: int = 0
    """HTTP status; 0 without an answer."""
    error: str = ""
    """Why there was no answer."""
    kind: int = 0
    """Which of the run's requests it was, counted from 0."""

    @property
    def latency(self) -> float:
        """Seconds from when it was due to its answer; `NEVER` without one."""
        return self.done - self.due if self.status else NEVER


@dataclass(frozen=True)
class LoadResult:
    """What a run or a burst showed. All times in seconds."""

    method: str
    """How it was made, in one line: generator, requests, rate, duration."""
    rate: float
    """Requests a second that were asked for; 0 for a burst."""
    samples: tuple[Sample, ...]
    """Every request, in the order in which they were due."""
    cut: int = 0
    """Requests that were not sent, since the run was ended early."""

    @property
    def sent(self) -> int:
        """Requests that were sent."""
        return len(self.samples)

    @cached_property
    def answered(self) -> int:
        """Requests that got an answer, whatever its status."""
        return sum(1 for s in self.samples if s.status)

    @cached_property
    def errors(self) -> Mapping[str, int]:
        """Why requests got no answer -> how many."""
        return dict(Counter(s.error for s in self.samples if not s.status))

    @cached_property
    def statuses(self) -> Mapping[int, int]:
        """HTTP status -> answers."""
        return dict(sorted(Counter(s.status for s in self.samples if s.status).items()))

    def latencies(self, statuses: Collection[int] | None = None) -> list[float]:
        """Latencies in ascending order; of answers with these statuses only, if given."""
        return sorted(s.latency for s in self.samples if statuses is None or s.status in statuses)

    @cached_property
    def _latencies(self) -> list[float]:
        return self.latencies()

    def percentile(self, q: float) -> float:
        """The latency that `q` percent of all requests did not exceed (nearest rank: a latency that occurred).

        Raises:
            ValueError: Nothing was sent, or `q` is not above 0 and at most 100.
        """
        return percentile(self._latencies, q)

    @property
    def p50(self) -> float:
        """Median latency."""
        return self.percentile(50)

    @property
    def p90(self) -> float:
        """90th percentile."""
        return self.percentile(90)

    @property
    def p95(self) -> float:
        """95th percentile."""
        return self.percentile(95)

    @property
    def p99(self) -> float:
        """99th percentile."""
        return self.percentile(99)

    @cached_property
    def availability(self) -> float:
        """Share of requests that were answered with a status below 500."""
        return sum(1 for s in self.samples if 0 < s.status < 500) / len(self.samples) if self.samples else 0.0

    @cached_property
    def concurrency(self) -> int:
        """Most requests that were under way at the same time."""
        return concurrency((s.sent, s.done) for s in self.samples)

    @cached_property
    def achieved(self) -> float:
        """Requests a second that the generator fired: what `rate` became on this machine."""
        fired = [s.fired for s in self.samples]
        return rate_of(fired) if len(fired) > 1 else self.rate

    def late_by(self, q: float) -> float:
        """How late the generator itself was, as a percentile: of any latency, this much is not the service's."""
        return percentile(sorted(s.fired - s.due for s in self.samples), q) if self.samples else 0.0

    def of(self, kind: int) -> LoadResult:
        """The part of it that is about one of several requests, by its place in the list that was given."""
        mine = tuple(s for s in self.samples if s.kind == kind)
        share = len(mine) / len(self.samples) if self.samples else 0.0
        return LoadResult(self.method, self.rate * share, mine)

    def lines(self) -> list[str]:
        """The result for people."""
        if not self.samples:
            return ["nothing was sent"]
        shown = "  ".join(f"p{q} {milliseconds(self.percentile(q))}" for q in (50, 90, 95, 99))
        found = [
            f"sent {self.sent}, answered {self.answered}, at most {self.concurrency} at once"
            + (f", {self.cut} not sent any more" if self.cut else ""),
            f"latency from when each was due: {shown}  max {milliseconds(self._latencies[-1])}",
            "statuses: " + (", ".join(f"{k}: {v}" for k, v in self.statuses.items()) or "none"),
        ]
        if self.errors:
            found.append("no answer: " + ", ".join(f"{k}: {v}" for k, v in sorted(self.errors.items())))
        if self.rate:
            late = milliseconds(max(0.0, self.late_by(99)))
            found.append(f"rate asked {self.rate:g}/s, fired {self.achieved:.1f}/s, the generator late by p99 {late}")
        return found


def percentile(ascending: Sequence[float], q: float) -> float:
    """Nearest-rank percentile.

    Args:
        ascending: The values, sorted.
        q: Above 0 and at most 100.

    Raises:
        ValueError: There are no values, or `q` is out of range.
    """
    if not ascending:
        raise ValueError("no values, hence no percentile")
    if not 0 < q <= 100:
        raise ValueError(f"a percentile lies above 0 and is at most 100, not {q:g}")
    # Rounded first: 99 % of 100 is 99, and not the hundredth value because a product came out as 99.00000000000001.
    return ascending[max(0, math.ceil(round(q * len(ascending) / 100, 9)) - 1)]


def concurrency(intervals: Iterable[tuple[float, float]]) -> int:
    """Most intervals that overlap; one that ends where another begins does not overlap it."""
    edges = sorted(edge for begin, end in intervals if end > begin for edge in ((begin, 1), (end, -1)))
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def rate_of(instants: Sequence[float]) -> float:
    """Events a second, from the first to the last of two or more; 0 if they are all at one instant."""
    span = max(instants) - min(instants)
    return (len(instants) - 1) / span if span > 0 else 0.0


def milliseconds(seconds: float) -> str:
    """A latency for people: ``12.3 ms``, or ``never``."""
    return "never" if math.isinf(seconds) else f"{1000 * seconds:.1f} ms"
