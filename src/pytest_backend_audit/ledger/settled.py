"""How a finding stands by all that is known of it, whatever the order of the lines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from pytest_backend_audit.ledger.events import Closed, Disputed, Event, Resolved
from pytest_backend_audit.ledger.state import Status, Tracked
from pytest_backend_audit.model import Finding, Severity


def settled(tracked: Tracked, tells: Mapping[int, Finding]) -> Tracked:
    """A finding with where it is open, how it stands, and what is told of it, by its courses and its history.

    Args:
        tracked: The finding.
        tells: Line -> the finding as that sighting has it.
    """
    courses = tracked.courses
    where = tuple(sorted(place for place, course in courses.items() if course.is_open))
    told = {place: tells[courses[place].sightings[-1][0]] for place in where}
    if where:
        # One that is mended says nothing of the others; of several that are as grave, the one that was told last.
        latest = sorted(where, key=lambda place: courses[place].seen, reverse=True)
        finding = min((told[place] for place in latest), key=lambda each: list(Severity).index(each.severity))
        dispute = _dispute(tracked)
        status = Status.DISPUTED if dispute else Status.OPEN
        return replace(tracked, where=where, told=told, finding=finding, status=status, dispute=dispute)
    last = max((course.told_last for course in courses.values()), default=("", 0))
    closed = isinstance(tracked.ending, Closed | Resolved)
    away = replace(tracked, where=(), told={}, dispute=None, status=Status.CLOSED if closed else Status.GONE)
    # Closed in one environment, and away unmended in another.
    away = replace(away, status=Status.GONE) if away.unmended else away
    return replace(away, finding=tells[last[1]]) if last[1] else away


def _dispute(tracked: Tracked) -> Disputed | None:
    """The dispute that waits for the reviewer: nobody resolved it, and somewhere it has been open ever since."""
    said = [(event.at, line, event) for line, event in tracked.history if isinstance(event, Disputed | Resolved)]
    last = max(said, key=lambda entry: entry[:2], default=None)
    if last is None or not isinstance(last[2], Disputed):
        return None
    since = [course for course in tracked.courses.values() if course.is_open and course.ended_at <= last[0]]
    return last[2] if since else None


def contradicted(told: Iterable[tuple[int, Event]]) -> list[tuple[int, int, Resolved]]:
    """Words of a reviewer on a dispute that a later word on it contradicts, as two branches may each have one.

    Returns:
        Line of each, line of the later one, and that.
    """
    said = sorted(
        ((e.fingerprint, e.at, line, e) for line, e in told if isinstance(e, Disputed | Resolved)),
        key=lambda entry: entry[:3],
    )
    found = []
    for (mark, _, line, one), (other_mark, _, other_line, other) in pairwise(said):
        if not isinstance(one, Resolved) or not isinstance(other, Resolved):
            continue
        if mark == other_mark and one.upheld != other.upheld:
            found.append((line, other_line, other))
    return found


__all__ = ["contradicted", "settled"]
