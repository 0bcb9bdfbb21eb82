"""The row of the disposition matrix that a card falls in, and what it requires."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from pytest_backend_audit.model import Action
from pytest_backend_audit.scoring.dates import later
from pytest_backend_audit.standard.model import Disposition


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
