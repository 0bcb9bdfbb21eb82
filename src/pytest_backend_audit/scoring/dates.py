"""Days and months, counted from the instant of the audit."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta


def moment(text: str) -> datetime:
    """The instant that an RFC 3339 text or a plain date names; a plain date is its first moment in UTC.

    Raises:
        ValueError: The text is neither.
    """
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def day(text: str) -> date:
    """The day, in UTC, that an RFC 3339 text or a plain date falls on."""
    return moment(text).date()


def later(start: date, *, days: int | None, months: int | None) -> date:
    """`start` moved by months, then by days; the end of a short month stands in for a day that it lacks."""
    if months:
        years, month = divmod(start.month - 1 + months, 12)
        year = start.year + years
        last = calendar.monthrange(year, month + 1)[1]
        start = date(year, month + 1, min(start.day, last))
    return start + timedelta(days=days or 0)
