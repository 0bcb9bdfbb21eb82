"""How often statements are planned, against how often they are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.analysis.text import percent

CALLS, PLANS = "calls of ", "plans of "
BUSIEST = "calls of the busiest"


@dataclass(frozen=True, slots=True)
class Called:
    """A statement over a window."""

    id: str
    query: str
    calls: float
    plans: float

    @property
    def planned(self) -> float:
        """Share of its calls for which the server made a plan; at most 1."""
        return min(1.0, self.plans / self.calls)

    @property
    def item(self) -> str:
        """What names it in audit.yaml."""
        return f"statement-{self.id}"

    def __str__(self) -> str:
        return f"{self.plans:g} plans for {self.calls:g} calls ({percent(self.planned)}): {self.query}"


def reading(rows: Iterable[Any], begun: Mapping[str, float]) -> dict[str, float]:
    """Counters for a window, with `BUSIEST`: how often the statement was called since, that was called most.

    Args:
        rows: With ``id``, ``calls`` and ``plans``, all since some time before.
        begun: An earlier reading, or nothing.
    """
    found: dict[str, float] = {}
    for row in rows:
        found[f"{CALLS}{row.id}"] = float(row.calls)
        found[f"{PLANS}{row.id}"] = float(row.plans)
    since = (value - begun.get(name, 0.0) for name, value in found.items() if name.startswith(CALLS))
    return {BUSIEST: max(since, default=0.0) if begun else 0.0, **found}


def hot(rises: Mapping[str, float], share: float, texts: Mapping[str, str]) -> list[Called]:
    """The statements that are called most, those called more first.

    Args:
        rises: How much each counter of `reading` rose.
        share: Of the busiest one's calls, from which a statement is hot.
        texts: Statement -> its text.
    """
    found = [
        Called(name, texts[name], calls, rises.get(f"{PLANS}{name}", 0.0))
        for name in texts
        if (calls := rises.get(f"{CALLS}{name}", 0.0)) >= max(share * rises[BUSIEST], 1)
    ]
    return sorted(found, key=lambda called: (-called.calls, called.id))
