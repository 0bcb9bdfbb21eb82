"""What a ledger has open, a filed card lacks, and is gone by it; and why the rest stays. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pytest_backend_audit.ledger import terms
from pytest_backend_audit.ledger.cases import missed
from pytest_backend_audit.ledger.events import Filed, Gone
from pytest_backend_audit.ledger.lateness import last_word
from pytest_backend_audit.ledger.moved import as_planned, stood_beside
from pytest_backend_audit.ledger.reasons import CASES_LEFT, LEFT, NOT_SOUGHT, UNMENDED
from pytest_backend_audit.ledger.speaking import answered_elsewhere, judged_alike, passed_in, shown_in
from pytest_backend_audit.ledger.state import State, Status, Tracked
from pytest_backend_audit.ledger.terms import There
from pytest_backend_audit.ledger.times import Times
from pytest_backend_audit.model import COVERAGE, DERIVED, PROOF, Card, Outcome
from pytest_backend_audit.titles import headline

_Went: TypeAlias = tuple[Gone, Tracked, terms.Terms | None]


@dataclass(slots=True)
class Going:
    """What a filing comes to for the findings that its card lacks."""

    gone: list[_Went] = field(default_factory=list)
    """Each that is gone, with the finding and what it was judged by."""
    left: list[tuple[str, Status, str]] = field(default_factory=list)
    """Number of each on which there is later word, how it stands, and the instant of the card's run."""
    stays: list[tuple[str, str]] = field(default_factory=list)
    """Number of each other one that stays open, somewhere at least, and why."""

    def add(self, other: Going) -> None:
        """Take in what it comes to for others."""
        self.gone += other.gone
        self.left += other.left
        self.stays += other.stays


def going(card: Card, state: State, filed: Filed, times: Times, there: There) -> Going:
    """What becomes of the open findings that a card lacks.

    One that judged by something else than the audit that had a finding has no word on it; nor has one in whose
    environment its check did not run, or that has the same failure under another name. A merge lacks a finding, too, in
    those of its environments in which the check passed.

    Args:
        card: The one that is filed.
        state: The ledger before, by the card's names of environments.
        filed: The filing.
        times: Of the card's runs, by these names.
        there: Which audit.yaml are still there.
    """
    found, audit = Going(), _Audit(card, state, filed, times, there)
    for tracked in state.findings:
        if tracked.status.is_open:
            found.add(_of(tracked, audit))
        if before := tracked.before_it_went_unmended():
            # It may show by now that it is mended there; else it stays as it went.
            found.gone += [went for went in _of(before, audit).gone if went[0].reason not in UNMENDED]
    return found


@dataclass(frozen=True, slots=True)
class _Audit:
    """What is filed, and where: see `going`."""

    card: Card
    state: State
    filed: Filed
    times: Times
    there: There


def _of(known_as: Tracked, audit: _Audit) -> Going:
    """What becomes of one finding."""
    found, card, state = Going(), audit.card, audit.state
    tracked = as_planned(card, known_as, state)
    has_it = any(f.fingerprint == tracked.fingerprint for f in card.findings)
    here = [place for place in state.places.of(audit.filed.environment) if place in tracked.where]
    if has_it:
        passed = set(map(state.places.one, passed_in(card, tracked.finding.check)))
        here = [place for place in here if place in passed]
    if not here:
        return found
    # What a merge lacks, the first of the runs that looked for it speaks for.
    lacks = {place: audit.times.of(place, tracked.finding.check)[0] for place in here}
    late = [place for place in here if last_word(tracked, place, state) > lacks[place]]
    ran = set(map(state.places.one, shown_in(card, tracked, state)))
    shown = [place for place in here if place in ran and place not in late]
    alike, wrong = judged_alike(card, tracked, state, audit.there)
    fit = [place for place in shown if place in alike]
    if late == here:
        found.left.append((tracked.number, tracked.status, max(lacks.values())))
    elif not has_it and (why := _goes_on(card, tracked, state)):
        found.stays.append((tracked.number, why))
    elif not shown:
        blind = ", ".join(place for place in here if place not in ran)
        found.stays.append((tracked.number, f"its check did not run in {blind}"))
    elif not fit:
        found.stays.append((tracked.number, wrong[0][1]))
    else:
        if wrong:
            found.stays.append((tracked.number, f"in {wrong[0][0]}, {wrong[0][1]}"))
        reasons = {place: why_gone(card, tracked, state, [place], passed=has_it) for place in fit}
        known = terms.of(tracked, state, fit)
        elsewhere = answered_elsewhere(card, tracked.finding.check, state)
        found.gone += [(event, tracked, known) for event in _events(audit.filed, tracked, lacks, reasons, elsewhere)]
    return found


def _events(
    filed: Filed,
    tracked: Tracked,
    lacks: Mapping[str, str],
    reasons: Mapping[str, str],
    elsewhere: Mapping[str, tuple[str, ...]],
) -> Iterator[Gone]:
    """A line for the environments of which the same is said: each one's pass is as old as its own run.

    Args:
        filed: The filing.
        tracked: The finding that it lacks.
        lacks: Environment -> instant of the run that speaks for it.
        reasons: Environment -> why it is gone there.
        elsewhere: Environment in which not all of its check ran -> its cases that did not.
    """
    for instant, reason in sorted({(lacks[place], reason) for place, reason in reasons.items()}):
        here = [place for place in reasons if (lacks[place], reasons[place]) == (instant, reason)]
        yield Gone(
            filed.at,
            tracked.number,
            tracked.fingerprint,
            filed.file,
            ", ".join(here),
            reason,
            instant=instant,
            elsewhere={place: elsewhere[place] for place in here if place in elsewhere},
        )


def _goes_on(card: Card, tracked: Tracked, state: State) -> str:
    """Why a card that lacks a finding does not show it to be mended all the same; empty if it does."""
    finding = tracked.finding
    before = state.of(tracked.fingerprint)
    moved = next((f for f in card.findings if f.check == finding.check), None)
    if before is not None and before.finding.check != finding.check and moved is not None:  # its file was moved
        return f"the audit has the same by another check, {moved.check}: {headline(moved.title)}"
    if finding.check not in DERIVED and all(c.id != finding.check for c in card.inputs.plan):
        # Its function has another name.
        same = (finding.dimension, finding.criterion, finding.title)
        alikes = [f for f in card.findings if (f.dimension, f.criterion, f.title) == same]
        # One that was there beside it is another.
        moved = next((f for f in alikes if not stood_beside(state.of(f.fingerprint), tracked)), None)
        if moved is not None:
            return f"the audit has the same by another check, {moved.check}: {headline(finding.title)}"
    alike = (f for f in card.findings if f.check == finding.check)
    other = next((f for f in alike if finding.check not in DERIVED or f.dimension == finding.dimension), None)
    if other is not None:
        return f"the audit has the same by another criterion or standard: {headline(other.title)}"
    dimension = next((d for d in card.dimensions if d.id == finding.dimension), None)
    # One with failures has no finding that nothing proves the next level.
    if finding.check in DERIVED and dimension is None:
        return f"the audit has no dimension {finding.dimension}"
    if finding.check == PROOF and dimension and dimension.would_be < min(finding.target, dimension.sought):
        return f"{finding.dimension} stands at L{dimension.would_be}, the target is L{finding.target}"
    return ""


def why_gone(card: Card, tracked: Tracked, state: State, places: Iterable[str], *, passed: bool = False) -> str:
    """What an audit says of a finding that it no longer has in some environments.

    Args:
        card: The audit's.
        tracked: The finding.
        state: The ledger.
        places: The environments.
        passed: Whether the check passed there, though not everywhere.
    """
    finding = tracked.finding
    if finding.check == COVERAGE:
        return f"every row of {finding.dimension} that is sought has a check, or is declared not to apply"
    if finding.check == PROOF:
        dimension = next((d for d in card.dimensions if d.id == finding.dimension), None)
        return f"{finding.dimension} stands at L{dimension.would_be}" if dimension else "the dimension is gone"
    result = next((r for r in card.checks if r.check.id == finding.check), None)
    if result is not None and (passed or result.outcome is Outcome.PASSED):
        return CASES_LEFT if missed(result, tracked, state, places) else "its check passed"
    if result is not None:
        return "its criterion is declared not applicable"
    if any(c.id == finding.check for c in card.inputs.plan):
        return NOT_SOUGHT
    return LEFT


__all__ = ["Going", "going", "why_gone"]
