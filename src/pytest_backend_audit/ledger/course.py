"""What became of a finding in one environment, by its words in the order in which they were true. Pure.

Runs count in the order in which they were made, whatever the order of the lines that tell of them: a run may be filed
late, and two branches' lines may be joined either way.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from pytest_backend_audit.ledger.events import Closed, Found, Gone, Resolved, Retired
from pytest_backend_audit.ledger.reasons import UNMENDED
from pytest_backend_audit.model import YetToPass

Ending: TypeAlias = Gone | Closed | Resolved | Retired
"""An event that closes a finding."""


@dataclass(frozen=True, slots=True)
class Word:
    """A line of the ledger, as far as it speaks of one finding in one environment."""

    instant: str
    """Of the run that it tells of, or of the reviewer's word; RFC 3339 in UTC, as a run records it: texts compare."""
    line: int
    event: Found | Ending
    blind: Collection[str] | None = None
    """Of a pass to which another environment contributed: the cases that could not run here, none where all; None of
    any other word."""

    @property
    def order(self) -> tuple[str, int]:
        """By what words are ordered."""
        return self.instant, self.line


@dataclass(slots=True)
class _Standing:
    """How a finding stands after some words."""

    is_open: bool = False
    sightings: list[Word] = field(default_factory=list)
    """The audits that had it since it was closed last."""
    last_end: Word | None = None
    turns: list[Word] = field(default_factory=list)
    """The words that opened or closed it, by turns."""
    failed: set[str] = field(default_factory=set)
    """Cases of its check that have yet to pass."""
    is_failed_as_a_whole: bool = False

    def go(self, word: Word) -> None:
        """Go on by the next word."""
        if isinstance(word.event, Found):
            self._sighted(word, word.event)
        elif isinstance(word.event, Retired) and not self.is_open and self.last_end is not None:
            return  # how it ended is known
        elif word.blind is None or self.is_answered(word.blind):
            if self.is_open:
                self.turns.append(word)
            self.is_open, self.last_end = False, word
            self.sightings = []
            self.failed, self.is_failed_as_a_whole = set(), False

    def _sighted(self, word: Word, event: Found) -> None:
        self.failed -= {*event.passed}
        if not event.is_blind:
            self.failed |= {*event.cases}
            self.is_failed_as_a_whole = self.is_failed_as_a_whole or not event.cases
        if not self.is_open:
            self.turns.append(word)
        self.is_open = True
        self.sightings.append(word)

    def is_answered(self, blind: Collection[str]) -> bool:
        """As for a course."""
        if self.is_failed_as_a_whole:
            return False
        return not self.failed or (bool(blind) and self.failed.isdisjoint(blind))


class Course:
    """A finding in one environment: it grows by a word, and is as if the words had come in their order."""

    def __init__(self) -> None:
        self._words: list[Word] = []
        self._by_now: _Standing | None = None
        """By all of the words; None once one has come that is not the last."""

    @property
    def _standing(self) -> _Standing:
        if self._by_now is None:
            self._by_now = _after(self._words)
        return self._by_now

    @property
    def is_open(self) -> bool:
        """Whether the last word that counts is of an audit that had it."""
        return self._standing.is_open

    @property
    def sightings(self) -> list[tuple[int, Found]]:
        """The audits that had it since it was closed last, each with its line."""
        return [(word.line, word.event) for word in self._standing.sightings if isinstance(word.event, Found)]

    @property
    def last_end(self) -> Word | None:
        """By what it was closed last, be it open again; None where it never was, or no audit ever had it here."""
        return self._standing.last_end if self.was_found else None

    @property
    def turns(self) -> list[Word]:
        """The words that opened and closed it, by turns."""
        return self._standing.turns

    @property
    def found(self) -> list[Word]:
        """Of all audits that ever had it."""
        return [word for word in self._words if isinstance(word.event, Found)]

    @property
    def was_found(self) -> bool:
        """Whether an audit ever had it here: a word that closes it may be about other environments, too."""
        return any(isinstance(word.event, Found) for word in self._words)

    @property
    def seen(self) -> str:
        """Instant of the latest run that had it since it was closed; empty where none had."""
        return self._standing.sightings[-1].instant if self._standing.sightings else ""

    @property
    def yet_to_pass(self) -> YetToPass:
        """What is known of its check's cases.

        One that failed has yet to pass until an audit that knew of it says that it did.
        """
        if not self.sightings:
            return YetToPass()
        last, failed = self.sightings[-1][1], self._standing.failed
        blind = sorted({*last.cases, *last.could_not_run} - failed)
        return YetToPass(tuple(sorted(failed)), last.count, tuple(blind))

    @property
    def overruled(self) -> list[Word]:
        """Words that would say otherwise how it stands, if lines counted in the order in which they stand.

        Of an open one, what would have closed it; of a closed one, the audits that had it.
        """
        if self.is_open:
            current = self._standing.sightings
            first = min(word.line for word in current)
            ends = [word for word in self._words if not isinstance(word.event, Found)]
            return [word for word in ends if word.order > current[0].order or first < word.line]
        end = self.last_end
        return [word for word in self.found if end and word.order < end.order and word.line > end.line]

    def is_answered(self, blind: Collection[str]) -> bool:
        """Whether what could not run here may be answered in another environment: no failure of it is known.

        Args:
            blind: The cases that could not run, none where all could not.
        """
        return self._standing.is_answered(blind)

    def told_by(self, instant: str) -> bool:
        """Whether an audit that was filed by then had it."""
        return any(word.event.at <= instant for word in self.found)

    def latest_sighting(self, after: str, until: str) -> str:
        """Instant of the latest run between two instants that had it; the first one where none had."""
        return max((word.instant for word in self.found if after < word.instant <= until), default=after)

    def add(self, word: Word) -> None:
        """Go on by a word."""
        insort(self._words, word, key=lambda each: each.order)
        if self._words[-1] is not word:
            self._by_now = None
        elif self._by_now is not None:
            self._by_now.go(word)

    @property
    def went_unmended(self) -> bool:
        """Whether it is closed, and nothing has shown it to be mended."""
        return not self.is_open and self.last_end is not None and _is_unmended(self.last_end)

    def before_it_went(self) -> Course:
        """As it was before it was closed with nothing to show that it is mended, by several audits maybe."""
        last, course = self.found[-1], Course()
        for word in self._words:
            if word.order < last.order or not _is_unmended(word):
                course.add(word)
        return course

    def opens(self, word: Word) -> bool:
        """Whether the finding would be open by a further word."""
        return _after(sorted([*self._words, word], key=lambda each: each.order)).is_open


def _is_unmended(word: Word) -> bool:
    return isinstance(word.event, Gone) and word.event.reason in UNMENDED


def _after(words: Iterable[Word]) -> _Standing:
    """How a finding stands after all of these words, which are in their order."""
    found = _Standing()
    for word in words:
        found.go(word)
    return found


__all__ = ["Course", "Ending", "Word"]
