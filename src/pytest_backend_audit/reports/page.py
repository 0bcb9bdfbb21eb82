"""How much of each check the HTML page shows: all that is useful for a usual audit, less for one of 100,000 checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_backend_audit.model import Outcome, Status
from pytest_backend_audit.reports import facts
from pytest_backend_audit.reports.text import first_line, one_line

if TYPE_CHECKING:
    from pytest_backend_audit.model import Attempt, Card, CheckResult, Evidence

USUAL = 1000
"""Up to so many checks, all are shown with their evidence; beyond, a passed check takes one line."""
LARGE = 10_000
"""Beyond so many, the others show less of it too."""

_TONES = {
    Outcome.PASSED: "good",
    Outcome.WEAK: "warn",
    Outcome.UNSUPPORTED: "bad",
    Outcome.FAILED: "bad",
    Outcome.COULD_NOT_RUN: "warn",
    Outcome.BROKEN: "bad",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the page shows of each check."""

    pieces: int
    """Pieces of evidence."""
    body: int
    """Characters of a piece's title, and of its answer."""
    reason: int
    """Characters of a reason."""
    attempts: int
    """Attempts that did not pass."""
    fold_passed: bool
    """Whether a passed check takes one line, without its evidence."""
    open_findings: bool
    """Whether findings stand open."""
    listed: int = 200
    """Entries of the lists outside the dimensions."""
    merged: bool = False
    """Whether the page is made from several runs."""

    @classmethod
    def of(cls, card: Card) -> Bounds:
        """The bounds for a card of this size."""
        checks = sum(len(k.checks) for d in card.dimensions for k in d.criteria)
        few = len(card.findings) <= 30
        if checks <= USUAL:
            return cls(10, 4000, 4000, 20, fold_passed=False, open_findings=few, merged=bool(card.merged))
        if checks <= LARGE:
            return cls(3, 1000, 1000, 5, fold_passed=True, open_findings=few, merged=bool(card.merged))
        return cls(1, 300, 300, 3, fold_passed=True, open_findings=few, merged=bool(card.merged))

    @property
    def words(self) -> str:
        """The bounds, said to the reader of the page."""
        pieces = "the first piece" if self.pieces == 1 else f"the first {self.pieces} pieces"
        said = f"Each check shows {pieces} of its evidence, with up to {self.body} characters of each answer"
        if self.fold_passed:
            said = f"There are many checks: a passed one takes one line. {said.replace('Each', 'Each other', 1)}"
        where = "the journals below sources/" if self.merged else "journal.jsonl"
        return f"{said}. All evidence stands in {where} beside this page."


@dataclass(frozen=True, slots=True)
class View:
    """One check as the page shows it."""

    result: CheckResult
    word: str
    tone: str
    title: str
    folded: bool
    attempts: tuple[Attempt, ...]
    attempts_left: int
    pieces: tuple[Evidence, ...]
    pieces_left: int


@dataclass(frozen=True, slots=True)
class Viewer:
    """Makes views within bounds."""

    bounds: Bounds

    def view(self, result: CheckResult) -> View:
        """The check as the page shows it."""
        bounds = self.bounds
        passed = result.outcome is Outcome.PASSED
        folded = bounds.fold_passed and passed
        evidence = facts.evidence_of(result)
        shown = () if folded else tuple(evidence[: bounds.pieces])
        failed = [attempt for attempt in result.attempts if attempt.status is not Status.PASSED]
        told = failed if len(result.attempts) > 1 else []
        claim = one_line(result.check.page.claim) or facts.short_name(result.check.id)
        reason = "" if passed else first_line(result.reason)
        return View(
            result=result,
            word=facts.OUTCOME_WORDS[result.outcome],
            tone=_TONES[result.outcome],
            title=f"{claim.rstrip('.')}: {reason[: bounds.reason]}" if reason else claim,
            folded=folded,
            attempts=tuple(told[: bounds.attempts]),
            attempts_left=max(len(told) - bounds.attempts, 0),
            pieces=shown,
            pieces_left=len(evidence) - len(shown),
        )
