"""What a filed card adds to its service's ledger: numbers for its findings, and what became of the older ones. Pure.

A run tells of findings only what no later run has told: it may be filed late, or once more when it is signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pytest_backend_audit.cases import Cases, yet_to_pass
from pytest_backend_audit.ledger import cases, standards, terms
from pytest_backend_audit.ledger.again import named_in
from pytest_backend_audit.ledger.course import Word
from pytest_backend_audit.ledger.events import Event, Filed, Found
from pytest_backend_audit.ledger.folding import fold, known_as
from pytest_backend_audit.ledger.going import going
from pytest_backend_audit.ledger.lateness import (
    elsewhere,
    judged_otherwise,
    later,
    notes,
    otherwise,
    unasked,
)
from pytest_backend_audit.ledger.moved import moved_from
from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.ledger.speaking import found_in, outcome_in
from pytest_backend_audit.ledger.state import State, Status, Tracked, next_number
from pytest_backend_audit.ledger.terms import There
from pytest_backend_audit.ledger.times import Ran, Times
from pytest_backend_audit.model import Card, Finding, YetToPass


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
    """What whoever files should know: what stays open and why, is open late, or is gone unmended, one line each."""


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
    """
    inputs = card.inputs
    line = max((n for n, _ in state.events), default=0) + 1
    state = known_as(state, inputs.formerly)
    one = state.places.one
    filed = _filed(card, name, heads, who, runs)
    times = Times(inputs.instant, [replace(run, environment=one(run.environment)) for run in runs])
    events: list[Event] = [filed]
    mine = state.places.of(inputs.document.environment)
    told = _Told()
    results = {r.check.id: r for r in card.checks}
    names = {one(name): name for name in environments(inputs.document.environment)}
    numbers: dict[str, str] = {}
    moved, free = moved_from(card, state), next_number(state)
    for finding in card.findings:
        # What a merge has found is where its check ran; where it ran nowhere, it is missing everywhere.
        here = tuple(dict.fromkeys(map(one, found_in(card, finding.check)))) or mine
        seen = {place: times.of(place, finding.check)[-1] for place in here}
        known = state.of(finding.fingerprint)
        number = known.number if known else f"F-{free:04}"
        free += known is None
        numbers[finding.fingerprint] = number
        kept = {place: replace(_found_in(card, finding, names[place]), id=number) for place in here}
        if known is None and (before := _before_it_moved(state, finding, moved.get(finding.check, ""))):
            kept = {place: _handed_on(before, each) for place, each in kept.items()}
        result, by_place = results.get(finding.check), finding.check in inputs.by_place
        told_of = Found(who.at, number, finding.fingerprint, name, "", was=moved.get(finding.check, ""))
        sightings = {
            place: replace(
                _with_cases(told_of, cases.cases_in(result, place, state), known, place, by_place=by_place),
                outcome=outcome_in(card, finding.check, names[place]),
                instant=seen[place] if seen[place] != filed.instant_in(names[place]) else "",
            )
            for place in here
        }
        if known is None:
            events += _each(sightings, kept, "opened")
            told.surpassed += _without(number, state, seen)
            continue
        # Where it is open, an old sighting is true too; it opens nothing anew.
        places = [p for p in here if p in known.where or _opens(known, p, Word(seen[p], line, sightings[p]))]
        if not places:
            told.left.append((number, known.status, max(seen.values())))
            continue
        newly = {p: kept[p] if _is_news(known, p, kept[p]) else None for p in places}
        sightings = {p: s if newly.get(p) else replace(s, same=_told_at(known, p)) for p, s in sightings.items()}
        events += _each(sightings, newly, "seen" if known.status.is_open else "reopened")
        told.surpassed += _without(number, state, {p: seen[p] for p in places if p not in known.where})
    lacking = going(card, state, filed, times, there)
    gone = [replace(e, changed=changed(tracked, known)) if known else e for e, tracked, known in lacking.gone]
    told.left += lacking.left
    told.unlike += lacking.stays
    events += gone
    events[0] = replace(filed, lines=len(events) - 1)
    now = fold((*state.events, *enumerate(events, line)), state.name)
    tracked_now = {t.fingerprint: t for t in now.findings}
    # The card tells its own; what the ledger adds is the number, and who mends it until when.
    shown = tuple(_shown(f, tracked_now[f.fingerprint].current()) for f in card.findings)
    left = [(e.number, t.where) for e in gone for t in (tracked_now[e.fingerprint],) if t.where]
    remarks = (*told.lines(), *otherwise(gone), *unasked(gone), *elsewhere(left))
    return Filing(replace(card, findings=shown), numbers, tuple(events), now, remarks)


def _before_it_moved(state: State, finding: Finding, was: str) -> Tracked | None:
    """The open finding of a check by the id that it had before its file was moved."""
    alike = (t for t in state.findings if was and t.status.is_open and t.finding.check == was)
    return next((t for t in alike if t.finding.dimension == finding.dimension), None)


def _handed_on(before: Tracked, finding: Finding) -> Finding:
    """A finding with who mends the one that it goes on from, until when."""
    return replace(
        finding,
        owner=before.owner or finding.owner,
        due=before.due or finding.due,
        effort=before.effort or finding.effort,
    )


def _found_in(card: Card, finding: Finding, place: str) -> Finding:
    """A finding as one environment of a merge has it by itself; what only all of them together have, as it is."""
    part = card.parts.get(place, card)
    return next((own for own in part.findings if own.fingerprint == finding.fingerprint), finding)


def _with_cases(sighting: Found, now: Cases, known: Tracked | None, place: str, *, by_place: bool) -> Found:
    """A sighting with the cases of its check that have yet to pass in an environment, by this audit and those before.

    Args:
        sighting: It.
        now: What became of the cases there.
        known: The finding before.
        place: The environment.
        by_place: Whether cases of the check go by their place.
    """
    before = cases.told(known, place) if known and place in known.where else YetToPass()
    said = yet_to_pass(now, before, by_place=by_place)
    passed = tuple(case for case in before.cases if case not in said.cases)
    return replace(sighting, cases=said.cases, count=said.count, could_not_run=said.could_not_run, passed=passed)


def _opens(known: Tracked, place: str, sighting: Word) -> bool:
    """Whether a finding is opened in an environment by a sighting: no later word has closed it there."""
    course = known.courses.get(place)
    return course is None or course.opens(sighting)


def _each(
    sightings: Mapping[str, Found], newly: Mapping[str, Finding | None], kind: Literal["opened", "reopened", "seen"]
) -> Iterator[Found]:
    """A line for each of the environments of which other news are told; the first opens the finding.

    Args:
        sightings: Environment -> what is told of it.
        newly: Environment -> the finding; None where the ledger knows as much.
        kind: Of the first line.
    """
    groups: dict[Found, list[str]] = {}
    # News first.
    for place in sorted(newly, key=lambda place: newly[place] is None):
        groups.setdefault(replace(sightings[place], finding=newly[place]), []).append(place)
    for n, (told, here) in enumerate(groups.items()):
        yield replace(told, environment=", ".join(here), type=kind if n == 0 else "seen")


@dataclass(slots=True)
class _Told:
    """What a filing has to remark of findings, by their numbers."""

    left: list[tuple[str, Status, str]] = field(default_factory=list)
    """On which there is later word."""
    surpassed: list[tuple[str, str]] = field(default_factory=list)
    """Opened, though an audit that was made later, and filed before, was without them."""
    unlike: list[tuple[str, str]] = field(default_factory=list)
    """Open all the same, and why."""

    def lines(self) -> tuple[str, ...]:
        """One for each kind."""
        return (*notes(self.left, self.surpassed), *judged_otherwise(self.unlike))


def _without(number: str, state: State, seen: Mapping[str, str]) -> list[tuple[str, str]]:
    """The audits that were made after a finding was seen, and filed before: none of them told of it.

    Whether one of them has shown it to be mended, or did not look, is not for the ledger to guess.
    """
    newer = {after.file for place, instant in seen.items() if (after := later(state, instant, place))}
    return [(number, file) for file in sorted(newer)]


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
        instants=Times(card.inputs.instant, runs).told(),
        kinds=_kinds(runs),
        config=card.inputs.config_path,
        config_digest=card.inputs.config_digest,
        policy=protected.name if protected else "",
        policy_given=protected.given if protected else "",
        policy_digest=protected.digest if protected else "",
        standard=standards.named(card.inputs),
        standard_digest=standards.digest(card.inputs),
        formerly=dict(card.inputs.formerly),
        named=named_in(card.inputs),
    )


def _shown(finding: Finding, tracked: Finding) -> Finding:
    return replace(finding, id=tracked.id, owner=tracked.owner, due=tracked.due, effort=tracked.effort)


def _is_news(known: Tracked, place: str, finding: Finding) -> bool:
    """Whether the ledger learns something of an environment."""
    return not (place in known.where and _nothing_new(known.told[place], known, finding))


def _told_at(known: Tracked, place: str) -> str:
    """`at` of the line that tells what is known of a finding in an environment."""
    last = [event for _, event in known.sightings(place)][-1:]
    return next((event.at if event.finding is not None else event.same for event in last), "")


def _nothing_new(told_there: Finding, known: Tracked, finding: Finding) -> bool:
    """Whether all that the ledger would learn is other evidence for the same, such as another time of asking."""
    due = "" if known.due else finding.due
    return replace(finding, evidence="", due=due) == replace(told_there, evidence="", due="")
