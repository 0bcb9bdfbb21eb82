"""How often statements are planned, against how often they are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.analysis.text import percent

CALLS, PLANS = "calls of ", "plans of "
BUSIEST = "calls of the busiest"
COUNT = "ALTER SYSTEM SET pg_stat_statements.track_planning = on; SELECT pg_reload_conf();"
"""What has the server count plans for everybody."""
_NOT_EVERYBODYS = {"user", "database user", "client", "session"}
"""Values of pg_settings.source for what holds for the audit's own role or session."""


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


def uncounted(row: Any | None) -> str:
    """Why plans are not counted for everybody; empty if they are.

    Args:
        row: pg_stat_statements.track_planning in pg_settings, with ``setting`` and ``source``.
    """
    if row is None or row.setting != "on":
        return f"how often statements are planned is not counted: {COUNT}"
    if row.source in _NOT_EVERYBODYS:
        return f"plans are counted for the audit's own role or session, others' are not known to be: {COUNT}"
    return ""


def never_planned(rows: Iterable[Any]) -> bool:
    """Whether no plan of any statement was ever counted, though each has to be planned once.

    Args:
        rows: As for `reading`.
    """
    return not any(row.plans for row in rows)
