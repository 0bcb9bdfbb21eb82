"""What a ledger knows of a check's cases, in each environment by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_backend_audit.cases import LIMIT, Cases, taken_out
from pytest_backend_audit.ledger.state import State, Tracked
from pytest_backend_audit.model import CheckResult, Outcome, YetToPass


def cases_in(result: CheckResult | None, place: str, state: State) -> Cases:
    """The cases of a check in one environment, by the name that it goes by; none without parameters."""
    found: dict[str, Outcome] = {}
    for name, cases in result.cases.items() if result is not None else ():
        if state.places.one(name) == place:
            found.update(cases)
    return found


def told(tracked: Tracked, place: str) -> YetToPass:
    """What is known of a check's cases in an environment, by the name that it goes by, since it was closed there."""
    course = tracked.courses.get(place)
    return course.yet_to_pass if course is not None else YetToPass()


def missed(result: CheckResult, tracked: Tracked, state: State, places: Iterable[str]) -> list[str]:
    """Cases that were taken out of a check before they passed, in those environments where the finding is open."""
    here = [place for place in places if place in tracked.where]
    return [case for p in here for case in taken_out(cases_in(result, p, state), told(tracked, p))]


def blind(now: Cases) -> tuple[str, ...]:
    """The cases that could not run; none where there are too many to name."""
    found = sorted(case for case, outcome in now.items() if outcome is Outcome.COULD_NOT_RUN)
    return tuple(found) if len(found) <= LIMIT else ()


__all__ = ["blind", "cases_in", "missed", "told"]
