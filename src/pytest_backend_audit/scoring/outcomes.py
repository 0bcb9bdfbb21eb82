"""From what happened to one check, in one run or several, to its outcome and the limit it sets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.instances import case_of, whole_name
from pytest_backend_audit.limits import COULD_NOT_RUN_LIMIT, limit_of
from pytest_backend_audit.model import Attempt, Check, CheckResult, EvidenceKind, Outcome, Status

NOT_REACHED = "not reached"

SOLID = frozenset(EvidenceKind) - {EvidenceKind.VERBAL}
"""What is accepted where no row says more: all but verbal."""

EXECUTED = frozenset({Outcome.PASSED, Outcome.WEAK, Outcome.UNSUPPORTED, Outcome.FAILED})

_RANK = {outcome: rank for rank, outcome in enumerate(Outcome)}
_KIND_NAMES = {
    EvidenceKind.OUTPUT: "output",
    EvidenceKind.DASHBOARD: "dashboard",
    EvidenceKind.POSTMORTEM: "postmortem",
    EvidenceKind.LOAD: "load result",
    EvidenceKind.CODE: "code reference",
    EvidenceKind.DOCUMENT: "document",
    EvidenceKind.VERBAL: "verbal assertion",
}


@dataclass(frozen=True, slots=True)
class Execution:
    """What one run did about one check; no attempts means that the run did not reach it."""

    environment: str
    attempts: Sequence[Attempt]
    left: tuple[str, ...] = ()
    """Instances of the check that the run had collected, and did not set out to execute."""
    hidden: bool = False
    """Whether there may be more of them, as it was to collect single ones only."""

    @property
    def whole(self) -> bool:
        """Whether the run set out to execute all that it had collected."""
        return not self.left


@dataclass(frozen=True, slots=True)
class _Part:
    outcome: Outcome
    limit: int
    attempt: Attempt | None


def judge(attempt: Attempt, accepts: frozenset[EvidenceKind]) -> Outcome:
    """The outcome of one attempt, its evidence weighed. Verbal evidence never carries a pass by itself."""
    if attempt.status is not Status.PASSED:
        return Outcome(attempt.status.value)
    if not attempt.evidence:
        return Outcome.UNSUPPORTED
    if any(e.kind in accepts and e.kind is not EvidenceKind.VERBAL for e in attempt.evidence):
        return Outcome.PASSED
    return Outcome.WEAK


def settle(
    check: Check, accepts: frozenset[EvidenceKind], executions: Sequence[Execution], *, merged: bool = False
) -> CheckResult:
    """The one result of a check, from everything that happened to it.

    Within a run, the attempt with the lowest limit gives the check its limit and its label. Across runs, one that
    answered in full takes the place of what could not run in the others, and so do several that together answered each
    instance that could not run in one of them; what failed or broke anywhere stands.

    Args:
        check: The check.
        accepts: Kinds of evidence that its row accepts.
        executions: One for each run that set out to execute it.
        merged: Whether the result says which environments its evidence comes from.
    """
    answered: list[_Part] = []
    missing: list[_Part] = []
    environments: list[str] = []
    everything: list[Attempt] = []
    cases: dict[str, dict[str, list[list[_Part]]]] = {}
    answers: dict[str, list[_Part]] = {}
    for execution in executions:
        if not execution.attempts:
            missing.append(_Part(Outcome.COULD_NOT_RUN, COULD_NOT_RUN_LIMIT, None))
        here: dict[str, list[_Part]] = {}
        for attempt in execution.attempts:
            outcome = judge(attempt, accepts)
            part = _Part(outcome, limit_of(outcome, check.level), attempt)
            everything.append(attempt)
            if case := case_of(attempt.instance):
                here.setdefault(case, []).append(part)
            if outcome is Outcome.COULD_NOT_RUN:
                missing.append(part)
            else:
                answered.append(part)
                answers.setdefault(execution.environment, []).append(part)
                environments.append(execution.environment)
        for case, parts in here.items():
            cases.setdefault(execution.environment, {}).setdefault(case, []).append(parts)
    deciding = _lowest(answered if missing and _complete(executions) else answered + missing)
    # A pass is that of the environments that answered all that they asked.
    partly = _in_part(executions) if merged and deciding.outcome is Outcome.PASSED else frozenset()
    attempts = tuple(everything) if len(everything) < 2 else tuple(sorted(everything, key=attempt_key))
    return CheckResult(
        check=check,
        outcome=deciding.outcome,
        limit=deciding.limit,
        reason=_reason(deciding, accepts),
        where=deciding.attempt.where if deciding.attempt else "",
        executed=deciding.outcome in EXECUTED,
        attempts=attempts,
        acknowledged=_union(a.acknowledged for a in attempts),
        notes=_union(a.notes for a in attempts),
        environments=tuple(sorted({e for e in environments if e and e not in partly})) if merged else (),
        cases={place: {case: _of_case(runs) for case, runs in there.items()} for place, there in cases.items()},
        alone=_alone(check, accepts, executions) if merged else {},
        answers={place: _lowest(answers[place]).outcome for place in sorted(answers)},
    )


def _alone(check: Check, accepts: frozenset[EvidenceKind], executions: Sequence[Execution]) -> dict[str, Outcome]:
    """What became of a check in each environment by itself; a pass is one of all that was asked there."""
    here: dict[str, list[Execution]] = {}
    for execution in executions:
        if execution.environment:
            here.setdefault(execution.environment, []).append(execution)
    partly = _in_part(executions)
    found = {place: settle(check, accepts, own).outcome for place, own in sorted(here.items())}
    return {
        place: Outcome.COULD_NOT_RUN if outcome is Outcome.PASSED and place in partly else outcome
        for place, outcome in found.items()
    }


def _of_case(runs: Iterable[list[_Part]]) -> Outcome:
    """What became of a case in one environment: an answer of one run there takes the place of what could not run.

    Args:
        runs: What each of them made of it, and of its parts.
    """
    each = []
    for parts in runs:
        answered = [p for p in parts if p.outcome is not Outcome.COULD_NOT_RUN]
        failed = [p for p in answered if p.outcome is not Outcome.PASSED]
        # A part that could not run is not made up for by the others.
        each.append(_lowest(failed or [p for p in parts if p not in answered] or answered))
    return _lowest([p for p in each if p.outcome is not Outcome.COULD_NOT_RUN] or each).outcome


def _in_part(executions: Sequence[Execution]) -> frozenset[str]:
    """Environments in which an instance did not or could not run, and no other run there answered it.

    Where each run of an environment was to collect single instances, what the others know of counts there too.
    """
    asked: dict[str, set[str]] = {}
    answered: dict[str, set[str]] = {}
    for execution in executions:
        names, lacks = _instances(execution)
        asked.setdefault(execution.environment, set()).update(names, map(whole_name, execution.left))
        answered.setdefault(execution.environment, set()).update(names - lacks)
    seen_whole = {execution.environment for execution in executions if not execution.hidden}
    everything = set().union(*asked.values())
    return frozenset(e for e, names in asked.items() if (names if e in seen_whole else everything) - answered[e])


def _complete(executions: Sequence[Execution]) -> bool:
    """Whether what could not run in each of them was answered in another.

    Instance by instance, by their names. Where two runs have none in common, as parameters come from an environment,
    the names tell nothing, and a run that answered all of its own does.
    """
    each = [(execution, *_instances(execution)) for execution in executions]
    answered = {name for _, names, lacks in each for name in names - lacks}
    in_full = [names for e, names, lacks in each if e.whole and e.attempts and not lacks]
    return all(
        (e.attempts and lacks <= answered) or any(names.isdisjoint(whole) for whole in in_full)
        for e, names, lacks in each
    )


def _instances(execution: Execution) -> tuple[set[str], set[str]]:
    """Instances that a run executed, and those of them of which a part, or all, could not run."""
    names = {whole_name(a.instance) for a in execution.attempts}
    return names, {whole_name(a.instance) for a in execution.attempts if a.status is Status.COULD_NOT_RUN}


def attempt_key(attempt: Attempt) -> tuple[Any, ...]:
    """Sorts attempts the same way, whatever order they were reported in."""
    return (
        attempt.instance,
        attempt.started,
        attempt.status.value,
        attempt.reason,
        attempt.where,
        attempt.notes,
        attempt.acknowledged,
        attempt.duration,
        attempt.worker,
        tuple((e.kind.value, e.title, e.body, e.target, e.taken_at) for e in attempt.evidence),
    )


def _lowest(parts: list[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    worst = min((p.limit, _RANK[p.outcome]) for p in parts)
    equal = [p for p in parts if (p.limit, _RANK[p.outcome]) == worst]
    # A reason told by an attempt says more than "not reached".
    return min(equal, key=lambda p: (p.attempt is None, attempt_key(p.attempt) if p.attempt else ()))


def _reason(part: _Part, accepts: frozenset[EvidenceKind]) -> str:
    if part.attempt is None:
        return NOT_REACHED
    if part.outcome is Outcome.UNSUPPORTED:
        return "passed, but recorded no evidence"
    if part.outcome is Outcome.WEAK:
        kinds = {e.kind for e in part.attempt.evidence}
        if kinds == {EvidenceKind.VERBAL}:
            return "passed, but all its evidence is verbal"
        return f"passed, but its evidence ({_names(kinds)}) is not of a kind that is accepted here ({_names(accepts)})"
    return part.attempt.reason


def _names(kinds: Iterable[EvidenceKind]) -> str:
    found = set(kinds)
    return ", ".join(_KIND_NAMES[k] for k in EvidenceKind if k in found)


def _union(groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for group in groups for text in group))
