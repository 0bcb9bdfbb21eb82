"""What a filed card adds to its service's ledger: numbers for its findings, and what became of the older ones. Pure.

A run tells of findings only what no later run has told: it may be filed late, or once more when it is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from pytest_backend_audit.findings import COVERAGE, PROOF
from pytest_backend_audit.ledger import terms
from pytest_backend_audit.ledger.events import Event, Filed, Found, Gone
from pytest_backend_audit.ledger.lateness import last_word, later, notes, otherwise, standing
from pytest_backend_audit.ledger.state import State, Status, Tracked, fold, next_number
from pytest_backend_audit.ledger.terms import Still
from pytest_backend_audit.model import Card, Finding, Outcome

_Gone: TypeAlias = tuple[Gone, Tracked, terms.Terms | None]


@dataclass(frozen=True, slots=True)
class Who:
    """Who files, and when."""

    at: str
    by: str


@dataclass(frozen=True, slots=True)
class Ran:
    """One of the runs that a card was made from."""

    environment: str
    instant: str
    checks: frozenset[str]
    """Ids of those that it ran."""


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


def filing(
    card: Card,
    state: State,
    *,
    name: str,
    heads: tuple[str, ...],
    who: Who,
    runs: Sequence[Ran] = (),
    still: Still = terms.EVERYTHING,
    changed: Callable[[Tracked, terms.Terms], tuple[str, ...]] = lambda *_: (),
) -> Filing:
    """What is to be written.

    Args:
        card: The card of a run that can be filed.
        state: The ledger before.
        name: Name of the card's file, without suffix.
        heads: Last hash of each journal.
        who: Who files, and when.
        runs: Those of a merge; each of its environments has instants of its own.
        still: Which audit.yaml and policies are still there.
        changed: What the card judges otherwise than the audit that had a finding, one line each.
    """
    inputs = card.inputs
    line = max((n for n, _ in state.events), default=0) + 1
    state = state.known_as(inputs.formerly)
    one = state.places.one
    filed = _filed(card, name, heads, who, _Times(inputs.instant, runs).told())
    times = _Times(inputs.instant, [replace(run, environment=one(run.environment)) for run in runs])
    events: list[Event] = [filed]
    mine = state.places.of(inputs.document.environment)
    environment = ", ".join(mine)
    left: list[tuple[str, Status, str]] = []
    surpassed: list[tuple[str, str]] = []
    unlike: list[tuple[str, str]] = []
    numbers: dict[str, str] = {}
    free = next_number(state)
    for finding in card.findings:
        seen = {place: times.of(place, finding.check)[-1] for place in mine}
        known = state.of(finding.fingerprint)
        number = known.number if known else f"F-{free:04}"
        free += known is None
        numbers[finding.fingerprint] = number
        kept = replace(finding, id=number)
        if known is None:
            events.append(Found(who.at, number, finding.fingerprint, name, environment, kept))
            newer = {place: after for place in mine if (after := later(state, seen[place], place))}
            strange = [after for after in newer.values() if not terms.fits(filed, after)]
            if strange:
                unlike.append((number, f"{_LATER.format(strange[0].file)} judged by another audit.yaml or policy"))
            else:
                events += _gone_at_once(kept, newer, who)
                surpassed += [(number, after.file) for after in newer.values() if len(newer) == len(mine)]
            continue
        words = {place: last_word(known, place, state) for place in mine}
        # Where it is open, an old sighting is true too; it opens nothing anew.
        places = [p for p in mine if words[p] < seen[p] or p in known.where]
        if not places:
            left.append((number, known.status, max(seen.values())))
            continue
        kind: Literal["seen", "reopened"] = "seen" if known.status.is_open else "reopened"
        old = any(words[place] > seen[place] for place in mine)
        told = None if kind == "seen" and (old or _nothing_new(known, kept)) else kept
        events.append(Found(who.at, number, finding.fingerprint, name, ", ".join(places), told, kind))
    away, stay, others = _away(card, state, filed, times, still)
    unlike += others
    gone = [replace(e, changed=changed(tracked, known)) if known else e for e, tracked, known in away]
    events += gone
    left += stay
    now = fold((*state.events, *enumerate(events, line)))
    tracked_now = {t.fingerprint: t for t in now.findings}
    # The card tells its own; what the ledger adds is the number, and who mends it until when.
    shown = tuple(_shown(f, tracked_now[f.fingerprint].current()) for f in card.findings)
    told_of = (*notes(left, surpassed), *standing(unlike), *otherwise(gone))
    return Filing(replace(card, findings=shown), numbers, tuple(events), now, told_of)


_LATER = "the later audit {}, which was filed before,"


def _gone_at_once(finding: Finding, newer: Mapping[str, Filed], who: Who) -> list[Gone]:
    """That audits which were made later, and filed before, were without a finding."""
    return [
        Gone(who.at, finding.id, finding.fingerprint, after.file, place, f"{_LATER.format(after.file)} was without it")
        for place, after in newer.items()
    ]


class _Times:
    """When the runs of a card were made, by environment and check; all of them at once where it is no merge."""

    def __init__(self, instant: str, runs: Sequence[Ran]) -> None:
        self._instant = instant
        self._runs = runs if len({run.instant for run in runs}) > 1 else ()

    def told(self) -> dict[str, str]:
        """Environment -> instant of its latest run, where they differ."""
        return {run.environment: run.instant for run in sorted(self._runs, key=lambda run: run.instant)}

    def of(self, environment: str, check: str) -> list[str]:
        """Instants of the runs there that ran a check, else of all of them there, the earliest first; never empty.

        A sighting is as late as the last of them, and that something is away only as late as the first.
        """
        here = [run for run in self._runs if run.environment == environment]
        tried = [run for run in here if check in run.checks] or here
        return sorted(run.instant for run in tried) or [self._instant]


def _away(
    card: Card, state: State, filed: Filed, times: _Times, still: Still
) -> tuple[list[_Gone], list[tuple[str, Status, str]], list[tuple[str, str]]]:
    """What the ledger has open and the card lacks: what is gone, what stays as there is later word of it, or why else.

    A card that judged by something else than the audit that had a finding has no word on it.
    """
    mine = state.places.of(filed.environment)
    present = {f.fingerprint for f in card.findings}
    gone: list[_Gone] = []
    left: list[tuple[str, Status, str]] = []
    stay: list[tuple[str, str]] = []
    for tracked in state.findings:
        here = [place for place in mine if place in tracked.where]
        if tracked.fingerprint in present or not tracked.status.is_open or not here:
            continue
        # What a merge lacks, the first of the runs that looked for it speaks for.
        lacks = {place: times.of(place, tracked.finding.check)[0] for place in mine}
        places = [p for p in mine if last_word(tracked, p, state) <= lacks[p]]
        if not set(places) & set(here):
            left.append((tracked.number, tracked.status, max(lacks[p] for p in here)))
            continue
        known = terms.of(tracked, state, mine)
        if why := terms.unlike(card.inputs, known, still):
            stay.append((tracked.number, why))
            continue
        reason = why_gone(card, tracked)
        event = Gone(filed.at, tracked.number, tracked.fingerprint, filed.file, ", ".join(places), reason)
        gone.append((event, tracked, known))
    return gone, left, stay


def _filed(card: Card, name: str, heads: tuple[str, ...], who: Who, instants: Mapping[str, str]) -> Filed:
    document, disposition, protected = card.inputs.document, card.disposition, card.inputs.protected
    return Filed(
        at=who.at,
        by=who.by,
        file=name,
        service=document.service,
        environment=document.environment,
        environment_kind=document.environment_kind,
        commit=document.commit,
        instant=card.inputs.instant,
        heads=heads,
        lead_auditor=document.lead_auditor,
        second_reviewer=card.sign_off.reviewer if card.sign_off else "",
        total=card.total,
        disposition=disposition.id if disposition else "",
        disposition_name=disposition.name if disposition else "",
        instants=instants,
        config=card.inputs.config_path,
        config_digest=card.inputs.config_digest,
        policy=protected.name if protected else "",
        policy_given=protected.given if protected else "",
        policy_digest=protected.digest if protected else "",
        formerly=dict(card.inputs.formerly),
    )


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
        return f"every row of {finding.dimension} that is sought has a check, or is declared not to apply"
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
