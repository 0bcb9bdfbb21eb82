"""What a ledger knows of a check's cases, in each environment by itself. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_backend_audit.cases import Cases, taken_out
from pytest_backend_audit.ledger.events import Found
from pytest_backend_audit.ledger.state import State, Tracked
from pytest_backend_audit.ledger.words import instant_of
from pytest_backend_audit.model import CheckResult, Outcome, YetToPass


def cases_in(result: CheckResult | None, place: str, state: State) -> Cases:
    """The cases of a check in one environment, by the name that it goes by; none without parameters."""
    found: dict[str, Outcome] = {}
    for name, cases in result.cases.items() if result is not None else ():
        if state.places.one(name) == place:
            found.update(cases)
    return found


def told(tracked: Tracked, state: State, place: str) -> YetToPass:
    """What the latest run that had a finding in an environment, since it was opened there, told of its cases."""
    seen = [
        (instant_of(line, event, place, state.places, state.lines), line, event)
        for line, event in tracked.sightings(place, state.places)
    ]
    latest: Found | None = max(seen, key=lambda entry: entry[:2])[2] if seen else None
    return YetToPass(latest.cases, latest.count) if latest is not None else YetToPass()


def missed(result: CheckResult, tracked: Tracked, state: State, places: Iterable[str]) -> list[str]:
    """Cases that were taken out of a check before they passed, in those environments where the finding is open."""
    here = [place for place in places if place in tracked.where]
    return [case for p in here for case in taken_out(cases_in(result, p, state), told(tracked, state, p))]


def passed(now: Cases, before: YetToPass) -> bool:
    """Whether each case that had yet to pass in an environment did; False where none is known."""
    wanted = before.cases
    return bool(wanted) and all(now.get(c) is Outcome.PASSED for c in wanted) and not taken_out(now, before)


def grouped(now: Mapping[str, YetToPass], places: Iterable[str]) -> list[tuple[tuple[str, ...], YetToPass]]:
    """Environments of which a filing tells the same of a check's cases, and what."""
    found: dict[YetToPass, list[str]] = {}
    for place in places:
        found.setdefault(now[place], []).append(place)
    return [(tuple(here), said) for said, here in found.items()]


__all__ = ["cases_in", "grouped", "missed", "passed", "told"]
