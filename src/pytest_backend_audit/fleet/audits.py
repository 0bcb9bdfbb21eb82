"""What a fleet keeps of each filed card: enough for its numbers, and little enough for ten thousand of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_backend_audit import filed
from pytest_backend_audit.fleet.places import Key, Place, placed
from pytest_backend_audit.model import Action, Outcome, Severity
from pytest_backend_audit.scoring.dates import moment
from pytest_backend_audit.totals import uncapped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from pytest_backend_audit.model import FiledCard, FiledCheck


T = TypeVar("T")


class State(IntEnum):
    """What became of a criterion: that of its worst check, worst last."""

    HELD = 0
    UNPROVEN = 1
    """A check could not run, or had weak evidence or none."""
    FAILED = 2
    """A check failed or was broken, or could not run and kept the limit of an earlier failure."""


_STATES = {
    Outcome.PASSED: State.HELD,
    Outcome.WEAK: State.UNPROVEN,
    Outcome.UNSUPPORTED: State.UNPROVEN,
    Outcome.COULD_NOT_RUN: State.UNPROVEN,
    Outcome.FAILED: State.FAILED,
    Outcome.BROKEN: State.FAILED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a dimension stands."""

    dimension: str
    name: str
    level: int
    """As recorded."""
    would_be: int
    """Before the reviewer's cap."""
    owner: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """What became of one criterion."""

    dimension: str
    id: str
    state: State


@dataclass(frozen=True, slots=True)
class Debt:
    """A finding: all that a fleet asks of it."""

    dimension: str
    severity: Severity
    due: date | None
    """None if it has no date."""
    mark: str = field(default="", compare=False)
    """Tells it from every other, whichever environment has it; empty where no ledger knows it."""


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit of one service."""

    place: str
    """Where its card was read."""
    service: str
    environment: str
    kind: str
    """Of the environment: prod, stage, canary or local."""
    at: datetime
    signed: bool
    sources: tuple[str, ...]
    """Last hash of the journal of each run, in the order of their digits: a merge has them in any."""
    dimensions: tuple[Standing, ...]
    criteria: tuple[Criterion, ...]
    findings: tuple[Debt, ...]
    total: int | None
    uncapped: int | None
    """The total before the reviewer's cap."""
    maximum: int
    disposition: str
    """Id, or empty."""
    disposition_name: str
    actions: tuple[Action, ...]
    digest: str = ""
    """Of the file that it was read from (`filed.digest`)."""
    tracked: bool = False
    """Whether its findings are those that its ledger has open; else they are as they were filed."""

    formerly: tuple[tuple[str, str], ...] = ()
    """Each of its environments that had another name before, and that name, as its card tells."""
    home: str = ""
    """What tells the service from its namesakes in other repositories; empty without any."""
    told: tuple[Place, ...] = ()
    """Its environments as ledgers and other audits tell of them; empty where that is as its card does."""
    retired: frozenset[str] = frozenset()
    """Of its environments those that are audited no more, by the names that they go by."""
    parts: tuple[Audit, ...] = ()
    """Of a merge: each of its environments by itself, as if its card had been filed with that one alone."""

    @property
    def name(self) -> str:
        """The service, and where it is at home if others have that name too."""
        return f"{self.service} ({self.home})" if self.home else self.service

    @property
    def subject(self) -> tuple[str, str]:
        """The service, and the kind of environment; of a merge all of its kinds."""
        return self.name, self.kind

    def left(self) -> Audit:
        """The audit as it counts once some of its environments are audited no more: a last one as it was by itself."""
        if len(self.places) != 1 or not self.retired:
            return self
        names = self.places[0].names
        part = next((part for part in self.parts if part.environment in names), None)
        return self if part is None else replace(part, home=self.home, told=self.places)

    @property
    def places(self) -> tuple[Place, ...]:
        """Its environments that are still audited: of a merge those of all of its runs."""
        every = self.told or placed(self.environment, self.kind, self.at)
        return tuple(place for place in every if place.name not in self.retired) if self.retired else every

    def of(self, asked: Collection[str]) -> dict[Key, datetime]:
        """Those of its environments that are asked for, each with when it was audited.

        Args:
            asked: Names or kinds, or those of a merge as its card has them; none: all are asked for.
        """
        every = not asked or self.environment in asked or self.kind in asked
        return {place.key: place.at for place in self.places if every or place.is_any_of(asked)}

    @property
    def identity(self) -> tuple[object, ...]:
        """What two files of one and the same audit have in common."""
        if self.sources:
            return self.service, self.sources
        return self.service, self.environment, self.kind, self.at


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that claims to be a filed card and can't be read as one."""

    place: str
    reason: str


class Reducer:
    """Makes audits of filed cards. Equal parts are kept once, as thousands of cards have most of theirs in common."""

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}

    def reduce(self, card: FiledCard, place: str, digest: str = "") -> Audit:
        """What is kept of a card.

        Args:
            card: As read.
            place: Where.
            digest: Of the file.

        Raises:
            ValueError: It holds something that no audit gives; the message says what.
        """
        filed.check(card)
        standings = tuple(
            self._once(Standing, d.id, d.name, d.level, d.would_be, d.owner.strip()) for d in card.dimensions
        )
        return Audit(
            place=place,
            digest=digest,
            service=card.service,
            environment=card.environment,
            kind=card.environment_kind,
            at=_instant(card.instant),
            signed=bool(card.second_reviewer),
            sources=tuple(sorted(card.sources)),
            dimensions=standings,
            criteria=tuple(self._criteria(card.checks)),
            findings=tuple(self._once(Debt, f.dimension, f.severity, day(f.due)) for f in card.findings),
            total=card.total,
            uncapped=uncapped(card),
            maximum=card.maximum,
            disposition=card.disposition,
            disposition_name=card.disposition_name,
            actions=tuple(self._once(Action, a.text, a.due) for a in card.actions),
            formerly=tuple(card.formerly.items()),
            # The ledger beside the card knows it by the runs of all of them.
            parts=tuple(
                replace(self.reduce(part, place, digest), sources=tuple(sorted(card.sources)))
                for part in card.parts.values()
            ),
        )

    def _criteria(self, checks: Iterable[FiledCheck]) -> Iterator[Criterion]:
        worst: dict[tuple[str, str], State] = {}
        for check in checks:
            key = check.dimension, check.criterion
            state = State.FAILED if check.carried else _STATES[check.outcome]
            if key not in worst or state > worst[key]:
                worst[key] = state
        for (dimension, criterion), state in worst.items():
            yield self._once(Criterion, dimension, criterion, state)

    def _once(self, kind: type[T], *fields: Any) -> T:
        """The value of these fields. Its look-up comes before its making, which takes longer."""
        made: T | None = self._kept.get((kind, fields))
        if made is None:
            made = self._kept[kind, fields] = kind(*fields)
        return made


def _instant(text: str) -> datetime:
    try:
        return moment(text)
    except (ValueError, OverflowError):
        raise ValueError(f"instant: no date and time: {text!r:.40}") from None


@lru_cache(maxsize=4096)
def day(text: str) -> date | None:
    """The day that a due date names; None if it names none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
