"""The cases of a check with parameters: one that did not pass, and is taken out of the check, is not mended. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_backend_audit.ledger.events import Found
from pytest_backend_audit.ledger.state import State, Tracked
from pytest_backend_audit.model import Attempt, CheckResult, Status

LIMIT = 200
"""Cases that one line of a ledger names."""


def cases(attempts: Iterable[Attempt]) -> set[str]:
    """What stands in brackets in the names of a check's instances: ``[orders-2]``; none where it has no parameters."""
    return {case for attempt in attempts if (case := _case(attempt.instance))}


def _case(instance: str) -> str:
    function = instance[instance.find("::") :]
    begins, ends = function.find("["), function.rfind("]")
    return function[begins : ends + 1] if 0 <= begins < ends else ""


def standing(result: CheckResult | None, before: Iterable[str]) -> tuple[str, ...]:
    """Cases of a check that have yet to pass.

    Args:
        result: Of a check that did not pass; None where no check is behind a finding.
        before: Those that had to before: who is no longer part of the check did not pass by that.
    """
    if result is None:
        return ()
    # Of one that passed on weak evidence alone each case has to show more.
    bad = [a for a in result.attempts if a.status is not Status.PASSED or not a.evidence] or result.attempts
    found = cases(bad) | (set(before) - cases(result.attempts))
    return tuple(sorted(found)[:LIMIT])


def told(tracked: Tracked, state: State, place: str) -> tuple[str, ...]:
    """Cases that had yet to pass by the last sighting of a finding in an environment."""
    seen = [e for _, e in tracked.history if isinstance(e, Found) and place in state.places.of(e.environment)]
    return seen[-1].cases if seen else ()


def taken_out(result: CheckResult, tracked: Tracked, state: State, places: Iterable[str]) -> tuple[str, ...]:
    """Cases that had yet to pass in some environments, and that are no longer part of the check."""
    have = cases(result.attempts)
    return tuple(dict.fromkeys(c for place in places for c in told(tracked, state, place) if c not in have))


__all__ = ["cases", "standing", "taken_out", "told"]
