"""How a fleet stood at the end of each quarter."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from pytest_backend_audit.fleet.histories import latest
from pytest_backend_audit.fleet.places import Key

SHOWN = 12
"""Quarters, the latest ones: three years."""


class Moment(NamedTuple):
    """What an audit adds to its service's past."""

    day: date
    places: Mapping[Key, datetime]
    """Its environments, each with when it was audited."""
    levels: int
    """Added up."""
    of: int
    """How many they are."""


@dataclass(frozen=True, slots=True)
class Period:
    """A quarter; of the last, as much as was over on the day that is asked about."""

    name: str
    """Such as 2026-Q3."""
    audits: int
    """Made in it."""
    services: int
    """That had an audit by its end, each in as many environments as it has rows."""
    mean: float
    """Mean level at its end: of all dimensions of all services, each by its latest audit until then."""


def quarter(day: date) -> tuple[int, int]:
    """Year, and quarter 0 to 3."""
    return day.year, (day.month - 1) // 3


def periods(services: Sequence[Sequence[Moment]], as_of: date) -> tuple[Period, ...]:
    """The quarters from the first audit up to a day, oldest first.

    Args:
        services: The audits of each service, in their order.
        as_of: The last day.
    """
    days = [moment.day for moments in services for moment in moments]
    if not days:
        return ()
    made: list[Period] = []
    current = quarter(as_of)
    while len(made) < SHOWN and current >= quarter(min(days)):
        made.append(_period(services, current, min(_last_day(current), as_of)))
        year, place = current
        current = (year, place - 1) if place else (year - 1, 3)
    return tuple(reversed(made))


def _period(services: Sequence[Sequence[Moment]], current: tuple[int, int], end: date) -> Period:
    levels = of = audits = counted = 0
    for moments in services:
        until = [moment for moment in moments if moment.day <= end]
        for moment in _standing(until):
            counted += 1
            levels += moment.levels
            of += moment.of
        audits += sum(quarter(moment.day) == current for moment in until)
    year, place = current
    return Period(f"{year}-Q{place + 1}", audits, counted, round(levels / of, 2) if of else 0.0)


def _standing(moments: Sequence[Moment]) -> list[Moment]:
    """The audits that have the last word of some environment: of others later ones tell all that they do."""
    newest: dict[Key, datetime] = {}
    told: dict[Key, int] = {}
    for number, moment in enumerate(moments):
        told.update(dict.fromkeys(latest(newest, moment.places), number))
    return [moments[number] for number in sorted(set(told.values()))]


def _last_day(current: tuple[int, int]) -> date:
    year, month = current[0], 3 * current[1] + 3
    return date(year, month, calendar.monthrange(year, month)[1])
