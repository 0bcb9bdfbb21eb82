"""What changed from one audit of a service to the next. Pure: from two filed cards to what is different.

Levels and totals are compared before the second reviewer's cap, on both sides: a missing signature is no regression,
and a new one no progress. A check that failed before and could not run now keeps its failed limit, as it does within a
run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum

from pytest_backend_audit.filed import part_of, standing_word
from pytest_backend_audit.model import (
    DERIVED,
    HAD_PASSED,
    FiledCard,
    FiledCheck,
    FiledDimension,
    FiledFinding,
    Outcome,
    Severity,
)
from pytest_backend_audit.moved import moves
from pytest_backend_audit.totals import total, uncapped
from pytest_backend_audit.worse import every, fallen, in_places, new_high, without_cases

_LINE = re.compile(r"(?<=\.yaml):\d+|(?<=\.yml):\d+")
"""Where a title says that a limit stands: another line is no change of what was found."""
_RANK = {severity: rank for rank, severity in enumerate(Severity)}


class NotComparableError(ValueError):
    """The audits have nothing in common to compare; the message says what keeps them apart."""


class Trend(StrEnum):
    """How a finding got on."""

    NEW = "new"
    WORSE = "worse"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Side:
    """One audit of a comparison."""

    card: FiledCard
    partial: bool = False
    """Whether it says nothing about dimensions of which it has no check."""
    remarks: tuple[str, ...] = ()
    """What else a reader has to know of it: "a rehearsal"."""
    invalid: str = ""
    """Why it proves nothing about its commit; empty if it does."""

    def part(self, *names: str) -> Side:
        """What the first of these environments was by itself, of those that a merge has; any other audit as it is."""
        card = part_of(self.card, names)
        return self if card is self.card else replace(self, card=card, partial=card.partial)


@dataclass(frozen=True, slots=True)
class LevelChange:
    """One dimension; None where an audit did not look at it."""

    id: str
    name: str
    before: int | None
    now: int | None
    """Before the reviewer's cap, what was carried over taken into account."""
    recorded_before: int | None
    recorded_now: int | None

    @property
    def fell(self) -> bool:
        """Whether it is lower now."""
        return self.before is not None and self.now is not None and self.now < self.before

    @property
    def rose(self) -> bool:
        """Whether it is higher now."""
        return self.before is not None and self.now is not None and self.now > self.before


@dataclass(frozen=True, slots=True)
class CheckChange:
    """A check whose outcome or limit is another one; an outcome is None where an audit does not have it."""

    id: str
    dimension: str
    criterion: str
    level: int
    before: Outcome | None
    now: Outcome | None
    limit_before: int | None
    limit_now: int | None
    """What was carried over taken into account."""
    carried: bool = False
    """Whether it could not run now and keeps the limit of its failure."""


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding that is new, gone, worse, or different in another way."""

    trend: Trend
    dimension: str
    criterion: str
    check: str
    title: str
    """The present one; of a gone finding the last."""
    id_before: str
    id_now: str
    severity_before: Severity | None
    severity_now: Severity | None
    what: tuple[str, ...] = ()
    """In what it differs: ``severity``, ``limit``, ``title``."""


@dataclass(frozen=True, slots=True)
class SettingChange:
    """Something that decides how things are judged, and is set differently."""

    kind: str
    """``threshold``, ``exception``, ``sought``, ``weight``."""
    name: str
    before: str
    """Empty where it was not set."""
    now: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two audits, held against each other."""

    prior: FiledCard
    now: FiledCard
    warnings: tuple[str, ...]
    """Why a difference may come from elsewhere than the service, one sentence each."""
    total_before: int | None
    total_now: int | None
    """Of the levels below, so before the reviewer's cap; None without a total."""
    levels: tuple[LevelChange, ...]
    checks: tuple[CheckChange, ...]
    findings: tuple[FindingChange, ...]
    settings: tuple[SettingChange, ...]
    worse: tuple[str, ...]
    """What a gate on "no worse" stumbles over; empty if nothing got worse."""


def compare(now: Side, prior: Side) -> Comparison:
    """What changed.

    Of a merge, beside an audit of one of its environments, what that one was by itself; of two merges the whole, which
    is worse where one of the environments that both have is.

    Raises:
        NotComparableError: They are of different services, judged by different standards, or looked at no dimension
            both.
    """
    _refuse(now.card, prior.card)
    whole = now.card
    now, prior = _alike(now, prior)
    prior = replace(prior, card=_as_named(prior.card, now.card))
    others = tuple(place for place in whole.parts if now.card is not whole and place != now.card.environment)
    held = _held(now.card.checks, prior.card.checks)
    levels = tuple(_levels(now, prior, held))
    if not any(c.before is not None and c.now is not None for c in levels):
        raise NotComparableError(
            "there is no dimension that both looked at, so nothing would be compared; take a whole audit, or merge "
            "shards (backend-audit merge)"
        )
    fell = fallen({c.id: c.before for c in levels if c.before is not None}, {c.id: c.now for c in levels if c.now})
    cases = without_cases((c.dimension, c.criterion, c.taken_out) for c in now.card.checks)
    worse = in_places((*fell, *cases, *_new_high(now, prior)), _worse_apart(now, prior))
    return Comparison(
        prior=prior.card,
        now=now.card,
        warnings=(*_not_compared(others), *_warnings(now, prior)),
        total_before=uncapped(prior.card),
        total_now=_total(now.card, levels),
        levels=levels,
        checks=tuple(_checks(now, prior, held)),
        findings=tuple(_findings(now, prior, held)),
        settings=tuple(settings(now.card, prior.card)),
        worse=(
            *worse,
            *([f"this audit is invalid, so that it shows no level: {now.invalid}"] if now.invalid else ()),
        ),
    )


def _alike(now: Side, prior: Side) -> tuple[Side, Side]:
    """Both audits, a merge as its environment that the other one is of; as they are where it has none."""
    if now.card.parts and not prior.card.parts:
        named = (place for place in now.card.parts if prior.card.environment in _names(now.card.parts[place]))
        return now.part(*named), prior
    return now, prior if now.card.parts else prior.part(*_names(now.card))


def _worse_apart(now: Side, prior: Side) -> dict[str, tuple[str, ...]]:
    """What is worse in each of the environments that two merges have, by itself: another may make up for it."""
    found = {}
    for place, card in now.card.parts.items():
        before = prior.part(*_names(card))
        if before.card is prior.card:
            continue
        with suppress(NotComparableError):  # another dimension each
            found[place] = compare(now.part(place), before).worse
    return found


def _not_compared(others: Sequence[str]) -> Iterable[str]:
    """That environments of a merge are left out."""
    if others:
        are, it = ("is", "it") if len(others) == 1 else ("are", "them")
        yield f"{every(', '.join(others))} {are} not compared: name an audit of {it}, or of all, to compare with"


def _as_named(prior: FiledCard, now: FiledCard) -> FiledCard:
    """An audit with the ids that its checks, and findings, have now where a file was moved."""
    moved = moves((c.id for c in prior.checks), (*(c.id for c in now.checks), *now.left_out))
    if not moved:
        return prior
    marks = {f.check: f.fingerprint for f in now.findings}
    return replace(
        prior,
        checks=tuple(replace(c, id=moved.get(c.id, c.id)) for c in prior.checks),
        findings=tuple(
            replace(f, check=moved[f.check], fingerprint=marks.get(moved[f.check], f.fingerprint))
            if f.check in moved
            else f
            for f in prior.findings
        ),
    )


def _names(card: FiledCard) -> tuple[str, ...]:
    """What an audit's one environment is called, and was."""
    before = card.formerly.get(card.environment)
    return (card.environment, before) if before is not None else (card.environment,)


def _total(card: FiledCard, levels: Iterable[LevelChange]) -> int | None:
    """The total of the present levels, what was carried over taken into account."""
    if card.total is None:
        return None
    looked = {c.id: c.now for c in levels if c.now is not None}
    return total(looked, {d.id: d.weight for d in card.dimensions})


def _new_high(now: Side, prior: Side) -> tuple[str, ...]:
    found = ((f.severity, f.check, f.title) for f in now.card.findings if f.check not in DERIVED)
    if prior.partial:
        # What a part of an audit did not look at may have been there.
        seen = {c.id for c in prior.card.checks}
        found = ((s, check, title) for s, check, title in found if check in seen)
    return new_high(found, (c.id for c in prior.card.checks if c.outcome not in HAD_PASSED))


def _refuse(now: FiledCard, prior: FiledCard) -> None:
    if now.service != prior.service:
        raise NotComparableError(
            f"one is an audit of {now.service or 'no named service'}, the other of "
            f"{prior.service or 'no named service'}; name two audits of one service"
        )
    for what, one, other in (("standard", now.standard, prior.standard), ("basis", now.basis, prior.basis)):
        if one != other:
            raise NotComparableError(
                f"the {what} is another one: {one or 'none'}, and {other or 'none'} before; a level means something "
                "else in each"
            )


def _warnings(now: Side, prior: Side) -> Iterable[str]:
    one, other = now.card, prior.card
    if one.sources and set(one.sources) == set(other.sources):
        yield "both are the same audit"
    if one.instant < other.instant:
        yield f"the prior audit is the later one ({other.instant}, and {one.instant}): were they named the wrong way?"
    if one.environment_kind != other.environment_kind:
        yield (
            f"the environment is of another kind: {every(one.environment_kind)} now, {every(other.environment_kind)} "
            "before; what differs may come from there"
        )
    elif one.environment != other.environment:
        before = {one.formerly.get(place, place) for place in one.environment.split(", ")}
        if before == set(other.environment.split(", ")):
            yield f"the environment was called {every(other.environment)} before, and is {every(one.environment)} now"
        else:
            yield f"the environment is another one: {every(one.environment)} now, {every(other.environment)} before"
    for side, name in ((now, "this"), (prior, "the prior")):
        for remark in side.remarks:
            yield f"{name} audit is {remark}"
        if side.partial:
            yield (
                f"{name} audit is partial: dimensions that it has no check of, or of which it left out one of the "
                "other's, are not compared"
            )
    if one.standard_version != other.standard_version:
        yield (
            f"the standard is of another version: {one.standard_version or 'not stated'} now, "
            f"{other.standard_version or 'not stated'} before"
        )
    if one.rows != other.rows:
        yield f"rows sought and applicable: {one.rows} now, {other.rows} before"


def _held(now: Iterable[FiledCheck], prior: Iterable[FiledCheck]) -> dict[str, int]:
    """Checks that could not run and keep a failed limit -> that limit."""
    known = {c.id: standing_word(c) for c in prior}
    failed = {id_: limit for id_, (outcome, limit) in known.items() if outcome is Outcome.FAILED}
    found: dict[str, int] = {}
    for check in now:
        if check.outcome is not Outcome.COULD_NOT_RUN:
            continue
        before = failed.get(check.id, check.limit)
        if check.carried or before < check.limit:
            found[check.id] = min(check.limit, before)
    return found


def _levels(now: Side, prior: Side, held: Mapping[str, int]) -> Iterable[LevelChange]:
    present, past = _seen(now), _seen(prior)
    for id_ in _narrowed(now, prior):
        present.pop(id_, None)
    lowered: dict[str, int] = {}
    for check in now.card.checks:
        if check.id in held:
            lowered[check.dimension] = min(held[check.id], lowered.get(check.dimension, 5))
    names = {d.id: d.name for d in (*prior.card.dimensions, *now.card.dimensions)}
    for id_ in _order(now.card.dimensions, prior.card.dimensions):
        one, other = present.get(id_), past.get(id_)
        yield LevelChange(
            id_,
            names[id_],
            other.would_be if other else None,
            min(one.would_be, lowered.get(id_, one.would_be)) if one else None,
            other.level if other else None,
            one.level if one else None,
        )


def _seen(side: Side) -> dict[str, FiledDimension]:
    looked = {c.dimension for c in side.card.checks}
    return {d.id: d for d in side.card.dimensions if not side.partial or d.id in looked}


def _narrowed(now: Side, prior: Side) -> set[str]:
    """Dimensions of which an audit left out a check that the one before had: it says nothing of their levels."""
    left = frozenset(now.card.left_out)
    return {c.dimension for c in prior.card.checks if c.id in left}


def _order(now: Sequence[FiledDimension], prior: Sequence[FiledDimension]) -> list[str]:
    """Dimensions of both, in the present order, what is gone after them."""
    return list(dict.fromkeys(d.id for d in (*now, *prior)))


def _checks(now: Side, prior: Side, held: Mapping[str, int]) -> Iterable[CheckChange]:
    present, past = {c.id: c for c in now.card.checks}, {c.id: c for c in prior.card.checks}
    for id_ in dict.fromkeys([*present, *past]):
        one, other = present.get(id_), past.get(id_)
        if (one is None and now.partial) or (other is None and prior.partial):
            continue
        limit = held.get(id_, one.limit) if one else None
        same = one and other and one.outcome is other.outcome and limit == other.limit
        known = one or other
        if same or known is None:
            continue
        yield CheckChange(
            id_,
            known.dimension,
            known.criterion,
            known.level,
            other.outcome if other else None,
            one.outcome if one else None,
            other.limit if other else None,
            limit,
            id_ in held,
        )


def _findings(now: Side, prior: Side, held: Mapping[str, int]) -> Iterable[FindingChange]:
    present = {f.fingerprint: f for f in now.card.findings}
    past = {f.fingerprint: f for f in prior.card.findings}
    limits = {c.id: held.get(c.id, c.limit) for c in now.card.checks}
    limits_before = {c.id: c.limit for c in prior.card.checks}
    made = [
        _finding(present.get(key), past.get(key), limits_before, limits)
        for key in dict.fromkeys([*present, *past])
        if not (key not in present and now.partial and past[key].check not in limits)
        and not (key not in past and prior.partial and present[key].check not in limits_before)
    ]
    order = {trend: rank for rank, trend in enumerate(Trend)}
    found = [change for change in made if change is not None]
    return sorted(found, key=lambda c: (order[c.trend], _RANK[c.severity_now or c.severity_before or Severity.LOW]))


def _finding(
    now: FiledFinding | None, before: FiledFinding | None, limits_before: Mapping[str, int], limits: Mapping[str, int]
) -> FindingChange | None:
    known = now or before
    if known is None:
        return None
    trend, what = Trend.NEW if before is None else Trend.GONE, []
    if now is not None and before is not None:
        limit, old = limits.get(now.check), limits_before.get(before.check)
        lower = limit is not None and old is not None and limit < old
        graver = _RANK[now.severity] < _RANK[before.severity]
        what += ["severity"] if now.severity is not before.severity else []
        what += ["limit"] if limit != old else []
        what += ["title"] if _LINE.sub("", now.title) != _LINE.sub("", before.title) else []
        if not what:
            return None
        trend = Trend.WORSE if graver or lower else Trend.CHANGED
    return FindingChange(
        trend,
        known.dimension,
        known.criterion,
        known.check,
        known.title,
        before.id if before else "",
        now.id if now else "",
        before.severity if before else None,
        now.severity if now else None,
        tuple(what),
    )


def settings(now: FiledCard, prior: FiledCard) -> Iterable[SettingChange]:
    """What decides how things are judged, and differs: thresholds, exceptions, sought levels, weights."""
    yield from _differing("threshold", _texts(prior.thresholds), _texts(now.thresholds))
    yield from _differing("exception", _exceptions(prior.exceptions), _exceptions(now.exceptions))
    for kind, before, present in (
        ("sought", {d.id: f"L{d.sought}" for d in prior.dimensions}, {d.id: f"L{d.sought}" for d in now.dimensions}),
        ("weight", {d.id: d.weight for d in prior.dimensions}, {d.id: d.weight for d in now.dimensions}),
    ):
        common = [id_ for id_ in present if id_ in before]
        yield from _differing(kind, {i: before[i] for i in common}, {i: present[i] for i in common})


def _texts(values: Mapping[str, str | int | float | bool]) -> dict[str, str]:
    return {k: str(v).lower() if isinstance(v, bool) else str(v) for k, v in values.items()}


def _exceptions(lines: Iterable[str]) -> dict[str, str]:
    """What is excepted -> the rest of its line: until when, and why."""
    found: dict[str, str] = {}
    for line in lines:
        mark = ": " if line.startswith("left out ") else " until "
        name, _, rest = line.partition(mark)
        found[name] = rest or line
    return found


def _differing(kind: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterable[SettingChange]:
    for name in dict.fromkeys([*now, *before]):
        if before.get(name) != now.get(name):
            yield SettingChange(kind, name, before.get(name, ""), now.get(name, ""))
