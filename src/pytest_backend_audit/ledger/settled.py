"""How a finding stands by all that is known of it, whatever the order of the lines. Pure.

But for what somebody assigned: of two such lines the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from pytest_backend_audit.ledger.clocks import with_clocks
from pytest_backend_audit.ledger.course import Course, Word
from pytest_backend_audit.ledger.events import Assigned, Closed, Disputed, Event, Found, Gone, Resolved
from pytest_backend_audit.ledger.state import NOT_STATED, Status, Tracked
from pytest_backend_audit.model import Finding, Severity


@dataclass(frozen=True, slots=True)
class Lines:
    """What a ledger tells of one finding."""

    number: str
    fingerprint: str
    history: Sequence[tuple[int, Event]]
    """Line, and event."""
    courses: Mapping[str, Course]
    """Environment -> what became of it there."""
    early: Assigned | None = None
    """What somebody assigned before it was filed."""


def settled(lines: Lines, tells: Mapping[int, Finding]) -> Tracked:
    """A finding as it stands.

    Args:
        lines: What is told of it.
        tells: Line -> the finding as that sighting has it.
    """
    courses = lines.courses
    where = tuple(sorted(place for place, course in courses.items() if course.is_open))
    told = {place: tells[courses[place].sightings[-1][0]] for place in where}
    found = sorted((word for course in courses.values() for word in course.found), key=lambda word: word.order)
    finding = tells[found[-1].line]
    if where:
        # One that is mended says nothing of the others; of several that are as grave, the one that was told last.
        latest = sorted(where, key=lambda place: courses[place].seen, reverse=True)
        finding = min((told[place] for place in latest), key=lambda each: list(Severity).index(each.severity))
    opening, is_first = _opening(courses)
    since = sorted((word for word in found if word.order >= opening.order), key=lambda word: (word.event.at, word.line))
    opened = since[0].event.at
    dispute = _dispute(lines)
    tracked = Tracked(
        number=lines.number,
        fingerprint=lines.fingerprint,
        status=(Status.DISPUTED if dispute else Status.OPEN) if where else Status.CLOSED,
        finding=finding,
        opened=opened,
        owner=_given(lines, "owner") or _last(_known(tells[word.line].owner) for word in found),
        due=_due(lines, opened, is_first=is_first) or _first(tells[word.line].due for word in since),
        effort=_given(lines, "effort") or _last(_known(tells[word.line].effort) for word in found),
        where=where,
        told=told,
        courses=courses,
        dispute=dispute,
        history=tuple(lines.history),
    )
    # Closed in one environment, and away unmended in another.
    is_closed = isinstance(tracked.ending, Closed | Resolved) and not tracked.unmended
    return tracked if where or is_closed else replace(tracked, status=Status.GONE)


def _opening(courses: Mapping[str, Course]) -> tuple[Word, bool]:
    """The word by which a finding was opened, the last time after it was open nowhere; and whether that was the first.

    What one filing lets go in one environment, and tells of in another, was not away in between.
    """
    turns = sorted(((w, place) for place, c in courses.items() for w in c.turns), key=lambda turn: turn[0].order)
    openings: list[Word] = []
    open_: set[str] = set()
    closed: Event | None = None
    for word, place in turns:
        if not isinstance(word.event, Found):
            open_.discard(place)
            closed = word.event
            continue
        goes_on = isinstance(closed, Gone) and (closed.file, closed.at) == (word.event.file, word.event.at)
        if not open_ and not (openings and goes_on):
            openings.append(word)
        open_.add(place)
    return openings[-1], len(openings) == 1


def _given(lines: Lines, name: str) -> str:
    """The owner, or the effort, that somebody assigned; empty if nobody did."""
    return _last(getattr(event, name) for event in _assigned(lines))


def _due(lines: Lines, opened: str, *, is_first: bool) -> str:
    """The date that somebody assigned since the finding was opened, or before it was; clocks of two machines differ."""
    since = (e for e in _assigned(lines) if e is lines.early or with_clocks(e.at) >= opened)
    return _last(e.due for e in since if e is not lines.early or is_first)


def _assigned(lines: Lines) -> Iterator[Assigned]:
    """What was assigned, in the order of the lines."""
    if lines.early is not None:
        yield lines.early
    yield from (event for _, event in lines.history if isinstance(event, Assigned))


def _first(texts: Iterable[str]) -> str:
    return next((text for text in texts if text), "")


def _last(texts: Iterable[str]) -> str:
    return _first(reversed([*texts]))


def _known(text: str) -> str:
    return "" if text == NOT_STATED else text


def _dispute(lines: Lines) -> Disputed | None:
    """The dispute that waits for the reviewer: nobody resolved it, and somewhere it has been open ever since.

    An audit that was filed later may tell of another environment, of which nobody has said anything.
    """
    said = [(event.at, line, event) for line, event in lines.history if isinstance(event, Disputed | Resolved)]
    last = max(said, key=lambda entry: entry[:2], default=None)
    if last is None or not isinstance(last[2], Disputed):
        return None
    until = with_clocks(last[0])
    for course in lines.courses.values():
        end = course.last_end
        known = any(event.at <= until for _, event in course.sightings)
        if known and (end is None or end.instant <= last[0]):
            return last[2]
    return None


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


__all__ = ["Lines", "contradicted", "settled"]
