"""Incidents as several sources tell them: which of two reports of one incident is the graver. Pure."""

from __future__ import annotations

from collections.abc import Iterable
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


def joined(incidents: Iterable[Incident]) -> tuple[tuple[Incident, ...], tuple[str, ...]]:
    """Each incident once, the graver report of it where there are several; and a sentence for each of those."""
    found: dict[str, Incident] = {}
    origins: dict[str, list[str]] = {}
    for one in incidents:
        found[one.id] = graver(found[one.id], one) if one.id in found else one
        origins.setdefault(one.id, []).append(one.origin)
    doubles = tuple(
        f"incident {id_} is told {len(places)} times ({', '.join(places)}); what counts: {words(found[id_])}"
        for id_, places in origins.items()
        if len(places) > 1
    )
    return tuple(found.values()), doubles


def words(incident: Incident) -> str:
    """Severity, time and dimensions."""
    resolved = f"resolved {incident.resolved}" if incident.resolved else "open"
    return ", ".join((incident.severity, f"opened {incident.opened}", resolved, *sorted(incident.dimensions)))
