"""What a filed card adds to its service's ledger: numbers for its findings, and what became of the older ones. Pure.

A run tells of findings only what no later run has told: it may be filed late, or once more when it is signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from pytest_backend_audit.findings import COVERAGE, PROOF
from pytest_backend_audit.ledger.events import Event, Filed, Found, Gone
from pytest_backend_audit.ledger.lateness import last_word, later, notes
from pytest_backend_audit.ledger.state import State, Status, Tracked, environments, fold, next_number
from pytest_backend_audit.model import Card, Finding, Outcome


@dataclass(frozen=True, slots=True)
class Who:
    """Who files, and when."""

    at: str
    by: str


@dataclass(frozen=True, slots=True)
class Filing:
    """A card, as it is filed."""

    card: Card
    """With numbers, owners, dates and efforts as the ledger has them."""
    numbers: Mapping[str, str]
    """Fingerprint -> number."""
    events: tuple[Event, ...]
    after: State
    """The ledger, once they are added."""
    notes: tuple[str, ...] = ()
    """What stays as it was because a later run has told of it, one line each."""


def filing(card: Card, state: State, *, name: str, heads: tuple[str, ...], who: Who) -> Filing:
    """What is to be written.

    Args:
        card: The card of a run that can be filed.
        state: The ledger before.
        name: Name of the card's file, without suffix.
        heads: Last hash of each journal.
        who: Who files, and when.
    """
    inputs = card.inputs
    document = inputs.document
    environment = document.environment
    disposition = card.disposition
    events: list[Event] = [
        Filed(
            at=who.at,
            by=who.by,
            file=name,
            service=document.service,
            environment=environment,
            environment_kind=document.environment_kind,
            commit=document.commit,
            instant=inputs.instant,
            heads=heads,
            lead_auditor=document.lead_auditor,
            second_reviewer=card.sign_off.reviewer if card.sign_off else "",
            total=card.total,
            disposition=disposition.id if disposition else "",
            disposition_name=disposition.name if disposition else "",
        )
    ]
    mine = environments(environment)
    instants = {f.file: f.instant for f in state.filings}
    left: list[tuple[str, Status]] = []
    surpassed: list[tuple[str, str]] = []
    numbers: dict[str, str] = {}
    free = next_number(state)
    for finding in card.findings:
        known = state.of(finding.fingerprint)
        if known is None:
            number = f"F-{free:04}"
            free += 1
        else:
            number = known.number
        numbers[finding.fingerprint] = number
        kept = replace(finding, id=number)
        if known is None:
            events.append(Found(who.at, number, finding.fingerprint, name, environment, kept))
            for place in mine:
                if newer := later(state, inputs.instant, place):
                    reason = f"the later audit {newer.file} was filed before, without it"
                    events.append(Gone(who.at, number, finding.fingerprint, newer.file, place, reason))
                    surpassed.append((number, newer.file))
            continue
        words = {place: last_word(known, place, instants) for place in mine}
        # Where it is open, an old sighting is true too; it opens nothing anew.
        places = [p for p in mine if words[p] < inputs.instant or p in known.where]
        if not places:
            left.append((number, known.status))
            continue
        kind: Literal["seen", "reopened"] = "seen" if known.status.is_open else "reopened"
        old = any(word > inputs.instant for word in words.values())
        told = None if kind == "seen" and (old or _nothing_new(known, kept)) else kept
        events.append(Found(who.at, number, finding.fingerprint, name, ", ".join(places), told, kind))
    present = {f.fingerprint for f in card.findings}
    for tracked in state.findings:
        if tracked.fingerprint in present or not tracked.status.is_open or not set(mine) & set(tracked.where):
            continue
        places = [p for p in mine if last_word(tracked, p, instants) <= inputs.instant]
        if set(places) & set(tracked.where):
            reason = why_gone(card, tracked)
            events.append(Gone(who.at, tracked.number, tracked.fingerprint, name, ", ".join(places), reason))
        else:
            left.append((tracked.number, tracked.status))
    line = max((n for n, _ in state.events), default=0) + 1
    after = fold((*state.events, *enumerate(events, line)))
    tracked_now = {t.fingerprint: t for t in after.findings}
    # The card tells its own; what the ledger adds is the number, and who mends it until when.
    shown = tuple(_shown(f, tracked_now[f.fingerprint].current()) for f in card.findings)
    told_of = notes(inputs.instant, left, surpassed)
    return Filing(replace(card, findings=shown), numbers, tuple(events), after, told_of)


def _shown(finding: Finding, tracked: Finding) -> Finding:
    return replace(finding, id=tracked.id, owner=tracked.owner, due=tracked.due, effort=tracked.effort)


def _nothing_new(known: Tracked, finding: Finding) -> bool:
    """Whether all that the ledger would learn is other evidence for the same, such as another time of asking."""
    due = "" if known.due else finding.due
    return replace(finding, evidence="", due=due) == replace(known.finding, evidence="", due="")


def why_gone(card: Card, tracked: Tracked) -> str:
    """What an audit says of a finding that it no longer has."""
    finding = tracked.finding
    if finding.check == COVERAGE:
        return f"every row of {finding.dimension} has a check, or is declared not to apply"
    if finding.check == PROOF:
        dimension = next((d for d in card.dimensions if d.id == finding.dimension), None)
        return f"{finding.dimension} stands at L{dimension.would_be}" if dimension else "the dimension is gone"
    result = next((r for r in card.checks if r.check.id == finding.check), None)
    if result is not None and result.outcome is Outcome.PASSED:
        return "its check passed"
    if result is not None:
        return "its criterion is declared not applicable"
    if any(c.id == finding.check for c in card.inputs.plan):
        return "its check is above the level that is sought"
    return "its check is no longer part of the audit"
