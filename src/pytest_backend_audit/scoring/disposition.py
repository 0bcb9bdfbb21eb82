"""The total, and the row of the disposition matrix that a card falls in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import floor

from pytest_backend_audit.model import Action
from pytest_backend_audit.scoring.dates import later
from pytest_backend_audit.standard.model import Disposition

_PLAIN = re.compile(r"[0-9]{1,3}(\.[0-9]{1,12})?")
"""A weight as audit.yaml has it."""


def total(levels: Mapping[str, int], weights: Mapping[str, str]) -> int:
    """The weighted total, on exact rationals: floor(n x sum(w x level) / sum(w)) for n dimensions.

    Args:
        levels: Dimension -> level.
        weights: Dimension -> weight as it is written; 1 for those that are not named.

    Raises:
        ValueError: A weight is not a number above 0 and up to 100.
    """
    exact = {id_: weight(weights.get(id_, "1"), id_) for id_ in levels}
    weighted = sum((exact[id_] * level for id_, level in levels.items()), Fraction(0))
    return floor(len(levels) * weighted / sum(exact.values(), Fraction(0))) if levels else 0


def weight(text: str, dimension: str) -> Fraction:
    """The number that a weight's text stands for.

    Raises:
        ValueError: It is not a number above 0 and up to 100.
    """
    # An exponent could make a number that nobody has the memory for.
    number = Fraction(text) if _PLAIN.fullmatch(text) else Fraction(0)
    if not 0 < number <= 100:
        raise ValueError(f"weights: {dimension}: {text!r} is not a number above 0 and up to 100")
    return number


def row(matrix: Sequence[Disposition], points: int, minimum: int) -> int | None:
    """Index of the first row, from the top, whose floor and minimum are both met; None if there is none."""
    for index, entry in enumerate(matrix):
        if (entry.floor is None or points >= entry.floor) and (entry.minimum is None or minimum >= entry.minimum):
            return index
    return None


def actions(entry: Disposition, today: date) -> tuple[Action, ...]:
    """The required actions with their dates, counted from the day of the audit; empty for those that are due now."""
    return tuple(
        Action(a.text, later(today, days=a.days, months=a.months).isoformat() if a.days or a.months else "")
        for a in entry.actions
    )
