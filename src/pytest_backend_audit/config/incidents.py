"""Incidents as several sources tell them: which of two reports of one incident is the graver. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pytest_backend_audit.model import Incident

_DAY = len("2026-01-31")


def begins(text: str) -> datetime:
    """The instant, or the first moment of the day in UTC, that the text names."""
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def ends(text: str) -> datetime:
    """The instant, or the last moment of the day in UTC, that the text names."""
    return begins(text) + timedelta(days=1, microseconds=-1) if len(text) == _DAY else begins(text)


def graver(one: Incident, other: Incident) -> Incident:
    """What counts of two reports of one incident: the worse severity, the longer time, the dimensions of both."""
    resolved = [r for r in (one.resolved, other.resolved) if r]
    return Incident(
        id=one.id,
        severity=min(one.severity, other.severity),
        opened=min(one.opened, other.opened, key=lambda t: (begins(t), t)),
        resolved=max(resolved, key=lambda t: (ends(t), t)) if len(resolved) == 2 else None,
        dimensions=tuple(sorted({*one.dimensions, *other.dimensions})),
        reference=one.reference or other.reference,
        origin=one.origin,
    )
