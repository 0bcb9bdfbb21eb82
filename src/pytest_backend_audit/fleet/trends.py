"""How a fleet stood at the end of each quarter."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

SHOWN = 12
"""Quarters, the latest ones: three years."""


@dataclass(frozen=True, slots=True)
class Period:
    """A quarter; of the last, as much as was over on the day that is asked about."""

    name: str
    """Such as 2026-Q3."""
    audits: int
    """Made in it."""
    services: int
    """That had an audit by its end."""
    mean: float
    """Mean level at its end: of all dimensions of all services, each by its latest audit until then."""


def quarter(day: date) -> tuple[int, int]:
    """Year, and quarter 0 to 3."""
    return day.year, (day.month - 1) // 3


def periods(histories: Sequence[Sequence[tuple[date, tuple[int, int]]]], as_of: date) -> tuple[Period, ...]:
    """The quarters from the first audit up to a day, oldest first.

    Args:
        histories: A service's audits each, oldest first: the day, its levels added up, and their number.
        as_of: The last day.
    """
    days = [history[0][0] for history in histories if history]
    if not days:
        return ()
    made: list[Period] = []
    current = quarter(as_of)
    while len(made) < SHOWN and current >= quarter(min(days)):
        made.append(_period(histories, current, min(_last_day(current), as_of)))
        year, place = current
        current = (year, place - 1) if place else (year - 1, 3)
    return tuple(reversed(made))


def _period(histories: Sequence[Sequence[tuple[date, tuple[int, int]]]], current: tuple[int, int], end: date) -> Period:
    levels = of = audits = services = 0
    for history in histories:
        until = [(day, counts) for day, counts in history if day <= end]
        if until:
            services += 1
            levels += until[-1][1][0]
            of += until[-1][1][1]
            audits += sum(quarter(day) == current for day, _ in until)
    year, place = current
    return Period(f"{year}-Q{place + 1}", audits, services, round(levels / of, 2) if of else 0.0)


def _last_day(current: tuple[int, int]) -> date:
    year, month = current[0], 3 * current[1] + 3
    return date(year, month, calendar.monthrange(year, month)[1])
