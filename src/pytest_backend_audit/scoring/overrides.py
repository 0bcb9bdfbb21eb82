"""What downgrades a disposition by one tier, whatever the total says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from pytest_backend_audit.model import Incident
from pytest_backend_audit.scoring.dates import day, moment
from pytest_backend_audit.standard.model import Standard

BLOCKING = "blocking-l1"
VERBAL = "verbal-only"
P0 = "p0"

RECENT = timedelta(days=30)
HEALTHY_FROM = 4
"""A dimension at this level or above contradicts an open P0 (the standard's section 6)."""


def found(
    standard: Standard,
    levels: Mapping[str, int],
    verbal_only: Collection[str],
    incidents: Sequence[Incident] | None,
    instant: datetime,
) -> tuple[str, ...]:
    """Every override that applies, one sentence each. They count once, however many there are.

    Args:
        standard: Its overrides say which rules there are, its dimensions which of them block.
        levels: Dimension -> level before the reviewer's cap.
        verbal_only: Dimensions whose passes are all verbal.
        incidents: The incidents; None if they are not stated, which is no override.
        instant: The instant of the audit.
    """
    names = {d.id: f"{d.id} {d.name}" for d in standard.dimensions}
    rules = {key: wording.rstrip(".") for key, wording in standard.overrides.items()}
    lines: list[str] = []
    if BLOCKING in rules:
        low = [d.id for d in standard.dimensions if d.blocking and levels[d.id] == 1]
        lines += [f"{rules[BLOCKING]}: {names[id_]}" for id_ in low]
    if VERBAL in rules:
        told = [d.id for d in standard.dimensions if d.id in verbal_only]
        lines += [f"{rules[VERBAL]}: {names[id_]}" for id_ in told]
    if P0 in rules:
        healthy = {id_ for id_, level in levels.items() if level >= HEALTHY_FROM}
        lines += [f"{rules[P0]}: {line}" for line in _p0(incidents or (), healthy, names, levels, instant)]
    return tuple(lines)


def _p0(
    incidents: Iterable[Incident],
    healthy: Collection[str],
    names: Mapping[str, str],
    levels: Mapping[str, int],
    instant: datetime,
) -> Iterable[str]:
    for incident in incidents:
        if incident.severity.strip().casefold() != "p0" or not outstanding(incident, instant):
            continue
        age = instant.date() - day(incident.opened)
        since = "opened in the last 30 days" if age <= RECENT else "older than 30 days and still open"
        for id_ in incident.dimensions:
            if id_ in healthy:
                yield f"{incident.id} ({since}, {incident.opened}) in {names[id_]} at L{levels[id_]}"


def outstanding(incident: Incident, instant: datetime) -> bool:
    """Whether it had begun and was not resolved at the instant of the audit; a plain date covers its whole day."""
    if moment(incident.opened) > instant:
        return False
    if not incident.resolved:
        return True
    if len(incident.resolved) == len("2026-01-31"):
        return day(incident.resolved) > instant.date()
    return moment(incident.resolved) > instant
