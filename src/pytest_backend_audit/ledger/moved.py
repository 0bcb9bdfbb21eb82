"""Checks whose file was moved: another name for the same, as far as the ledger can tell. Pure."""

from __future__ import annotations

from dataclasses import replace

from pytest_backend_audit.ledger.events import Event, Found
from pytest_backend_audit.ledger.state import State, Tracked
from pytest_backend_audit.model import Card
from pytest_backend_audit.moved import function_of


def as_planned(card: Card, tracked: Tracked, state: State) -> Tracked:
    """A finding with the name that its check has in an audit.

    Args:
        card: The audit's.
        tracked: The finding.
        state: The ledger before.

    Returns:
        The finding as it is where its check is part of the audit, or none, or several, could be it: those of the same
        dimension and criterion whose function has the same name, and that the audit before did not have, which had
        this one; or that a filing has told of as moved.
    """
    finding = tracked.finding
    plan = card.inputs.plan
    name = function_of(finding.check)
    if not name or any(c.id == finding.check for c in plan):
        return tracked
    same = (finding.dimension, _own(finding.criterion, finding.check), name)
    alike = [c.id for c in plan if (c.dimension, _own(c.ladder, c.id), function_of(c.id)) == same]
    told = {t.finding.check for t in state.findings for _, e in t.history if _was(e) == finding.check}
    # What an earlier run at this commit had is no older than the move.
    prior = {id_ for id_, check in card.inputs.prior.items() if check.had}
    found = [id_ for id_ in alike if id_ in told or (finding.check in prior and id_ not in prior)]
    return replace(tracked, finding=replace(finding, check=found[0])) if len(found) == 1 else tracked


def moved_from(card: Card, state: State) -> dict[str, str]:
    """Id of each check of an audit that has an open finding by the id that it had before -> that id."""
    pairs = ((t.finding.check, as_planned(card, t, state).finding.check) for t in state.findings if t.status.is_open)
    return {now: before for before, now in pairs if now != before}


def _own(criterion: str, check: str) -> str:
    """The criterion of a check; empty of one that is its own, and goes by its id."""
    return "" if criterion == check else criterion


def _was(event: Event) -> str:
    return event.was if isinstance(event, Found) else ""


def stood_beside(other: Tracked | None, tracked: Tracked) -> bool:
    """Whether a finding was told of before an audit had another one last."""
    if other is None:
        return False
    last = max(event.at for _, event in tracked.history if isinstance(event, Found))
    return min(event.at for _, event in other.history if isinstance(event, Found)) <= last


__all__ = ["as_planned", "moved_from", "stood_beside"]
