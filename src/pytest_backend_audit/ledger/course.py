"""What became of a finding in one environment, by its words in the order in which they were true. Pure.

Runs count in the order in which they were made, whatever the order of the lines that tell of them: a run may be filed
late, and two branches' lines may be joined either way.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

from pytest_backend_audit.ledger.events import Closed, Found, Gone, Resolved, Retired
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


class Course:
    """A finding in one environment: it grows by a word, and is as if the words had come in their order."""

    def __init__(self) -> None:
        self._words: list[Word] = []
        self._begin()

    def _begin(self) -> None:
        self.is_open = False
        self.sightings: list[tuple[int, Found]] = []
        """The audits that had it since it was closed last, each with its line."""
        self._ending: Word | None = None
        self._seen = ""
        self._failed: set[str] = set()
        self._is_failed_as_a_whole = False

    @property
    def ended(self) -> Ending | None:
        """By what it was closed last; None where it never was."""
        event = self._ending.event if self._ending else None
        return None if isinstance(event, Found) else event

    @property
    def ended_at(self) -> str:
        """Instant of that; empty where it never was."""
        return self._ending.instant if self._ending else ""

    @property
    def seen(self) -> str:
        """Instant of the latest run that had it since it was closed; empty where none had."""
        return self._seen

    @property
    def told_last(self) -> tuple[str, int]:
        """Instant of the latest run that had it at all, and its line."""
        return max((word.order for word in self._words if isinstance(word.event, Found)), default=("", 0))

    @property
    def yet_to_pass(self) -> YetToPass:
        """What is known of its check's cases.

        One that failed has yet to pass until an audit that knew of it says that it did.
        """
        if not self.sightings:
            return YetToPass()
        last = self.sightings[-1][1]
        blind = sorted({*last.cases, *last.could_not_run} - self._failed)
        return YetToPass(tuple(sorted(self._failed)), last.count, tuple(blind))

    def is_answered(self, blind: Collection[str]) -> bool:
        """Whether what could not run here may be answered in another environment: no failure of it is known.

        Args:
            blind: The cases that could not run, none where all could not.
        """
        if self._is_failed_as_a_whole:
            return False
        return not self._failed or (bool(blind) and self._failed.isdisjoint(blind))

    def told_by(self, instant: str) -> bool:
        """Whether an audit that was filed by then had it."""
        return any(isinstance(word.event, Found) and word.event.at <= instant for word in self._words)

    def latest_sighting(self, after: str, until: str) -> str:
        """Instant of the latest run between two instants that had it; the first one where none had."""
        found = (w.instant for w in self._words if isinstance(w.event, Found) and after < w.instant <= until)
        return max(found, default=after)

    @property
    def overruled(self) -> list[Word]:
        """Words that would say otherwise how it stands, if lines counted in the order in which they stand.

        Of an open one, what would have closed it; of a closed one, the audits that had it.
        """
        if self.is_open:
            current = {line for line, _ in self.sightings}
            since = min(word.order for word in self._words if word.line in current)
            ends = [word for word in self._words if not isinstance(word.event, Found)]
            return [word for word in ends if word.order > since or min(current) < word.line]
        end = self._ending
        had = [word for word in self._words if isinstance(word.event, Found)]
        return [word for word in had if end and word.order < end.order and word.line > end.line]

    def add(self, word: Word) -> None:
        """Go on by a word."""
        insort(self._words, word, key=lambda each: each.order)
        if self._words[-1] is word:
            self._go(word)
            return
        self._begin()
        for each in self._words:
            self._go(each)

    def opens(self, word: Word) -> bool:
        """Whether the finding would be open by a further word."""
        copy = Course()
        for each in sorted([*self._words, word], key=lambda each: each.order):
            copy._go(each)
        return copy.is_open

    def _go(self, word: Word) -> None:
        event = word.event
        if isinstance(event, Found):
            self._sighted(word.line, event)
            self._seen = word.instant
        elif word.blind is None or self.is_answered(word.blind):
            self.is_open, self._ending = False, word
            self.sightings, self._seen = [], ""
            self._failed, self._is_failed_as_a_whole = set(), False

    def _sighted(self, line: int, event: Found) -> None:
        self._failed -= {*event.passed}
        if not event.is_blind:
            self._failed |= {*event.cases}
            self._is_failed_as_a_whole = self._is_failed_as_a_whole or not event.cases
        self.is_open = True
        self.sightings.append((line, event))


__all__ = ["Course", "Ending", "Word"]
