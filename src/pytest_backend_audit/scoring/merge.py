"""Joining formal runs of one commit, one audit.yaml and one standard into one card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from pytest_backend_audit import jsonable
from pytest_backend_audit.limits import TOP
from pytest_backend_audit.model import (
    Attempt,
    Card,
    Document,
    Inputs,
    Mode,
    Outcome,
    PriorCheck,
    Seal,
    Status,
    YetToPass,
)
from pytest_backend_audit.scoring.card import Run, build, hiding, run_of
from pytest_backend_audit.scoring.dates import day
from pytest_backend_audit.scoring.outcomes import attempt_key
from pytest_backend_audit.scoring.records import by_check, partial_because, standard_of
from pytest_backend_audit.standard import digest

Record = tuple[Inputs, tuple[Attempt, ...], Seal | None]
"""What the journal of one run holds."""

FORMAL_ONLY = "only formal runs (--audit-sha) can be merged"
ALIKE_ONLY = "only runs of one commit, one audit.yaml, one standard and one version can be merged"

K = TypeVar("K")
V = TypeVar("V")


def combine(*groups: Iterable[tuple[Inputs, Iterable[Attempt], Seal | None]]) -> tuple[Record, ...]:
    """The records of all groups, each once, in an order that depends on nothing but themselves.

    So merging what was merged before gives the same as merging everything at once, in whatever order.

    Raises:
        ValueError: There are none, or they can't be merged: a rehearsal, or another commit, audit.yaml, standard or
            version, or a run that rests on what has lapsed since.
    """
    records = [(i, tuple(sorted(a, key=attempt_key)), s) for group in groups for i, a, s in group]
    if not records:
        raise ValueError("nothing to merge: name at least one run")
    keyed = sorted(((_digest(r), r) for r in records), key=lambda pair: (pair[1][0].instant, pair[0]))
    unique = tuple(dict(keyed).values())
    _check_fit([record[0] for record in unique])
    _check_expiries(unique)
    return unique


def score_merged(
    records: Iterable[tuple[Inputs, Iterable[Attempt], Seal | None]], *, signed_off: frozenset[str] | bool = False
) -> Card:
    """The one card of several runs.

    It is whole when each planned check was run in one of them.

    Args:
        records: What their journals hold, in any order.
        signed_off: As for `score`.

    Raises:
        ValueError: They can't be merged, as `combine` says, or one of them can't be scored.
    """
    joined = combine(records)
    if len(joined) == 1:
        inputs, attempts, seal = joined[0]
        runs = [run_of(inputs, by_check(inputs, attempts))]
        partial = partial_because(inputs, seal)
        card = build(inputs, standard_of(inputs), runs, seal, signed_off=signed_off, merged=True, partial=partial)
        return replace(card, merged=_told(joined))
    inputs = _joined_inputs([r[0] for r in joined])
    runs = [run_of(i, by_check(i, a)) for i, a, _ in joined]
    lacking = _lacking(inputs, runs)
    count = "1 planned check was" if len(lacking) == 1 else f"{len(lacking)} planned checks were"
    partial = (*inputs.narrowing, *([f"{count} run in none of the runs: {_few(lacking)}"] if lacking else ()))
    seal = _joined_seal(joined)
    card = build(
        inputs,
        standard_of(inputs),
        runs,
        seal,
        signed_off=signed_off,
        merged=True,
        partial=partial,
        parts=_parts(joined, signed_off),
    )
    return replace(card, merged=_told(joined))


def _parts(records: Sequence[Record], signed_off: frozenset[str] | bool) -> dict[str, Card]:
    """What each of several environments is without the others."""
    of_place: dict[str, list[Record]] = {}
    for record in records:
        of_place.setdefault(record[0].document.environment, []).append(record)
    if len(of_place) < 2:
        return {}
    return {place: score_merged(own, signed_off=signed_off) for place, own in sorted(of_place.items())}


def _told(records: Sequence[Record]) -> tuple[str, ...]:
    """One line for each run: when, where, how much of the plan, and what it was allowed to do."""
    lines = []
    for inputs, attempts, _ in records:
        where = inputs.document.environment or inputs.document.environment_kind or "environment not stated"
        count = len(answered(attempts))
        allowed = inputs.options.get("allow") or ()
        may = f", allowed {', '.join(map(str, allowed))}" if allowed else ""
        lines.append(f"{inputs.instant} in {where}: {count} of {len(inputs.plan)} checks answered{may}")
    return tuple(lines)


def answered(attempts: Iterable[Attempt]) -> frozenset[str]:
    """Ids of the checks that a run got an answer of, whichever."""
    return frozenset(a.check for a in attempts if a.status is not Status.COULD_NOT_RUN)


def missing(records: Iterable[tuple[Inputs, Iterable[Attempt], Seal | None]]) -> tuple[str, ...]:
    """What was planned and sought, and that none of the runs ran: ids of checks, and instances of those run in part.

    Raises:
        ValueError: The runs can't be merged.
    """
    joined = combine(records)
    return _lacking(_joined_inputs([r[0] for r in joined]), [run_of(i, by_check(i, a)) for i, a, _ in joined])


def _lacking(inputs: Inputs, runs: Sequence[Run]) -> tuple[str, ...]:
    ran = {id_ for run in runs for id_ in run.attempts}
    sought, skipped = inputs.policy.sought, set(inputs.not_sought)
    wanted = [c.id for c in inputs.plan if c.id not in skipped and c.level <= sought.get(c.dimension, TOP)]
    return tuple(text for id_ in wanted for text in (_left(id_, inputs, runs) if id_ in ran else (id_,)))


def _left(check: str, inputs: Inputs, runs: Sequence[Run]) -> tuple[str, ...]:
    """Instances of a check that one run left to the others, and that none of them executed."""
    left = inputs.left.get(check, ())
    executed = {a.instance for run in runs for a in run.attempts.get(check, ())} if left else set()
    # loadgroup of xdist names an instance with its group behind.
    executed |= {name.rpartition("@")[0] for name in executed}
    return tuple(name for name in left if name not in executed)


def misfit(one: Inputs, other: Inputs) -> str:
    """In what two runs differ that only runs alike can be merged in, with both values; empty if in nothing."""
    pairs = [
        ("commit", one.document.commit, other.document.commit),
        ("service", one.document.service, other.document.service),
        ("audit.yaml digest", one.config_digest, other.config_digest),
        ("standard digest", _standard_digest(one), _standard_digest(other)),
        ("version of pytest-backend-audit", one.plugin_version, other.plugin_version),
        ("protected policy", _protected(one), _protected(other)),
    ]
    for what, first, second in pairs:
        if first != second:
            return f"{what}: {first or 'none'} and {second or 'none'}"
    # A gate is asked of whole runs only. All else is of audit.yaml, but for incidents that a file or a plugin tells of.
    names = [f.name for f in fields(one.policy) if f.name != "gate"]
    unlike = [name for name in names if getattr(one.policy, name) != getattr(other.policy, name)]
    return f"policy ({', '.join(unlike)})" if unlike else ""


def _check_fit(inputs: Sequence[Inputs]) -> None:
    first = inputs[0]
    for other in inputs:
        if other.mode is not Mode.FORMAL:
            raise ValueError(f"the run of {other.instant} is a rehearsal; {FORMAL_ONLY}")
    for other in inputs[1:]:
        if what := misfit(first, other):
            raise ValueError(f"the runs of {first.instant} and {other.instant} differ in their {what}; {ALIKE_ONLY}")


def _check_expiries(records: Sequence[Record]) -> None:
    """A card of the latest instant can't rest on an item that nobody accepts any more."""
    latest = max(inputs.instant for inputs, _, _ in records)
    for inputs, attempts, _ in records:
        lapsed = {entry.item: entry.expires for entry in inputs.policy.acknowledged if day(entry.expires) < day(latest)}
        if rests := sorted({item for attempt in attempts for item in attempt.acknowledged} & lapsed.keys()):
            raise ValueError(
                f"the run of {inputs.instant} rests on {rests[0]}, acknowledged until {lapsed[rests[0]]}, and the "
                f"latest run is of {latest}; audit that part again"
            )


def _joined_inputs(inputs: Sequence[Inputs]) -> Inputs:
    """What runs have in common; the latest instant is the one that windows compare with."""
    latest = max(inputs, key=lambda i: i.instant)
    plan = tuple({(c.id, c.dimension, c.ladder): c for i in inputs for c in i.plan}.values())
    return replace(
        latest,
        policy=replace(latest.policy, gate=_strictest(inputs)),
        document=_joined_document([i.document for i in inputs]),
        plan=plan,
        selected=_union(i.selected for i in inputs),
        not_sought=_union(i.not_sought for i in inputs),
        narrowing=_unseen(inputs),
        left=_joined_left(inputs),
        scope=_union(i.scope for i in inputs),
        suites=_union(i.suites for i in inputs),
        options=_common([i.options for i in inputs]),
        prior=_worst_priors(inputs),
        yet_to_pass=_joined_cases(inputs) if len({i.document.environment for i in inputs}) == 1 else {},
        by_place=_union(i.by_place for i in inputs),
        hidden=(),
        **_prior_levels(inputs),
        formerly={new: old for i in inputs for new, old in i.formerly.items()},
        prior_missing="; ".join(_union((i.prior_missing,) for i in inputs if i.prior_missing)),
        prior_source=", ".join(_union((i.prior_source,) for i in inputs if i.prior_source)),
        earlier=_union(i.earlier for i in inputs),
        run_number=max(i.run_number for i in inputs),
        notices=_union(i.notices for i in inputs),
    )


def _unseen(inputs: Sequence[Inputs]) -> tuple[str, ...]:
    """Narrowing that hid checks from every plan, so that their union does not name them.

    What was deselected after planning is in the plans, and one run makes up for another. A file that was ignored, a
    path or a node id is in no plan; only a run that was whole in collection knows what was there.
    """
    hidden = [hiding(i.narrowing) for i in inputs]
    return () if any(not h for h in hidden) else _union(hidden)


def _joined_left(inputs: Sequence[Inputs]) -> dict[str, tuple[str, ...]]:
    checks = dict.fromkeys(check for i in inputs for check in i.left)
    return {check: _union(i.left.get(check, ()) for i in inputs) for check in checks}


def _strictest(inputs: Sequence[Inputs]) -> str | None:
    """The highest gate that a run had; a narrowed run has none."""
    gates = {i.policy.gate for i in inputs}
    return next((d.id for d in standard_of(inputs[0]).dispositions if d.id in gates), None)


def _joined_document(documents: Sequence[Document]) -> Document:
    def every(field: str) -> str:
        return ", ".join(sorted({getattr(d, field) for d in documents} - {""}))

    return replace(
        documents[-1],
        environment=every("environment"),
        environment_kind=every("environment_kind"),
        build=every("build"),
        audited_at=max(d.audited_at for d in documents),
    )


def _joined_seal(records: Sequence[Record]) -> Seal:
    """How the runs ended, taken together. That one was cut short matters only if no other ran what it left."""
    seals = [seal for _, _, seal in records if seal is not None]
    crashed = [
        f"the run of {i.instant} ended with pytest's status {s.exit_status}"
        for i, _, s in records
        if s and s.exit_status in {3, 4}
    ]
    return Seal(
        ended=max((s.ended for s in seals), default=""),
        exit_status=int(any(s.exit_status != 0 for s in seals) or len(seals) < len(records)),
        broken=_union([*(s.broken for s in seals), tuple(crashed)]),
        invalid="; ".join(_union((s.invalid,) for s in seals if s.invalid)),
        notices=_union(s.notices for s in seals),
    )


def _worst_priors(inputs: Sequence[Inputs]) -> dict[str, PriorCheck]:
    found: dict[str, PriorCheck] = {}
    for one in inputs:
        for id_, prior in one.prior.items():
            known = found.get(id_)
            if known is None or _graver(prior) < _graver(known):
                found[id_] = prior
    failed = ((id_, p) for one in inputs for id_, p in one.prior.items() if p.outcome is Outcome.FAILED)
    here = {id_ for id_, prior in failed if not prior.elsewhere}
    found = {id_: replace(p, elsewhere=p.elsewhere and id_ not in here) for id_, p in found.items()}
    stood = {id_ for one in inputs for id_, prior in one.prior.items() if prior.known}
    had = {id_ for one in inputs for id_, prior in one.prior.items() if prior.had}
    return {
        id_: replace(p, stood=p.stood or (id_ in stood and not p.known), in_prior=id_ in had)
        for id_, p in found.items()
    }


def _prior_levels(inputs: Sequence[Inputs]) -> dict[str, Any]:
    """What the levels of a merge are compared with.

    A merge of the same environments, where that is the prior audit of each. Where their prior audits were others,
    what they reach together was never reached before; each of them by itself is compared with its own all the same.
    """
    places: dict[str, list[Inputs]] = {}
    for one in inputs:
        places.setdefault(one.document.environment, []).append(one)
    if len(places) < 2:
        return {"prior_levels": _highest([i.prior_levels for i in inputs])}
    first = inputs[0]
    before = {_name_before(place, there[0]) for place, there in places.items()}
    together = all((i.prior_source, i.prior_places) == (first.prior_source, first.prior_places) for i in inputs)
    if together and before == set(first.prior_places):
        levels, open_ = dict(first.prior_whole), first.prior_whole_open
        return {"prior_levels": levels, "prior_whole": {}, "prior_whole_open": open_, "prior_places": ()}
    return {"prior_levels": {}, "prior_whole": {}, "prior_whole_open": (), "prior_places": ()}


def _name_before(place: str, inputs: Inputs) -> str:
    """What an environment was called in the prior audit."""
    return place if place in inputs.prior_places else inputs.formerly.get(place, place)


def _joined_cases(inputs: Sequence[Inputs]) -> dict[str, YetToPass]:
    """Of each check those that had not passed in one of the environments, and as many as the one with most has."""
    found: dict[str, YetToPass] = {}
    for one in inputs:
        for id_, cases in one.yet_to_pass.items():
            known = found.get(id_, YetToPass())
            failed = {*known.cases, *cases.cases}
            blind = {*known.could_not_run, *cases.could_not_run} - failed
            found[id_] = YetToPass(tuple(sorted(failed)), max(known.count, cases.count), tuple(sorted(blind)))
    return found


def _graver(prior: PriorCheck) -> tuple[int, int, str]:
    """A failure first, whatever its limit: what could not run has a low one, and is none."""
    order = (Outcome.FAILED, Outcome.UNSUPPORTED)
    return (order.index(prior.outcome) if prior.outcome in order else len(order), prior.limit, prior.source)


def _highest(levels: Sequence[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in levels:
        for id_, level in one.items():
            found[id_] = max(level, found.get(id_, level))
    return found


def _common(mappings: Sequence[Mapping[K, V]]) -> dict[K, V]:
    first, *others = mappings
    return {k: v for k, v in first.items() if all(k in o and o[k] == v for o in others)}


def _union(groups: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for group in groups for text in group))


def _protected(inputs: Inputs) -> str:
    """What audit.yaml was held to; its commit may move between two jobs, as long as what counts stays the same."""
    return inputs.protected.name if inputs.protected else ""


def _standard_digest(inputs: Inputs) -> str:
    whole = digest(standard_of(inputs))
    return whole if inputs.standard_loaded else f"{whole} (not loaded)"


def _digest(record: Record) -> str:
    """Identity of a record; fed piece by piece, so that a long journal is never held twice."""
    inputs, attempts, seal = record
    whole = hashlib.sha256(_json(jsonable.to_builtins(inputs)))
    for attempt in attempts:
        whole.update(_json(jsonable.to_builtins(attempt)))
    whole.update(_json(jsonable.to_builtins(seal) if seal else None))
    return whole.hexdigest()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, default=dict).encode()


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
