"""The cases of a check with parameters: one that did not pass, and is taken out of the check, is not mended. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from pytest_backend_audit.ledger.events import Found
from pytest_backend_audit.ledger.state import State, Tracked
from pytest_backend_audit.ledger.words import instant_of
from pytest_backend_audit.model import CheckResult, Outcome

LIMIT = 2_000
"""Cases that one line of a ledger names; of more, that there were fewer later says that some were taken out."""
_BY_PLACE = re.compile(r"([\[-][A-Za-z_]\w*?)\d+(?=[\]-])")
"""In the name of a case: how pytest calls a value that has no name of its own, by its place among the others."""

Cases: TypeAlias = Mapping[str, Outcome]
"""Case -> what became of it in one environment."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a ledger knows of a check's cases in one environment."""

    cases: tuple[str, ...] = ()
    """Those that have yet to pass."""
    count: int = 0
    """How many there were."""


def cases_in(result: CheckResult | None, place: str, state: State) -> Cases:
    """The cases of a check in one environment, by the name that it goes by; none without parameters."""
    found: dict[str, Outcome] = {}
    for name, cases in result.cases.items() if result is not None else ():
        if state.places.one(name) == place:
            found.update(cases)
    return found


def yet_to_pass(now: Cases, before: Told) -> Told:
    """Cases that have yet to pass once a run has told of a finding.

    Args:
        now: What became of them in that run.
        before: What was known until then: who is no longer part of the check, or could not run, did not pass by that.
    """
    answered = {case for case, outcome in now.items() if outcome not in {Outcome.PASSED, Outcome.COULD_NOT_RUN}}
    bad = answered or {case for case, outcome in now.items() if outcome is Outcome.COULD_NOT_RUN}
    gone = set(taken_out(now, before))
    kept = {case for case in before.cases if now.get(case) is not Outcome.PASSED} | gone
    # As long as one is missed that was taken out, there are fewer than there were.
    count = max(before.count, len(now)) if gone or not now else len(now)
    return Told(tuple(sorted(bad | kept)[:LIMIT]), count)


def told(tracked: Tracked, state: State, place: str) -> Told:
    """What the latest run that had a finding in an environment, since it was opened there, told of its cases."""
    seen = [
        (instant_of(line, event, place, state.places, state.lines), line, event)
        for line, event in tracked.sightings(place, state.places)
    ]
    latest: Found | None = max(seen, key=lambda entry: entry[:2])[2] if seen else None
    return Told(latest.cases, latest.count) if latest is not None else Told()


def taken_out(now: Cases, before: Told) -> tuple[str, ...]:
    """Cases that had yet to pass in an environment, and are no longer part of the check there.

    Where there are fewer than before, one that goes by its place may be another one by now.
    """
    fewer = len(now) < before.count
    cut = fewer and len(before.cases) >= LIMIT
    return tuple(c for c in before.cases if c not in now or cut or (fewer and _goes_by_place(c, now)))


def _goes_by_place(case: str, now: Cases) -> bool:
    """Whether a case may be called after its place.

    ``[order2]`` may where there is an ``[order0]``; ``[v2]`` beside ``[v1]`` is a name that somebody gave.
    """
    return bool(_BY_PLACE.search(case)) and _BY_PLACE.sub(r"\g<1>0", case) in now


def missed(result: CheckResult, tracked: Tracked, state: State, places: Iterable[str]) -> list[str]:
    """Cases that were taken out of a check before they passed, in those environments where the finding is open."""
    here = [place for place in places if place in tracked.where]
    return [case for p in here for case in taken_out(cases_in(result, p, state), told(tracked, state, p))]


def passed(now: Cases, before: Told) -> bool:
    """Whether each case that had yet to pass in an environment did; False where none is known."""
    wanted = before.cases
    return bool(wanted) and all(now.get(c) is Outcome.PASSED for c in wanted) and not taken_out(now, before)


def grouped(now: Mapping[str, Told], places: Iterable[str]) -> list[tuple[tuple[str, ...], Told]]:
    """Environments of which a filing tells the same of a check's cases, and what."""
    found: dict[Told, list[str]] = {}
    for place in places:
        found.setdefault(now[place], []).append(place)
    return [(tuple(here), said) for said, here in found.items()]


__all__ = ["Cases", "Told", "cases_in", "grouped", "missed", "passed", "taken_out", "told", "yet_to_pass"]
