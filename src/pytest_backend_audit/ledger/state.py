"""How a ledger stands: its filings, and each finding through all of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pytest_backend_audit.ledger.cards import Cards
from pytest_backend_audit.ledger.course import Course, Ending
from pytest_backend_audit.ledger.errors import LedgerError
from pytest_backend_audit.ledger.events import (
    Assigned,
    Closed,
    Disputed,
    Event,
    Filed,
    Found,
    Gone,
    Resolved,
    Retired,
)
from pytest_backend_audit.ledger.places import Places, environments
from pytest_backend_audit.ledger.reasons import UNMENDED
from pytest_backend_audit.ledger.replacements import Replacements
from pytest_backend_audit.ledger.words import Filings, filing_at
from pytest_backend_audit.model import DERIVED, Finding

NOT_STATED = "not stated"
_NUMBER = re.compile(r"(?:F-?)?0*(\d{1,9})(-\d{1,3})?", re.IGNORECASE)
SHORTEST = 6
"""Digits of a fingerprint that name a finding."""
_MARK = re.compile(rf"[0-9a-f]{{{SHORTEST},64}}")


class Status(StrEnum):
    """How a finding stands."""

    OPEN = "open"
    DISPUTED = "disputed"
    """Open, and somebody says that it is wrong."""
    CLOSED = "closed"
    """Its check passed when it was run again, or its dispute was upheld."""
    GONE = "gone"
    """A later audit no longer had it; in one of its environments, at least, where nothing shows that it is mended."""

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
    courses: Mapping[str, Course] = field(default_factory=dict)
    """Environment -> what became of it there."""
    dispute: Disputed | None = None
    """The one that is not resolved."""
    history: tuple[tuple[int, Event], ...] = ()
    """Line of the ledger, and event."""

    @property
    def numbers(self) -> frozenset[str]:
        """All that lines give it: two branches may each have given one."""
        return frozenset(getattr(event, "number", "") for _, event in self.history) - {""}

    @property
    def closing(self) -> str:
        """What closed it, and who said so: ``closed by dispute (Grace)``; empty unless it is closed."""
        if self.status is not Status.CLOSED or not isinstance(self.ending, Closed | Resolved):
            return ""
        shown = "a whole audit" if self.finding.check in DERIVED else "its check"
        what = shown if isinstance(self.ending, Closed) else "dispute"
        return f"closed by {what} ({self.ending.by})"

    @property
    def ending(self) -> Ending | None:
        """The last word that closed it in any of its environments; None where none did."""
        ends = [(end.instant, place, end) for place, course in self.courses.items() if (end := course.last_end)]
        event = max(ends, key=lambda end: end[:2])[2].event if ends else None
        return None if isinstance(event, Found) else event

    @property
    def unmended(self) -> str:
        """Why it is not open, though nothing shows it to be mended in one of its environments; empty if it isn't so."""
        if self.status.is_open:
            return ""
        ends = (end.event for course in self.courses.values() if (end := course.last_end))
        reasons = {event.reason for event in ends if isinstance(event, Gone)}
        return next((reason for reason in UNMENDED if reason in reasons), "")

    def before_it_went_unmended(self) -> Tracked | None:
        """As it was, and only where it went with nothing to show that it is mended; None where it did so nowhere."""
        went = {place: course.before_it_went() for place, course in self.courses.items() if course.went_unmended}
        where = tuple(place for place, course in went.items() if course.is_open)
        if not where:
            return None
        return replace(self, status=Status.OPEN, courses={**self.courses, **went}, where=where, dispute=None)

    @property
    def reason(self) -> str:
        """Why it is gone: its check passed, or it or its environment is audited no more; empty unless it is gone."""
        told = isinstance(self.ending, Gone | Retired) and self.status is Status.GONE
        return self.unmended or (_reason(self.ending) if told and isinstance(self.ending, Gone | Retired) else "")

    def sightings(self, place: str) -> list[tuple[int, Found]]:
        """The audits that had it in an environment since it was closed there last, each with its line."""
        course = self.courses.get(place)
        return course.sightings if course is not None else []

    def current(self) -> Finding:
        """The finding with what the ledger knows of it."""
        return replace(
            self.finding,
            id=self.number,
            owner=self.owner or NOT_STATED,
            due=self.due,
            effort=self.effort or NOT_STATED,
        )


def _reason(event: Gone | Retired) -> str:
    if isinstance(event, Retired):
        return f"{event.environment} is audited no more ({event.by}): {event.reason}"
    return event.reason


@dataclass(frozen=True, slots=True)
class State:
    """A ledger, folded."""

    service: str = ""
    """As its filings name it; empty without any."""
    name: str = "ledger.jsonl"
    """How messages call its file."""
    filings: tuple[Filed, ...] = ()
    findings: tuple[Tracked, ...] = ()
    """In the order in which they were opened first."""
    assigned: Mapping[str, Assigned] = field(default_factory=dict)
    """Fingerprint -> who is to mend a finding that was not filed yet."""
    notices: tuple[str, ...] = ()
    """What is odd and was settled, each with how."""
    shared: Mapping[str, str] = field(default_factory=dict)
    """Of these, each about a card's name that two branches gave -> that name: `shelf.notices` looks for both cards."""
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
        mark = asked.lower()
        marks = [t for t in self.findings if _MARK.fullmatch(mark) and t.fingerprint.startswith(mark)]
        if len(marks) == 1:
            return marks[0]
        if marks:
            raise LedgerError(f"{asked}: so begin several: {', '.join(t.number for t in marks)}; give the number")
        match = _NUMBER.fullmatch(asked)
        number = f"F-{int(match[1]):04}{match[2] or ''}" if match else asked
        named = next((t for t in self.findings if t.number == number), None)
        # The number that one of two branches gave it.
        named = named or next((t for t in self.findings if number in t.numbers), None)
        if named is None:
            if re.fullmatch(r"[0-9a-f]*[a-f][0-9a-f]*", mark) and len(mark) < SHORTEST:
                raise LedgerError(f"{asked}: give at least {SHORTEST} digits of a fingerprint, or the number")
            numbers = sorted((t.number for t in self.findings), key=lambda n: (len(n.partition("-")[2]), n))
            known = f"they are {numbers[0]} to {numbers[-1]}" if numbers else "none yet"
            raise LedgerError(f"{asked}: the ledger has no such finding ({known}); `backend-audit findings list --all`")
        return named

    def latest(self, environment: str, *, before: str = "", but: Iterable[str] = ()) -> Filed | None:
        """The filing that an audit compares with: that of the latest run of its environment.

        Args:
            environment: The audit's, one alone: each of a merge's has its own.
            before: An instant before which that run has to lie; empty for any.
            but: Last hashes of the journals of the audit itself: once it was filed, by itself or in a merge, that is no
                earlier one.
        """
        wanted, own = self.places.one(environment), frozenset(but)
        fit = []
        for filed in reversed(self.filings):
            here = [place for place in environments(filed.environment) if self.places.one(place) == wanted]
            instant = max(map(filed.instant_in, here), default="")
            if here and own.isdisjoint(filed.heads) and (not before or instant < before):
                fit.append((filed, instant))
        # Of several of one run the last, which is the signed one.
        return max(fit, key=lambda entry: entry[1], default=(None, ""))[0]

    @property
    def cards(self) -> Cards[Filed]:
        """The filings by their cards."""
        return Cards(self.filings)


def next_number(state: State) -> int:
    """The number that the next new finding gets."""
    # Also one that only a branch gave, to a finding whose other number counts.
    numbers = {t.number for t in state.findings} | {getattr(event, "number", "") for _, event in state.events}
    used = [int(m[1]) for number in numbers if (m := _NUMBER.fullmatch(number))]
    return max(used, default=0) + 1


def open_disputes(state: State) -> tuple[str, ...]:
    """Each dispute that waits for the reviewer, one line each."""
    return tuple(
        f"{t.number} {t.finding.dimension}: {t.finding.title}: disputed by {t.dispute.by} on {t.dispute.at[:10]}: "
        f"{t.dispute.reason}"
        for t in state.findings
        if t.dispute is not None and t.status is Status.DISPUTED
    )
