"""What one environment of a merge was in it by itself. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from pytest_backend_audit.limits import limit_of
from pytest_backend_audit.model import DERIVED, FiledCard, FiledCheck, FiledFinding, Outcome, Severity
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
    findings = tuple(_finding_alone(f, {c.id: c for c in checks}) for f in card.findings if _is_here(f, checks))
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


def _is_here(finding: FiledFinding, checks: Collection[FiledCheck]) -> bool:
    """Whether a finding of the merge is one of the environment: its check did not pass there, or none is behind it."""
    here = {c.id: c.outcome for c in checks}
    return finding.check in DERIVED or here.get(finding.check, Outcome.PASSED) is not Outcome.PASSED


def _finding_alone(finding: FiledFinding, checks: Mapping[str, FiledCheck]) -> FiledFinding:
    """A finding as the environment has it: where its check could not run, what failed elsewhere says nothing of it."""
    check = checks.get(finding.check)
    if check is None or check.outcome is not Outcome.COULD_NOT_RUN or check.stands is not None:
        return finding
    severity = Severity.MEDIUM if check.level <= 3 else Severity.LOW
    return replace(finding, severity=severity, title=f"{check.criterion} L{check.level} could not run")


def _check_alone(check: FiledCheck, place: str) -> FiledCheck:
    """A check as it was in one environment; a failure that stands there still does."""
    if not check.alone:
        return check
    outcome, stands = check.alone[place], check.stood.get(place)
    limit = limit_of(outcome, check.level)
    return replace(
        check,
        outcome=outcome,
        limit=min(limit, stands.limit) if stands is not None else limit,
        carried=stands is not None and stands.limit < limit,
        stands=stands,
        alone={},
        stood={},
    )


__all__ = ["alone"]
