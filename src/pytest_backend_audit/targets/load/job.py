"""What a generator is asked to do, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_backend_audit.analysis.load import LoadResult

PATTERN = 100
"""Longest sequence in which several requests take their turns: shares are kept to a percent."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as it goes over the wire."""

    method: str
    url: str
    target: str
    """Path and query."""
    host: str
    port: int
    tls: bool
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def key(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    @property
    def name(self) -> str:
        """Method and path, for people; a query may hold anything, and is left out."""
        return f"{self.method} {self.target.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Job:
    """Requests, and how often."""

    requests: tuple[Prepared, ...]
    pattern: tuple[int, ...]
    """Places in `requests`, in the order in which they are sent, again and again."""
    rate: float
    """A second; 0 for all at once."""
    count: int
    timeout: float
    """Seconds from when a request is due until it is given up."""
    connections: int
    ca_file: str | None = None

    @property
    def seconds(self) -> float:
        """How long the sending takes."""
        return self.count / self.rate if self.rate else 0.0

    @property
    def longest(self) -> float:
        """Seconds after which it is over, whatever happens."""
        return self.seconds + 2 * self.timeout + 10

    @property
    def suits_vegeta(self) -> bool:
        """Whether vegeta can do it: it takes several targets only in turn, and bodies are not worth the trouble."""
        return bool(self.rate) and len(self.requests) == 1

    def method(self, generator: str) -> str:
        """How it was done, in one line."""
        names = ", ".join(dict.fromkeys(r.name for r in self.requests))
        if not self.rate:
            return f"{self.count} requests at once, each on its own connection: {names} ({generator})"
        return f"{self.rate:g} requests/s for {self.seconds:g} s, at a constant rate: {names} ({generator})"


class Running(Protocol):
    """A generator at work."""

    def result(self, *, stop: bool) -> LoadResult:
        """Wait for its end.

        Args:
            stop: Whether to end it now; what is under way still gets its answer.

        Raises:
            CouldNotRun: It did not do its work.
        """
        ...


def pattern_of(shares: Sequence[float]) -> tuple[int, ...]:
    """The order in which requests with these shares take turns, spread as evenly as whole numbers allow.

    Args:
        shares: Relative to each other.

    Raises:
        ValueError: One is not above 0.
    """
    if any(not share > 0 for share in shares):
        raise ValueError(f"a share is above 0: {', '.join(f'{s:g}' for s in shares)}")
    if len(set(shares)) == 1:
        return tuple(range(len(shares)))
    total = sum(shares)
    credit = [0.0] * len(shares)
    order = []
    for _ in range(PATTERN):
        credit = [c + s / total for c, s in zip(credit, shares, strict=True)]
        chosen = max(range(len(credit)), key=credit.__getitem__)
        credit[chosen] -= 1
        order.append(chosen)
    return tuple(order)
