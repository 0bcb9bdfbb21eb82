"""From the events of a ledger to how things stand now. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TypeGuard

from pytest_backend_audit.ledger.cards import Cards
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
)
from pytest_backend_audit.ledger.places import Places, environments
from pytest_backend_audit.ledger.replacements import Replacements
from pytest_backend_audit.ledger.words import Filings, filing_at, filings_by_name, instant_of
from pytest_backend_audit.model import Finding, Severity

NOT_STATED = "not stated"
CLOCKS = timedelta(minutes=10)
"""By which clocks of two machines may differ."""
_NUMBER = re.compile(r"(?:F-?)?0*(\d{1,9})(-\d{1,3})?", re.IGNORECASE)
_MARK = re.compile(r"[0-9a-f]{6,64}")


class Status(StrEnum):
    """How a finding stands."""

    OPEN = "open"
    DISPUTED = "disputed"
    """Open, and somebody says that it is wrong."""
    CLOSED = "closed"
    """Its check passed when it was run again, or its dispute was upheld."""
    GONE = "gone"
    """A later audit no longer had it."""

    @property
    def is_open(self) -> bool:
        """Whether there is something left to do."""
        return self in {Status.OPEN, Status.DISPUTED}


@dataclass(frozen=True, slots=True)
class Tracked:
    """One finding through all audits of a service."""

    number: str
    """F-NNNN: given once to a fingerprint, and never again."""
    fingerprint: str
    status: Status
    finding: Finding
    """As the latest audit tells it of the environment, of those in which it is open, where it is gravest."""
    opened: str
    """Instant at which it was filed first, or again after it was away."""
    owner: str = ""
    """Empty if nobody is named."""
    due: str = ""
    effort: str = ""
    where: tuple[str, ...] = ()
    """Environments in which it is open."""
    told: Mapping[str, Finding] = field(default_factory=dict)
    """Environment -> the finding as the latest audit there tells it."""
    closed: Mapping[str, str] = field(default_factory=dict)
    """Environment -> instant of the run, or of the reviewer's word, by which it was closed there last."""
    since: Mapping[str, int] = field(default_factory=dict)
    """Environment -> line by which it was opened there last."""
    dispute: Disputed | None = None
    """The one that is not resolved."""
    history: tuple[tuple[int, Event], ...] = ()
    """Line of the ledger, and event."""

    @property
    def closing(self) -> str:
        """How it was closed, and by whom: ``closed by dispute (Grace)``; empty unless it is closed."""
        if self.status is not Status.CLOSED:
            return ""
        by = [(e.by, "its check" if isinstance(e, Closed) else "dispute") for _, e in self.history if _closes(e)]
        return f"closed by {by[-1][1]} ({by[-1][0]})" if by else ""

    @property
    def reason(self) -> str:
        """Why it is gone: its check passed, or is no longer part of the audit; empty unless it is gone."""
        reasons = [e.reason for _, e in self.history if isinstance(e, Gone)]
        return reasons[-1] if self.status is Status.GONE and reasons else ""

    def sightings(self, place: str, places: Places) -> list[tuple[int, Found]]:
        """The audits that had it in an environment since it was opened there last, each with its line."""
        begun = self.since.get(place, 0)
        found = [(line, event) for line, event in self.history if line >= begun and isinstance(event, Found)]
        return [(line, event) for line, event in found if place in places.of(event.environment)]

    def current(self) -> Finding:
        """The finding with what the ledger knows of it."""
        return replace(
            self.finding,
            id=self.number,
            owner=self.owner or NOT_STATED,
            due=self.due,
            effort=self.effort or NOT_STATED,
        )


@dataclass(frozen=True, slots=True)
class State:
    """A ledger, folded."""

    service: str = ""
    """As its filings name it; empty without any."""
    filings: tuple[Filed, ...] = ()
    findings: tuple[Tracked, ...] = ()
    """In the order in which they were opened first."""
    assigned: Mapping[str, Assigned] = field(default_factory=dict)
    """Fingerprint -> who is to mend a finding that was not filed yet."""
    notices: tuple[str, ...] = ()
    """What is odd and was settled, each with how."""
    events: tuple[tuple[int, Event], ...] = ()
    """All of it: line, and event."""
    places: Places = field(default_factory=Places)
    """Environments by all of their names."""
    replaced: Replacements = field(default_factory=Replacements)
    """What has come in the place of an audit.yaml or a policy."""
    lines: Filings = field(default_factory=dict)
    """Name of a card -> line and filing; of a name that two branches gave, several."""

    def filing_at(self, line: int, file: str) -> Filed:
        """The filing that an event of a line names; there is one, as `fold` sees to."""
        return filing_at(self.lines, line, file)

    def of(self, fingerprint: str) -> Tracked | None:
        """The finding with a fingerprint."""
        return next((t for t in self.findings if t.fingerprint == fingerprint), None)

    def find(self, asked: str) -> Tracked:
        """The finding that a user names: by its number, or by the first six or more digits of its fingerprint.

        Raises:
            LedgerError: There is none, or more than one.
        """
        asked = asked.strip()
        marks = [t for t in self.findings if _MARK.fullmatch(asked) and t.fingerprint.startswith(asked)]
        if len(marks) == 1:
            return marks[0]
        if marks:
            raise LedgerError(f"{asked}: so begin several: {', '.join(t.number for t in marks)}; give the number")
        match = _NUMBER.fullmatch(asked)
        number = f"F-{int(match[1]):04}{match[2] or ''}" if match else asked
        named = next((t for t in self.findings if t.number == number), None)
        if named is None:
            known = f"they are {self.findings[0].number} to {self.findings[-1].number}" if self.findings else "none yet"
            raise LedgerError(f"{asked}: the ledger has no such finding ({known}); `backend-audit findings list --all`")
        return named

    def latest(self, environment: str, *, before: str = "", but: Iterable[str] = ()) -> Filed | None:
        """The filing that an audit compares with: that of the latest run of its environment.

        Args:
            environment: The audit's; a merged one's are several, of which one in common is enough where no filing has
                them all.
            before: An instant before which that run has to lie; empty for any.
            but: Last hashes of the journals of a run that is not meant: the audit itself, once it was filed.
        """
        wanted, heads = set(self.places.of(environment)), set(but)
        fit = []
        for filed in reversed(self.filings):
            common = [place for place in environments(filed.environment) if self.places.one(place) in wanted]
            instant = max((filed.instant_in(place) for place in common), default="")
            if common and set(filed.heads) != heads and (not before or instant < before):
                fit.append((filed, wanted <= set(map(self.places.one, common)), instant))
        # Of several of one run the last, which is the signed one.
        return max(fit, key=lambda entry: entry[1:], default=(None, False, ""))[0]

    def known_as(self, formerly: Mapping[str, str]) -> State:
        """The same, where environments have had other names besides: name -> name before."""
        return fold(self.events, formerly=formerly) if formerly else self

    @property
    def cards(self) -> Cards[Filed]:
        """The filings by their cards."""
        return Cards(self.filings)


def next_number(state: State) -> int:
    """The number that the next new finding gets."""
    used = [int(m[1]) for t in state.findings if (m := _NUMBER.fullmatch(t.number))]
    return max(used, default=0) + 1


def open_disputes(state: State) -> tuple[str, ...]:
    """Each dispute that waits for the reviewer, one line each."""
    return tuple(
        f"{t.number} {t.finding.dimension}: {t.finding.title}: disputed by {t.dispute.by} on {t.dispute.at[:10]}: "
        f"{t.dispute.reason}"
        for t in state.findings
        if t.dispute is not None and t.status is Status.DISPUTED
    )


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
    folding = _Folding(name, places, filings)
    for line, event in told:
        folding.take(line, event)
    return folding.state()


def _refuse_lost(told: Iterable[tuple[int, Event]], filings: Filings, name: str) -> None:
    """See that each filing has its lines: one that a conflict took away would be a finding that nobody knows of."""
    there = Counter(event.file for _, event in told if isinstance(event, Found | Gone))
    for file, known in filings.items():
        filed = sum(filing.lines or 0 for _, filing in known)
        if there[file] < filed:
            raise LedgerError(
                f"{name}:{known[0][0]}: {filed} lines of findings were filed with {file}, and {there[file]} are there; "
                "restore the others from git"
            )


class _Folding:
    """The state so far."""

    def __init__(self, name: str, places: Places, lines: Filings) -> None:
        self._name = name
        self._places = places
        self._lines = lines
        self._found: dict[str, Tracked] = {}
        self._owner_of: dict[str, str] = {}
        """Number -> fingerprint."""
        self._told: dict[str, set[str]] = {}
        """Fingerprint -> numbers that lines give it."""
        self._events: list[tuple[int, Event]] = []
        self._before: dict[str, Assigned] = {}
        self._filings: list[tuple[int, Filed]] = []
        self._notices: list[str] = []
        self._last = (0, "")
        self._backwards: list[tuple[int, str, str]] = []

    def state(self) -> State:
        notices = list(self._notices)
        if self._backwards:
            line, earlier, later = self._backwards[0]
            more = f", and {len(self._backwards) - 1} more like it" if len(self._backwards) > 1 else ""
            notices.append(
                f"{self._name}:{line}: of {earlier}, after a line of {later}{more}: clocks disagree, or two branches "
                "were joined; the order in the file counts, but that no older run closes what a later one has seen"
            )
        return State(
            service=self._filings[0][1].service if self._filings else "",
            filings=tuple(f for _, f in self._filings),
            findings=tuple(self._found.values()),
            assigned=self._before,
            notices=tuple(notices),
            events=tuple(self._events),
            places=self._places,
            replaced=Replacements.told(e for _, e in self._events if isinstance(e, Replaced)),
            lines=self._lines,
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
        elif not isinstance(event, Replaced):
            known = self._found.get(event.fingerprint)
            if known is None:
                raise self._unopened(line, event)
            left = self._left(line, event, known)
            away = {
                place: instant_of(line, event, place, self._places, self._lines)
                for place in known.where
                if place not in left
            }
            self._put(line, event, replace(_after(known, event, left), closed={**known.closed, **away}))

    def _left(self, line: int, event: Event, known: Tracked) -> tuple[str, ...]:
        """Environments in which a finding is open after an event, which may close it."""
        if not known.status.is_open or not (_closes(event) or isinstance(event, Gone)):
            return known.where
        spoken = known.where if isinstance(event, Resolved) else self._places.of(event.environment)
        later = tuple(place for place in known.where if place in spoken and self._told_since(line, event, place, known))
        if later:
            self._notices.append(
                f"{self._name}:{line}: {event.type} {event.number}, and a line before it tells of the same by a later "
                f"run in {', '.join(later)}: it stays open there"
            )
        return tuple(place for place in known.where if place in later or place not in spoken)

    def _told_since(self, line: int, event: Event, place: str, known: Tracked) -> bool:
        """Whether a finding was seen by a later run than that of an event: the lines of two branches were joined."""
        sightings = [
            (n, e) for n, e in known.history if isinstance(e, Found) and place in self._places.of(e.environment)
        ]
        if isinstance(event, Resolved):
            # By when it was written: the reviewer did not know of it. Clocks of two machines may differ.
            said = datetime.fromisoformat(event.at) + CLOCKS
            return any(datetime.fromisoformat(seen.at) > said for _, seen in sightings)
        when = instant_of(line, event, place, self._places, self._lines)
        return any(instant_of(n, seen, place, self._places, self._lines) > when for n, seen in sightings)

    def _unopened(self, line: int, event: Found | Gone | Disputed | Resolved | Closed) -> LedgerError:
        return LedgerError(
            f"{self._name}:{line}: {event.type} {event.number}, and no line before it opens that finding; "
            "restore the lines that are missing from git"
        )

    def _put(self, line: int, event: Event, tracked: Tracked) -> None:
        self._found[tracked.fingerprint] = replace(tracked, history=(*tracked.history, (line, event)))

    def _filed(self, line: int, event: Filed) -> None:
        for before, other in self._filings:
            if other.service != event.service:
                raise LedgerError(
                    f"{self._name}:{line}: a filing of the service {event.service!a}, and line {before} is of "
                    f"{other.service!a}; give each a ledger of its own"
                )
            if other.file == event.file and other.heads != event.heads:
                self._notices.append(
                    f"{self._name}:{line}: the card {event.file} was filed on two branches, first in line {before}; "
                    "one of the two is lost unless it lies there by another name; its findings are not"
                )
        self._filings.append((line, event))

    def _sighted(self, line: int, event: Found) -> None:
        known = self._found.get(event.fingerprint)
        if known is None:
            if event.finding is None:
                raise self._unopened(line, event)
            self._put(line, event, self._new(line, event, event.finding))
            return
        told = self._told[event.fingerprint]
        if event.number not in {known.number, *told}:
            told.add(event.number)
            self._notices.append(
                f"{self._name}:{line}: {known.number} has a second number, {event.number}: two branches filed it; "
                f"{known.number} counts"
            )
        here = self._opens(line, event, known)
        if not here:
            self._put(line, event, known)
            return
        where = tuple(sorted({*known.where, *here}))
        since = {**known.since, **dict.fromkeys((p for p in here if p not in known.where), line)}
        finding = event.finding or next((known.told[p] for p in here if p in known.told), known.finding)
        said = {**known.told, **{p: finding for p in here if self._is_latest(line, event, p, known)}}
        # What somebody assigned stays; what audit.yaml and the check say follows them.
        assigned = [e for _, e in known.history if isinstance(e, Assigned)]
        owner = "" if any(e.owner for e in assigned) else _known(finding.owner)
        effort = "" if any(e.effort for e in assigned) else _known(finding.effort)
        again = replace(
            known, finding=finding, told=said, owner=owner or known.owner, effort=effort or known.effort, since=since
        )
        if known.status.is_open:
            again = replace(again, where=where, due=known.due or finding.due)
        else:
            again = replace(again, status=Status.OPEN, where=where, due=finding.due, opened=event.at, dispute=None)
        self._put(line, event, replace(again, finding=_gravest(again)))

    def _is_latest(self, line: int, event: Found, place: str, known: Tracked) -> bool:
        """Whether no later run has told of a finding in an environment since it was opened there."""
        if place not in known.where:
            return True
        before = (instant_of(n, e, place, self._places, self._lines) for n, e in known.sightings(place, self._places))
        return instant_of(line, event, place, self._places, self._lines) >= max(before, default="")

    def _opens(self, line: int, event: Found, known: Tracked) -> tuple[str, ...]:
        """Environments in which a sighting has a finding open: not where a later run, or the reviewer, closed it."""
        here = self._places.of(event.environment)
        when = {place: instant_of(line, event, place, self._places, self._lines) for place in here}
        late = tuple(p for p in here if p not in known.where and when[p] < known.closed.get(p, ""))
        if late:
            self._notices.append(
                f"{self._name}:{line}: {event.type} {event.number} by a run of {when[late[0]]}, and a later word "
                f"closed it in {', '.join(late)}: it stays closed there"
            )
        return tuple(place for place in here if place not in late)

    def _new(self, line: int, event: Found, finding: Finding) -> Tracked:
        number = event.number
        self._told[event.fingerprint] = {number}
        if self._owner_of.setdefault(number, event.fingerprint) != event.fingerprint:
            taken, n = number, 2
            while (number := f"{taken}-{n}") in self._owner_of:
                n += 1
            self._owner_of[number] = event.fingerprint
            self._notices.append(
                f"{self._name}:{line}: {taken} was given on two branches; the finding {event.fingerprint[:8]} of this "
                f"line is {number} from now on"
            )
        before = self._before.pop(event.fingerprint, None)
        tracked = Tracked(
            number=number,
            fingerprint=event.fingerprint,
            status=Status.OPEN,
            finding=finding,
            opened=event.at,
            owner=_known(finding.owner),
            due=finding.due,
            effort=_known(finding.effort),
            where=self._places.of(event.environment),
            told=dict.fromkeys(self._places.of(event.environment), finding),
            since=dict.fromkeys(self._places.of(event.environment), line),
        )
        return tracked if before is None else _after(tracked, before, tracked.where)

    def _assigned(self, line: int, event: Assigned) -> None:
        known = self._found.get(event.fingerprint)
        if known is not None:
            self._put(line, event, _after(known, event, known.where))
            return
        before = self._before.get(event.fingerprint)
        self._before[event.fingerprint] = event if before is None else _joined(before, event)


def _after(tracked: Tracked, event: Event, where: tuple[str, ...]) -> Tracked:
    match event:
        case Assigned():
            return replace(
                tracked,
                owner=event.owner or tracked.owner,
                due=event.due or tracked.due,
                effort=event.effort or tracked.effort,
            )
        case Disputed() if tracked.status.is_open:
            return replace(tracked, status=Status.DISPUTED, dispute=event)
        case Resolved() if tracked.status is Status.DISPUTED:
            return replace(tracked, status=Status.OPEN if where else Status.CLOSED, dispute=None, where=where)
        case Gone() | Closed() if tracked.status.is_open:
            if where:
                left = replace(tracked, where=where)
                return replace(left, finding=_gravest(left))
            away = Status.GONE if isinstance(event, Gone) else Status.CLOSED
            return replace(tracked, status=away, where=(), dispute=None)
    return tracked


def _gravest(tracked: Tracked) -> Finding:
    """What the environments in which it is open tell of it: one that is mended says nothing of the others."""
    told = [tracked.told[place] for place in tracked.where]
    worst = min(told, key=lambda finding: list(Severity).index(finding.severity))
    # Of several that are as grave, the one that was told last.
    return tracked.finding if tracked.finding in told and tracked.finding.severity is worst.severity else worst


def _closes(event: Event) -> TypeGuard[Closed | Resolved]:
    return isinstance(event, Closed) or (isinstance(event, Resolved) and event.upheld)


def _joined(first: Assigned, then: Assigned) -> Assigned:
    return replace(
        then,
        owner=then.owner or first.owner,
        due=then.due or first.due,
        effort=then.effort or first.effort,
    )


def _known(text: str) -> str:
    return "" if text == NOT_STATED else text
