"""How a finding stands by all that is known of it, whatever the order of the lines. Pure.

But for what somebody assigned: of two such lines the last one counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

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


def settled(lines: Lines, tells: Mapping[tuple[int, str], Finding]) -> Tracked:
    """A finding as it stands.

    Args:
        lines: What is told of it.
        tells: Line and environment -> the finding as that sighting has it there.
    """
    courses = lines.courses
    where = tuple(sorted(place for place, course in courses.items() if course.is_open))
    told = {place: tells[courses[place].sightings[-1][0], place] for place in where}
    sightings = ((word, place) for place, course in courses.items() for word in course.found)
    found = sorted(((word.order, place, word) for word, place in sightings), key=lambda entry: entry[:2])
    every = [tells[word.line, place] for _, place, word in found]
    finding = every[-1]
    if where:
        # One that is mended says nothing of the others; of several that are as grave, the one that was told last.
        latest = sorted(where, key=lambda place: courses[place].seen, reverse=True)
        finding = min((told[place] for place in latest), key=lambda each: list(Severity).index(each.severity))
    opening, is_first = _opening(courses)
    since = sorted((w.event.at, w.line, place) for order, place, w in found if order >= opening.order)
    opened = since[0][:2]
    dispute = _dispute(lines)
    tracked = Tracked(
        number=lines.number,
        fingerprint=lines.fingerprint,
        status=(Status.DISPUTED if dispute else Status.OPEN) if where else Status.CLOSED,
        finding=finding,
        opened=opened[0],
        owner=_given(lines, "owner") or _last(_known(each.owner) for each in every),
        due=_due(lines, opened, is_first=is_first) or _first(tells[line, place].due for _, line, place in since),
        effort=_given(lines, "effort") or _last(_known(each.effort) for each in every),
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
    early = getattr(lines.early, name) if lines.early is not None else ""
    return _last(getattr(event, name) for _, event in _assigned(lines)) or early


def _due(lines: Lines, opened: tuple[str, int], *, is_first: bool) -> str:
    """The date that somebody assigned since the finding was opened, or before it was.

    Args:
        lines: What is told of it.
        opened: When it was, and by which line: clocks of two machines may differ, but not what follows a line.
        is_first: Whether it was never away.
    """
    at, line = opened
    since = [e.due for n, e in _assigned(lines) if e.at >= at or (n > line and with_clocks(e.at) >= at)]
    early = lines.early.due if lines.early is not None and is_first else ""
    return _last(since) or early


def _assigned(lines: Lines) -> Iterator[tuple[int, Assigned]]:
    """What was assigned since it was filed, each with its line."""
    return ((line, event) for line, event in lines.history if isinstance(event, Assigned))


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
    at, own, _ = last
    for course in lines.courses.values():
        end = course.last_end
        # Clocks of two machines may differ, but not what comes before a line.
        known = any(e.at <= at or (line < own and e.at <= with_clocks(at)) for line, e in course.sightings)
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
    found: list[tuple[int, int, Resolved]] = []
    later: tuple[int, Resolved] | None = None
    for _, _, line, word in reversed(said):
        if not isinstance(word, Resolved):
            later = None
        elif later is None or later[1].fingerprint != word.fingerprint:
            later = line, word  # the last one on its dispute
        elif later[1].upheld != word.upheld:
            found.append((line, *later))
    return found


__all__ = ["Lines", "contradicted", "settled"]
