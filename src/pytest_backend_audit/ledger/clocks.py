"""By how much clocks of two machines may differ. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

CLOCKS = timedelta(minutes=10)
"""By which clocks of two machines may differ."""


def with_clocks(instant: str) -> str:
    """An instant, and by what clocks of two machines may differ, as events have it."""
    later = datetime.fromisoformat(instant) + CLOCKS
    return later.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


__all__ = ["CLOCKS", "with_clocks"]
