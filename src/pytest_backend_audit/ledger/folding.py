"""From the events of a ledger to how things stand now. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from operator import itemgetter
from types import MappingProxyType

from pytest_backend_audit.ledger.clocks import with_clocks
from pytest_backend_audit.ledger.course import Course, Word
from pytest_backend_audit.ledger.errors import LedgerError
from pytest_backend_audit.ledger.events import (
    Assigned,
    Closed,
    Disputed,
    Event,
    Filed,
    Found,
    Gone,
    Replaced,
    Resolved,
    Retired,
    closes,
    encode,
)
from pytest_backend_audit.ledger.overruled import overruled
from pytest_backend_audit.ledger.places import Places
from pytest_backend_audit.ledger.replacements import Replacements
from pytest_backend_audit.ledger.settled import Lines, contradicted, settled
from pytest_backend_audit.ledger.state import State
from pytest_backend_audit.ledger.words import Filings, filings_by_name, instant_of, is_filed_again
from pytest_backend_audit.model import Finding


def fold(
    lines: Iterable[tuple[int, Event]], name: str = "ledger.jsonl", formerly: Mapping[str, str] = MappingProxyType({})
) -> State:
    """How things stand after these events, in their order.

    Args:
        lines: Line of the file, and event.
        name: How messages call the file.
        formerly: Names of environments that no line tells of yet: name -> name before.

    Raises:
        LedgerError: An event is about a finding that no line opens.
    """
    told = tuple(lines)
    places = Places.told([*(e.formerly for _, e in told if isinstance(e, Filed)), formerly])
    filings = filings_by_name(told)
    _refuse_lost(told, filings, name)
    words = contradicted(told)
    folding = _Folding(name, places, filings, frozenset(line for line, _, _ in words))
    for line, event in told:
        folding.take(line, event)
    for line, later, word in words:
        folding.contradicted(line, later, word)
    return folding.state()


def known_as(state: State, formerly: Mapping[str, str]) -> State:
    """The same ledger, where environments have had other names besides: name -> name before."""
    return fold(state.events, state.name, formerly=formerly) if formerly else state


def _refuse_lost(told: Iterable[tuple[int, Event]], filings: Filings, name: str) -> None:
    """See that each filing has its lines: one that a conflict took away would be a finding that nobody knows of.

    A line that stands there twice, as where both sides of a conflict were kept whole, counts once.
    """
    there = Counter(event.file for _, event in told if isinstance(event, Found | Gone))
    for file, known in filings.items():
        once = {(filing.at, filing.by, filing.heads): filing for _, filing in known}
        filed = sum(filing.lines or 0 for filing in once.values())
        found = there[file] if len(once) == len(known) else _distinct(told, file)
        if found < filed:
            lines = "1 line of a finding was" if filed == 1 else f"{filed} lines of findings were"
            are = "is" if found == 1 else "are"
            raise LedgerError(
                f"{name}:{known[0][0]}: {lines} filed with {file}, and {found or 'none'} {are} there; restore what is "
                "missing from git"
            )


def _distinct(told: Iterable[tuple[int, Event]], file: str) -> int:
    """How many different lines of findings were filed with a card."""
    return len({encode(event) for _, event in told if isinstance(event, Found | Gone) and event.file == file})


class _Folding:
    """The state so far."""

    def __init__(self, name: str, places: Places, lines: Filings, void: frozenset[int]) -> None:
        self._name = name
        self._places = places
        self._lines = lines
        self._void = void
        """Lines of a reviewer's words that later ones contradict."""
        self._tells: dict[tuple[int, str], Finding] = {}
        """Line of a sighting, and environment -> the finding as it has it there."""
        self._told_at: dict[tuple[str, str, str], Finding] = {}
        """Fingerprint, instant of the line that tells it, and environment -> the finding: a merge may tell several."""
        self._as_told: dict[tuple[str, str], Finding] = {}
        """Fingerprint and environment -> the finding as it was told of it last."""
        self._told_last: dict[str, Finding] = {}
        """Fingerprint -> the finding as it was told of any environment last."""
        self._numbers: dict[str, str] = {}
        """Fingerprint -> the number that counts, in the order in which they were opened first."""
        self._histories: dict[str, list[tuple[int, Event]]] = {}
        """Of each: a list grows in place, and a ledger has a line for each finding of each audit."""
        self._courses: dict[str, dict[str, Course]] = {}
        """Fingerprint -> environment -> what became of it there."""
        self._retirements: list[tuple[str, Word]] = []
        """Environments that are audited no more, and the word that says so."""
        self._early: dict[str, Assigned] = {}
        """Fingerprint -> what somebody assigned before it was filed."""
        self._owner_of: dict[str, str] = {}
        """Number -> fingerprint."""
        self._told: dict[str, set[str]] = {}
        """Fingerprint -> numbers that lines give it."""
        self._events: list[tuple[int, Event]] = []
        self._before: dict[str, Assigned] = {}
        self._filings: list[tuple[int, Filed]] = []
        self._notices: list[tuple[int, str]] = []
        """Line, and what is odd about it and was settled."""
        self._shared: dict[str, str] = {}
        self._last = (0, "")
        self._backwards: list[tuple[int, str, str]] = []

    def state(self) -> State:
        if self._backwards:
            line, earlier, later = self._backwards[0]
            more = f", and {len(self._backwards) - 1} more like it" if len(self._backwards) > 1 else ""
            self._note(
                line,
                f"of {earlier}, after a line of {later}{more}: clocks disagree, or two branches were joined; what is "
                "open follows from when runs were made, and of assignments the last line counts",
            )
        findings = tuple(
            settled(Lines(number, mark, self._history(mark), self._courses[mark], self._early.get(mark)), self._tells)
            for mark, number in self._numbers.items()
        )
        for line, told in overruled(findings):
            self._note(line, told)
        return State(
            service=self._filings[0][1].service if self._filings else "",
            name=self._name,
            filings=tuple(f for _, f in self._filings),
            findings=findings,
            assigned=self._before,
            notices=tuple(told for _, told in sorted(self._notices, key=itemgetter(0))),
            shared=self._shared,
            events=tuple(self._events),
            places=self._places,
            replaced=Replacements.told(e for _, e in self._events if isinstance(e, Replaced)),
            lines=self._lines,
        )

    def _history(self, fingerprint: str) -> list[tuple[int, Event]]:
        """The lines of a finding, and those by which an environment that had it is audited no more."""
        ends = (course.last_end for course in self._courses[fingerprint].values())
        retired = [(end.line, end.event) for end in ends if end is not None and isinstance(end.event, Retired)]
        own = self._histories[fingerprint]
        return sorted([*own, *retired], key=itemgetter(0)) if retired else own

    def _note(self, line: int, told: str) -> str:
        """Have whoever reads the ledger know of a line, and say how."""
        notice = f"{self._name}:{line}: {told}"
        self._notices.append((line, notice))
        return notice

    def contradicted(self, line: int, later: int, word: Resolved) -> None:
        """Note that of two words on one dispute the later counts."""
        said = "upheld" if word.upheld else "dismissed"
        self._note(
            line,
            f"the dispute about {word.number} is resolved otherwise in line {later}, which is the later word: "
            f"{word.by} {said} it, and that counts",
        )

    def take(self, line: int, event: Event) -> None:
        if self._last[1] and event.at < self._last[1]:
            self._backwards.append((line, event.at, self._last[1]))
        self._last = (line, event.at)
        self._events.append((line, event))
        if isinstance(event, Found | Gone) and event.file not in self._lines:
            raise LedgerError(
                f"{self._name}:{line}: {event.type} {event.number} by {event.file}, and no line tells that "
                f"{event.file} was filed; restore the lines that are missing from git"
            )
        if isinstance(event, Filed):
            self._filed(line, event)
        elif isinstance(event, Found):
            self._sighted(line, event)
        elif isinstance(event, Assigned):
            self._assigned(line, event)
        elif isinstance(event, Retired):
            self._retired(line, event)
        elif not isinstance(event, Replaced):
            if event.fingerprint not in self._numbers:
                raise self._unopened(line, event)
            if closes(event) or isinstance(event, Gone):
                self._ended(line, event)
            self._put(line, event, event.fingerprint)

    def _retired(self, line: int, event: Retired) -> None:
        place = self._places.one(event.environment)
        word = Word(event.at, line, event)
        self._retirements.append((place, word))
        for courses in self._courses.values():
            if place in courses:
                courses[place].add(word)

    def _ended(self, line: int, event: Closed | Resolved | Gone) -> None:
        """Have a finding's courses go on by an event that may close it."""
        if line in self._void:
            return
        blind = {} if isinstance(event, Resolved) else {self._places.one(e): c for e, c in event.elsewhere.items()}
        for place in self._spoken(event):
            course = self._course(event.fingerprint, place)
            instant = (
                self._said(event, course)
                if isinstance(event, Resolved)
                else instant_of(line, event, place, self._places, self._lines)
            )
            course.add(Word(instant, line, event, blind.get(place)))

    def _course(self, fingerprint: str, place: str) -> Course:
        """What became of a finding in an environment; of one that is new there, what was said of all of them."""
        courses = self._courses[fingerprint]
        if place not in courses:
            courses[place] = Course()
            for retired, word in self._retirements:
                if retired == place:
                    courses[place].add(word)
        return courses[place]

    def _spoken(self, event: Closed | Resolved | Gone) -> tuple[str, ...]:
        """Environments that a closing word is about."""
        if event.environment or not isinstance(event, Resolved):
            return self._places.of(event.environment)
        # Of an older version. Clocks of two machines may differ.
        then = with_clocks(event.at)
        return tuple(place for place, course in self._courses[event.fingerprint].items() if course.told_by(then))

    def _said(self, event: Resolved, course: Course) -> str:
        """Instant of the reviewer's word: that of the latest run that it is of, where its clock was ahead."""
        if event.environment:
            return max(event.at, event.instant)
        # Of an older version, which does not tell.
        return course.latest_sighting(event.at, with_clocks(event.at))

    def _unopened(self, line: int, event: Found | Gone | Disputed | Resolved | Closed) -> LedgerError:
        return LedgerError(
            f"{self._name}:{line}: {event.type} {event.number}, and no line before it opens that finding; "
            "restore the lines that are missing from git"
        )

    def _put(self, line: int, event: Event, fingerprint: str) -> None:
        """Note an event."""
        self._histories.setdefault(fingerprint, []).append((line, event))

    def _filed(self, line: int, event: Filed) -> None:
        for before, other in self._filings:
            if other.service != event.service:
                raise LedgerError(
                    f"{self._name}:{line}: a filing of the service {event.service!a}, and line {before} is of "
                    f"{other.service!a}; give each a ledger of its own"
                )
            alike = other.file != event.file or set(other.heads) == set(event.heads)
            if not alike and not any(is_filed_again(self._lines, line, filing) for filing in (other, event)):
                notice = self._note(
                    line,
                    f"the card {event.file} was filed on two branches, first in line {before}; one of the two is lost "
                    "unless it lies there by another name; its findings are not",
                )
                self._shared[notice] = event.file
        self._filings.append((line, event))

    def _sighted(self, line: int, event: Found) -> None:
        number = self._numbers.get(event.fingerprint)
        if number is None:
            if event.finding is None:
                raise self._unopened(line, event)
            self._new(line, event)
        elif event.number not in {number, *self._told[event.fingerprint]}:
            self._told[event.fingerprint].add(event.number)
            self._note(line, f"{number} has a second number, {event.number}: two branches filed it; {number} counts")
        for place in self._places.of(event.environment):
            instant = instant_of(line, event, place, self._places, self._lines)
            self._course(event.fingerprint, place).add(Word(instant, line, event))
            self._tells[line, place] = self._told_by(event, place)
        self._put(line, event, event.fingerprint)

    def _told_by(self, event: Found, place: str) -> Finding:
        """The finding as a sighting has it, which it may tell by another line of its own branch."""
        mark = event.fingerprint
        told = event.finding or self._told_at.get((mark, event.same, place))
        # A line of an older version does not tell which: as the environment had it last, or any.
        told = told or self._as_told.get((mark, place)) or self._told_last[mark]
        if event.finding is not None:
            self._told_at[mark, event.at, place] = told
        self._as_told[mark, place] = self._told_last[mark] = told
        return told

    def _new(self, line: int, event: Found) -> None:
        number = event.number
        self._told[event.fingerprint] = {number}
        if self._owner_of.setdefault(number, event.fingerprint) != event.fingerprint:
            taken, n = number, 2
            while (number := f"{taken}-{n}") in self._owner_of:
                n += 1
            self._owner_of[number] = event.fingerprint
            self._note(
                line,
                f"{taken} was given on two branches; the finding {event.fingerprint[:8]} of this line is {number} from "
                "now on",
            )
        self._numbers[event.fingerprint] = number
        self._courses[event.fingerprint] = {}
        if (early := self._before.pop(event.fingerprint, None)) is not None:
            self._early[event.fingerprint] = early

    def _assigned(self, line: int, event: Assigned) -> None:
        if event.fingerprint in self._numbers:
            self._put(line, event, event.fingerprint)
            return
        before = self._before.get(event.fingerprint)
        self._before[event.fingerprint] = event if before is None else _joined(before, event)


def _joined(first: Assigned, then: Assigned) -> Assigned:
    """What two lines assigned before the finding was filed."""
    return replace(then, owner=then.owner or first.owner, due=then.due or first.due, effort=then.effort or first.effort)


__all__ = ["fold", "known_as"]
