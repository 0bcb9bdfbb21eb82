"""What one environment of a merge was in it by itself. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from pytest_backend_audit.limits import limit_of
from pytest_backend_audit.model import FiledCard, FiledCheck, Outcome
from pytest_backend_audit.totals import total


def alone(card: FiledCard, names: Collection[str]) -> FiledCard:
    """A merge as one of its environments was by itself; any other audit as it is.

    Args:
        card: The audit.
        names: Of the environment, now and before.
    """
    levels = next((levels for name, levels in card.alone.items() if name in names), None)
    if levels is None:
        return card
    place = next(name for name in card.alone if name in names)
    own = tuple(
        replace(d, level=min(d.level, levels[d.id]), would_be=levels[d.id]) for d in card.dimensions if d.id in levels
    )
    whole = card.total is not None and len(own) == len(card.dimensions)
    reached = total({d.id: d.level for d in own}, {d.id: d.weight for d in own}) if whole else None
    there = (c for c in card.checks if not c.alone or place in c.alone)
    checks = tuple(_check_alone(c, place) for c in there)
    mended = {c.id for c in checks if c.outcome is Outcome.PASSED}
    findings = tuple(f for f in card.findings if f.check not in mended)
    return replace(
        card,
        alone={},
        environment=place,
        dimensions=own,
        total=reached,
        minimum=min((d.level for d in own), default=None) if whole else None,
        # A merge's own is no part's.
        disposition="",
        disposition_name="",
        actions=(),
        overrides=(),
        checks=checks,
        findings=findings,
    )


def _check_alone(check: FiledCheck, place: str) -> FiledCheck:
    """A check as it was in one environment; a failure that stands there still does."""
    if not check.alone:
        return check
    outcome, stands = check.alone[place], check.stood.get(place)
    limit = limit_of(outcome, check.level)
    carried = check.carried and stands is not None
    return replace(
        check,
        outcome=outcome,
        limit=min(limit, stands.limit) if carried and stands is not None else limit,
        carried=carried,
        stands=stands,
        alone={},
        stood={},
    )


__all__ = ["alone"]
