"""What a filed card adds to its service's ledger: numbers for its findings, and what became of the older ones. Pure.

A run tells of findings only what no later run has told: it may be filed late, or once more when it is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from pytest_backend_audit.findings import COVERAGE, PROOF
from pytest_backend_audit.ledger import terms
from pytest_backend_audit.ledger.closing import ran_in
from pytest_backend_audit.ledger.events import Event, Filed, Found, Gone
from pytest_backend_audit.ledger.lateness import LEFT, last_word, later, notes, otherwise, standing, unasked
from pytest_backend_audit.ledger.state import State, Status, Tracked, fold, next_number
from pytest_backend_audit.ledger.terms import There
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
    kind: str = ""
    """Of the environment."""


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
    there: There = terms.everything,
    changed: Callable[[Tracked, terms.Terms], tuple[str, ...]] = lambda *_: (),
    looked: Callable[[Filed, Finding], bool] = lambda *_: True,
) -> Filing:
    """What is to be written.

    Args:
        card: The card of a run that can be filed.
        state: The ledger before.
        name: Name of the card's file, without suffix.
        heads: Last hash of each journal.
        who: Who files, and when.
        runs: Those of a merge; each of its environments has instants of its own.
        there: Which audit.yaml are still there.
        changed: What the card judges otherwise than the audit that had a finding, one line each.
        looked: Whether an audit that was filed looked for a finding: one that had not its check did not.
    """
    inputs = card.inputs
    line = max((n for n, _ in state.events), default=0) + 1
    state = state.known_as(inputs.formerly)
    one = state.places.one
    filed = _filed(card, name, heads, who, runs)
    times = _Times(inputs.instant, [replace(run, environment=one(run.environment)) for run in runs])
    events: list[Event] = [filed]
    mine = state.places.of(inputs.document.environment)
    environment = ", ".join(mine)
    told = _Told()
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
            found = _gone_at_once(kept, state, filed, seen, looked=looked)
            events += told.at_once(number, found, len(mine), told.surpassed)
            continue
        words = {place: last_word(known, place, state) for place in mine}
        # Where it is open, an old sighting is true too; it opens nothing anew.
        places = [p for p in mine if words[p] < seen[p] or p in known.where]
        if not places:
            told.left.append((number, known.status, max(seen.values())))
            continue
        kind: Literal["seen", "reopened"] = "seen" if known.status.is_open else "reopened"
        old = any(words[place] > seen[place] for place in mine)
        newly = None if kind == "seen" and (old or _nothing_new(known, kept)) else kept
        events.append(Found(who.at, number, finding.fingerprint, name, ", ".join(places), newly, kind))
        if kind == "reopened":
            found = _gone_at_once(kept, state, filed, {p: seen[p] for p in places}, looked=looked)
            events += told.at_once(number, found, len(places), told.again)
    away = _away(card, state, filed, times, there=there, told=told)
    gone = [replace(e, changed=changed(tracked, known)) if known else e for e, tracked, known in away]
    events += gone
    now = fold((*state.events, *enumerate(events, line)))
    tracked_now = {t.fingerprint: t for t in now.findings}
    # The card tells its own; what the ledger adds is the number, and who mends it until when.
    shown = tuple(_shown(f, tracked_now[f.fingerprint].current()) for f in card.findings)
    return Filing(
        replace(card, findings=shown), numbers, tuple(events), now, (*told.lines(), *otherwise(gone), *unasked(gone))
    )


_LATER = "the later audit {}, which was filed before,"


@dataclass(slots=True)
class _Told:
    """What a filing has to remark of findings, by their numbers."""

    left: list[tuple[str, Status, str]] = field(default_factory=list)
    """On which there is later word."""
    surpassed: list[tuple[str, str]] = field(default_factory=list)
    """New, and a later audit was without them."""
    again: list[tuple[str, str]] = field(default_factory=list)
    """Likewise, and away before."""
    unlike: list[tuple[str, str]] = field(default_factory=list)
    """Open all the same, and why."""

    def at_once(
        self, number: str, found: tuple[list[Gone], str], places: int, into: list[tuple[str, str]]
    ) -> list[Gone]:
        """Remark that a finding went as soon as it came, from all of its places, or why it did not."""
        gone, why = found
        into += [(number, event.file) for event in gone if len(gone) == places]
        self.unlike += [(number, why)] if why else []
        return gone

    def lines(self) -> tuple[str, ...]:
        """One for each kind."""
        return (*notes(self.left, self.surpassed, self.again), *standing(self.unlike))


def _gone_at_once(
    finding: Finding,
    state: State,
    filed: Filed,
    seen: Mapping[str, str],
    *,
    looked: Callable[[Filed, Finding], bool],
) -> tuple[list[Gone], str]:
    """That audits which were made later, and filed before, were without a finding; or why it stays open all the same.

    Args:
        finding: With its number.
        state: The ledger before.
        filed: The filing that tells of it.
        seen: Environment -> instant at which it was seen there.
        looked: Whether an audit looked for it.
    """
    newer = {place: after for place, instant in seen.items() if (after := later(state, instant, place))}
    if strange := [after for after in newer.values() if not terms.fits(filed, after, state.replaced)]:
        return [], f"{_LATER.format(strange[0].file)} judged by another audit.yaml or policy"
    if blind := [after for after in newer.values() if not looked(after, finding)]:
        return [], f"{_LATER.format(blind[0].file)} did not look for it"
    return [
        Gone(
            filed.at, finding.id, finding.fingerprint, after.file, place, f"{_LATER.format(after.file)} was without it"
        )
        for place, after in newer.items()
    ], ""


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


def _away(card: Card, state: State, filed: Filed, times: _Times, *, there: There, told: _Told) -> list[_Gone]:
    """What the ledger has open and the card lacks, and is gone by it; `told` learns why the rest stays.

    A card that judged by something else than the audit that had a finding has no word on it, nor has one in whose
    environment its check did not run.
    """
    mine = state.places.of(filed.environment)
    present = {f.fingerprint for f in card.findings}
    gone: list[_Gone] = []
    for tracked in state.findings:
        here = [place for place in mine if place in tracked.where]
        if tracked.fingerprint in present or not tracked.status.is_open or not here:
            continue
        # What a merge lacks, the first of the runs that looked for it speaks for.
        lacks = {place: times.of(place, tracked.finding.check)[0] for place in mine}
        places = [p for p in mine if last_word(tracked, p, state) <= lacks[p]]
        if not set(places) & set(here):
            told.left.append((tracked.number, tracked.status, max(lacks[p] for p in here)))
            continue
        ran = set(map(state.places.one, ran_in(card, tracked.finding.check)))
        if not ran & set(here):
            told.unlike.append((tracked.number, f"its check did not run in {', '.join(here)}"))
            continue
        known = terms.of(tracked, state, mine)
        if why := terms.unlike(card.inputs, known, there):
            told.unlike.append((tracked.number, why))
            continue
        places = [p for p in places if p in ran]
        reason = why_gone(card, tracked)
        event = Gone(filed.at, tracked.number, tracked.fingerprint, filed.file, ", ".join(places), reason)
        gone.append((event, tracked, known))
    return gone


def _kinds(runs: Sequence[Ran]) -> dict[str, str]:
    """Environment -> its kind, where there are several."""
    kinds = {run.environment: run.kind for run in runs if run.kind}
    return kinds if len(kinds) > 1 else {}


def _filed(card: Card, name: str, heads: tuple[str, ...], who: Who, runs: Sequence[Ran]) -> Filed:
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
        instants=_Times(card.inputs.instant, runs).told(),
        kinds=_kinds(runs),
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
    return LEFT
