"""Why filters leave no audit, and what there is instead. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_backend_audit.fleet.histories import histories
from pytest_backend_audit.fleet.summary import is_of, made_until, owned
from pytest_backend_audit.fleet.words import several
from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.reports.text import cut, one_line

if TYPE_CHECKING:
    from pytest_backend_audit.fleet.audits import Audit
    from pytest_backend_audit.fleet.summary import Asked, Fleet


def why(fleet: Fleet, audits: Sequence[Audit]) -> str:
    """What is said where no audit is left.

    Args:
        fleet: Without any service.
        audits: All that there are.
    """
    asked = fleet.asked
    until = made_until(audits, asked.as_of)
    if not until:
        first = min(audit.at for audit in audits).date()
        return f"no audit on or before {asked.as_of}; the first is of {first} (--as-of)"
    said = list(_filters(until, asked))
    if fleet.later:
        said.append(f"{several(fleet.later, 'audit')} after {asked.as_of} left out")
    if fleet.unread:
        lost = fleet.unread[0]
        said.append(f"{len(fleet.unread):,} can't be read, the first is {lost.place}: {lost.reason}")
    return f"the filters leave none of {len(audits):,} audits; {'; '.join(said)}"


def _filters(audits: Sequence[Audit], asked: Asked) -> Iterator[str]:
    """Each filter that leaves none of what the others before it leave, and what there is of that instead."""
    narrowed, left, said = "", audits, list[str]()
    there: tuple[str, ...] = ()
    for option, given in (("--service", asked.services), ("--environment", asked.environments)):
        by_service = option == "--service"
        found = [a for a in left if (is_of(a, given) if by_service else a.of(given))]
        label = f"{narrowed}{option} {' '.join(given)}"
        if not found:
            names = (n for a in left for n in ([a.service] if by_service else _environments(a)))
            said.append(f"{label}: {_there_are(given[0], names)}")
        elif given:
            narrowed, left, there = f"{label} ", found, () if by_service else given
    latest = [history[-1] for history in histories(left, there)]
    if asked.owner and not any(owned(audit, asked.owner) for audit in latest):
        owners = (d.owner for audit in latest for d in audit.dimensions)
        yield f"{narrowed}--owner {asked.owner}: {_there_are(asked.owner, owners)}"
    yield from said


def _environments(audit: Audit) -> Iterator[str]:
    for place in audit.places:
        yield place.name
        yield from environments(place.kind)


def _there_are(given: str, names: Iterable[str]) -> str:
    known = sorted({one_line(name) for name in names if name})
    near = difflib.get_close_matches(given, known, 3, 0.5) or known[:3]
    more = f" and {len(known) - len(near):,} more" if len(known) > len(near) else ""
    return f"there are {', '.join(cut(name, 40) for name in near)}{more}" if near else "none is stated"
