"""The verdict: one exit status and one sentence, from which everybody else takes theirs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from pytest_backend_audit import priors
from pytest_backend_audit import worse as rules
from pytest_backend_audit.model import (
    DERIVED,
    Card,
    Check,
    CheckResult,
    DispositionResult,
    Finding,
    Inputs,
    Mode,
    NoWorse,
    Outcome,
    PriorCheck,
    Seal,
    Severity,
    Status,
    Verdict,
)
from pytest_backend_audit.standard.model import Disposition


@dataclass(frozen=True, slots=True)
class Facts:
    """What a verdict is made from."""

    seal: Seal | None
    partial: Sequence[str]
    disposition: DispositionResult | None
    no_disposition: str
    matrix: Sequence[Disposition]
    broken: Sequence[str] = ()
    """Ids of checks that are broken themselves."""
    worse: Sequence[str] = field(default=())
    """What got worse since the prior audit, if the user asked to be told."""
    not_compared: str = ""
    """Why nothing could have got worse, if the user asked: no comparison must not look like one."""
    unknown: str = ""
    """Why nobody can tell whether something got worse, if the user asked: no audit of those filed is comparable."""


def gate_of(inputs: Inputs) -> str | None:
    """The gate that a run's own verdict answers; a rehearsal has none.

    Whoever makes the inputs decides whether audit.yaml's gate is asked of a run that its user narrowed. It is kept
    here for whatever else made the run partial, such as a module that skipped itself: that must not open the gate.
    """
    asked = inputs.options.get("gate") or inputs.policy.gate
    return str(asked) if asked and inputs.mode is Mode.FORMAL else None


def decide(facts: Facts, gate: str | None) -> Verdict:
    """The verdict.

    Without a gate the status is pytest's own. With one, failing audit checks alone don't fail the run; everything
    that stopped it, broke it or made it prove nothing does. Statuses of pytest above 1 keep their meaning.

    Args:
        facts: What the run found.
        gate: Id of the lowest disposition that passes, or None.

    Raises:
        ValueError: The matrix has no disposition of that id.
    """
    own = 1 if facts.seal is None else facts.seal.exit_status
    obstacle = _obstacle(facts, own)
    if gate is None:
        return _without_gate(facts, own)
    order = [d.id for d in facts.matrix]
    if gate not in order:
        raise ValueError(f"gate {gate!r} is not a disposition of the standard; it has {', '.join(order)}")
    wanted = facts.matrix[order.index(gate)].name
    if obstacle:
        return Verdict(gate, False, f"gate {wanted}: not passed, {obstacle}", max(1, own))
    reached = facts.disposition
    if reached is None:
        why = facts.no_disposition or "there is no disposition"
        return Verdict(gate, False, f"gate {wanted}: not passed, {why}", 1)
    against = [f"the disposition is {reached.name}"] if order.index(reached.id) > order.index(gate) else []
    against += [f"worse than the prior audit: {_first(facts.worse)}"] if facts.worse else []
    against += [facts.unknown] if facts.unknown else []
    if against:
        return Verdict(gate, False, f"gate {wanted}: not passed, {'; '.join(against)}", 1)
    told = f"; {facts.not_compared}" if facts.not_compared else ""
    return Verdict(gate, True, f"gate {wanted}: passed, the disposition is {reached.name}{told}", 0)


def regate(card: Card, matrix: Sequence[Disposition], gate: str | None, *, no_worse: bool = False) -> Verdict:
    """The verdict of a finished card under another gate, as `backend-audit gate` asks for it.

    Raises:
        ValueError: The matrix has no disposition of that id.
    """
    levels = _of(card)
    facts = Facts(
        seal=card.seal,
        partial=card.partial,
        disposition=card.disposition,
        no_disposition=card.no_disposition,
        matrix=matrix,
        broken=broken_checks(card.checks),
        worse=worse(card.inputs, levels, card.findings, card.checks, card.parts) if no_worse else (),
        not_compared=not_compared(card.inputs, levels, card.parts) if no_worse else "",
        unknown=unknown(card.inputs, card.parts) if no_worse else "",
    )
    return decide(facts, gate)


def broken_checks(results: Sequence[CheckResult]) -> tuple[str, ...]:
    """Checks of which an attempt was broken, whatever label a lower limit gave them."""
    return tuple(
        r.check.id for r in results if r.outcome is Outcome.BROKEN or any(a.status is Status.BROKEN for a in r.attempts)
    )


def worse(
    inputs: Inputs,
    levels: Mapping[str, int],
    findings: Sequence[Finding],
    results: Sequence[CheckResult] = (),
    parts: Mapping[str, Card] = MappingProxyType({}),
) -> tuple[str, ...]:
    """What fell since the prior audit: levels before the reviewer's cap, and new findings of high severity or above.

    A check that lost a case before it passed is no better either. A merge is worse where one of its environments is,
    whatever another makes up for.

    Args:
        inputs: They hold the prior audit's levels and outcomes.
        levels: Dimension -> level before the cap, for the dimensions that this run looked at.
        findings: This run's findings.
        results: Its checks.
        parts: Of a merge: environment -> its card by itself.
    """
    fell = rules.fallen(inputs.prior_levels, levels)
    if parts:
        told = {place: worse(p.inputs, _of(p), p.findings, p.checks) for place, p in parts.items()}
        known = priors.renamed(inputs.prior_whole_open, inputs)
        new = rules.new_high(of_checks(findings), known) if inputs.prior_levels else ()
        return rules.in_places((*fell, *new), told)
    if not inputs.prior and not inputs.prior_levels:
        return ()
    new = rules.new_high(of_checks(findings), priors.known_before(inputs))
    return (*fell, *without_cases(results), *new)


def comparable(
    levels: Mapping[str, int], plan: Iterable[Check], past: Mapping[str, PriorCheck], left_out: Iterable[str]
) -> dict[str, int]:
    """Levels that say something of what became of a dimension since the prior audit.

    Args:
        levels: Of the dimensions that were looked at.
        plan: Every check there is.
        past: What was recorded of them before.
        left_out: Checks that were not: one that the prior audit had may be what held, or lifted, its dimension.
    """
    left = {id_ for id_ in left_out if id_ in past and past[id_].had}
    narrowed = {check.dimension for check in plan if check.id in left}
    return {id_: level for id_, level in levels.items() if id_ not in narrowed}


def _of(card: Card) -> dict[str, int]:
    return comparable(card.levels, card.inputs.plan, card.past, card.left_out)


def of_checks(findings: Iterable[Finding]) -> tuple[tuple[Severity, str, str], ...]:
    """Severity, check and title of the findings that a check is behind.

    Those about what no check covers, or nothing proves, are told by the levels.
    """
    return tuple((f.severity, f.check, f.title) for f in findings if f.check not in DERIVED)


def without_cases(results: Sequence[CheckResult]) -> tuple[str, ...]:
    """Checks that passed without a case that had not passed before, one sentence each."""
    return rules.without_cases((r.check.dimension, r.check.ladder, r.taken_out) for r in results)


def no_worse(facts: Facts, since: str) -> NoWorse:
    """What is said of a run that was asked to be no worse: not passed, whenever that alone keeps its status from 0.

    Args:
        facts: What the run found.
        since: The prior audit; empty if none is known.
    """
    seal = facts.seal
    if seal is None:
        return NoWorse(False, "the run did not end")
    told = [
        (seal.exit_status == 5, "nothing was collected"),
        (seal.exit_status not in {0, 1}, seal.interrupted or f"pytest ended with status {seal.exit_status}"),
        (bool(seal.invalid), f"the run is invalid: {seal.invalid}"),
        (bool(facts.worse), _first(facts.worse)),
        (bool(facts.unknown), facts.unknown),
    ]
    if against := next((text for applies, text in told if applies), ""):
        return NoWorse(False, against)
    if facts.not_compared:
        return NoWorse(None, facts.not_compared)
    looked = "of what was looked at, " if facts.partial else ""
    return NoWorse(True, f"{looked}nothing fell, no new high finding since the {since or 'prior audit'}")


def unknown(inputs: Inputs, parts: Mapping[str, Card] = MappingProxyType({})) -> str:
    """Why nobody can tell whether a formal audit is worse than the one before; empty if it is the first, or compared.

    An environment with another name must not make an audit the first one.

    Args:
        inputs: They hold the prior audit's levels.
        parts: As for `worse`: of each of them somebody has to be able to tell.
    """
    if parts:
        told = ((place, unknown(part.inputs)) for place, part in parts.items())
        return next((f"in {place}, {why}" for place, why in told if why), "")
    if inputs.mode is not Mode.FORMAL or inputs.prior_levels or not inputs.prior_missing:
        return ""
    return f"nothing was compared: {inputs.prior_missing}"


def not_compared(inputs: Inputs, levels: Mapping[str, int], parts: Mapping[str, Card] = MappingProxyType({})) -> str:
    """Why no level can have fallen since the prior audit; empty if one can.

    Args:
        inputs: They hold the prior audit's levels.
        levels: As for `worse`.
        parts: Likewise.
    """
    if parts:
        told = [not_compared(part.inputs, _of(part)) for part in parts.values()]
        return "; ".join(dict.fromkeys(told)) if all(told) else ""
    if not inputs.prior_levels and inputs.prior_missing:
        return f"nothing was compared: {inputs.prior_missing}"
    if not inputs.prior_levels:
        return "no prior audit to be worse than: nothing was compared"
    if not inputs.prior_levels.keys() & levels.keys():
        return (
            f"{inputs.prior_source or 'the prior audit'} has none of these dimensions, or checks of them that are left "
            "out now: no level was compared"
        )
    return ""


def _without_gate(facts: Facts, own: int) -> Verdict:
    if own <= 1 and facts.seal is None:
        return Verdict(None, None, "the run did not end", 1)
    if own <= 1 and facts.seal is not None and facts.seal.invalid:
        return Verdict(None, None, f"the run is invalid: {facts.seal.invalid}", 1)
    if own <= 1 and facts.worse:
        return Verdict(None, None, f"worse than the prior audit: {_first(facts.worse)}", 1)
    if own <= 1 and facts.unknown:
        return Verdict(None, None, facts.unknown, 1)
    told = f"; {facts.not_compared}" if facts.not_compared else ""
    return Verdict(None, None, f"no gate; the exit status is pytest's own, {own}{told}", own)


def _obstacle(facts: Facts, own: int) -> str:
    """Why no gate can pass, whatever the levels are; empty if nothing stands in the way."""
    seal = facts.seal
    if seal is None:
        return "the run did not end"
    checks = [
        (bool(seal.invalid), f"the run is invalid: {seal.invalid}"),
        (bool(seal.interrupted), f"the run was interrupted: {seal.interrupted}"),
        (own == 5, "nothing was collected"),
        (own not in {0, 1}, f"pytest ended with status {own}"),
        (bool(seal.broken), f"something outside the checks broke: {_first(seal.broken)}"),
        (bool(facts.broken), f"a check is broken: {_first(facts.broken)}"),
        (bool(facts.partial), f"the run is partial: {_first(facts.partial)}"),
    ]
    return next((text for applies, text in checks if applies), "")


def _first(items: Sequence[str]) -> str:
    if not items:
        return ""
    return items[0] if len(items) == 1 else f"{items[0]} (and {len(items) - 1} more)"
