"""From judged checks to the whole scorecard."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType

from pytest_backend_audit import findings, priors, totals
from pytest_backend_audit.cases import taken_out
from pytest_backend_audit.limits import TOP
from pytest_backend_audit.model import (
    ALL,
    Attempt,
    Card,
    Check,
    CheckResult,
    DispositionResult,
    EvidenceKind,
    Inputs,
    Mode,
    Outcome,
    PriorCheck,
    Seal,
    YetToPass,
)
from pytest_backend_audit.moved import function_of
from pytest_backend_audit.scoring import coverage, disposition, exceptions, overrides, raises, verdict
from pytest_backend_audit.scoring.dates import moment
from pytest_backend_audit.scoring.dimensions import Assessed, Material, assess
from pytest_backend_audit.scoring.outcomes import SOLID, Execution, settle
from pytest_backend_audit.standard.model import Row, Standard

OWN_CRITERIA = "own criteria, the standard is not loaded"
TRUSTED_KINDS = frozenset({"prod", "canary", ""})
"""Kinds of environment that need no remark beside the disposition; the empty one is not stated."""


_PLANNED = re.compile(r"--audit-dimension\b|\d+ (?:checks? )?deselected by ")
"""How narrowing begins that left checks in the plan (`narrowing.by_items`); a name in it may hold any words."""


def hiding(narrowing: Iterable[str]) -> tuple[str, ...]:
    """Of the reasons why a run is narrowed those that kept checks, or instances of them, from being collected."""
    return tuple(reason for reason in narrowing if not _PLANNED.match(reason))


@dataclass(frozen=True, slots=True)
class Run:
    """What one run set out to do, and what it did."""

    environment: str
    kind: str
    selected: frozenset[str]
    attempts: Mapping[str, Sequence[Attempt]]
    left: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Check -> its instances that it left out, of those that it had collected."""
    hidden: frozenset[str] = frozenset()
    """Functions of which it collected single instances only (`Inputs.hidden`)."""

    def executed(self, check: Check) -> Execution:
        """What it did about a check."""
        hidden = ALL in self.hidden or function_of(check.id).partition("@")[0] in self.hidden
        return Execution(self.environment, self.attempts.get(check.id, ()), self.left.get(check.id, ()), hidden)


def run_of(inputs: Inputs, attempts: Mapping[str, Sequence[Attempt]]) -> Run:
    """The run that a journal tells of."""
    document = inputs.document
    return Run(
        environment=document.environment or document.environment_kind,
        kind=document.environment_kind,
        selected=frozenset(inputs.selected),
        attempts=attempts,
        left=inputs.left,
        hidden=frozenset(inputs.hidden),
    )


@dataclass(frozen=True, slots=True)
class Judged:
    """Every check of the plan, judged or left out."""

    results: tuple[CheckResult, ...]
    unselected: tuple[Check, ...]
    rows: tuple[Row, ...]
    pending: int
    past: Mapping[str, PriorCheck]
    """What was recorded of the checks before, by their present ids."""


def judge(
    inputs: Inputs,
    standard: Standard,
    runs: Sequence[Run],
    *,
    merged: bool,
    parts: Mapping[str, Card] = MappingProxyType({}),
) -> Judged:
    """One result for each check that some run set out to execute, in the order of the walk."""
    rows = standard.rows if inputs.standard_loaded else ()
    pending = coverage.left_out(standard) if inputs.standard_loaded else 0
    accepts = _accepted(rows)
    not_sought = set(inputs.not_sought)
    before, cases = priors.past(inputs), priors.open_cases(inputs)
    results: list[CheckResult] = []
    unselected: list[Check] = []
    for check in inputs.plan:
        if check.id in not_sought or check.level > inputs.policy.sought.get(check.dimension, TOP):
            continue
        executions = [run.executed(check) for run in runs if check.id in run.selected or check.id in run.attempts]
        if not executions:
            unselected.append(check)
            continue
        kinds = accepts(check)
        result = settle(check, kinds, executions, merged=merged)
        carried = _carried(result, before.get(check.id))
        results.append(_missed(carried, executions, cases.get(check.id), parts))
    return Judged(tuple(results), tuple(unselected), tuple(rows), pending, before)


def _accepted(rows: Sequence[Row]) -> Callable[[Check], frozenset[EvidenceKind]]:
    """What may support a check: what its row accepts, or the highest row below it, as a pass covers that too."""
    ladders: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda r: r.level):
        ladders[row.dimension, row.criterion].append(row)

    def kinds(check: Check) -> frozenset[EvidenceKind]:
        below = [r for r in ladders.get((check.dimension, check.ladder), ()) if r.level <= check.level]
        return below[-1].accepts if below else SOLID

    return kinds


def _carried(result: CheckResult, prior: PriorCheck | None) -> CheckResult:
    """A check that could not run keeps the lower limit of its last failure."""
    if result.outcome is not Outcome.COULD_NOT_RUN or prior is None:
        return result
    if prior.outcome is not Outcome.FAILED or prior.limit >= result.limit:
        return result
    return replace(result, limit=prior.limit, carried=prior.source or "an earlier audit")


def _missed(
    result: CheckResult, executions: Sequence[Execution], before: YetToPass | None, parts: Mapping[str, Card]
) -> CheckResult:
    """A check that passed, with its cases that had yet to pass and are no longer part of it."""
    if parts:
        alike = (r for part in parts.values() for r in part.checks if r.check.id == result.check.id)
        found = dict.fromkeys(case for r in alike for case in r.taken_out)
        return replace(result, taken_out=tuple(found)) if result.outcome is Outcome.PASSED else result
    # What a run leaves out is not taken out of the check.
    if before is None or result.outcome is not Outcome.PASSED or any(e.left or e.hidden for e in executions):
        return result
    now = {case: outcome for cases in result.cases.values() for case, outcome in cases.items()}
    return replace(result, taken_out=taken_out(now, before))


def build(
    inputs: Inputs,
    standard: Standard,
    runs: Sequence[Run],
    seal: Seal | None,
    *,
    signed_off: frozenset[str] | bool,
    merged: bool = False,
    partial: Sequence[str] = (),
    parts: Mapping[str, Card] = MappingProxyType({}),
) -> Card:
    """The card.

    Args:
        inputs: What the audit was made from; for merged runs, what they have in common.
        standard: The instrument.
        runs: The run, or the runs that are merged.
        seal: How it ended.
        signed_off: Dimensions whose level from L4 up a second reviewer signed, or whether all are signed.
        merged: Whether results say which environment they come from.
        partial: Why there are levels only.
        parts: Of a merge: environment -> its card by itself.
    """
    loaded = inputs.standard_loaded
    instant = moment(inputs.instant)
    today = instant.date()
    exempt = exceptions.exemptions(inputs.policy, today)
    judged = judge(inputs, standard, runs, merged=merged, parts=parts)
    environments = tuple(sorted({run.environment for run in runs if run.environment}))
    assessed = _assess(inputs, standard, judged, exempt, environments=environments, signed_off=signed_off)
    looked = {a.result.id for a in assessed if not partial or any(c.checks for c in a.result.criteria)}
    # What a shard did not look at has no level to hold against the prior audit's.
    before = {id_: level for id_, level in inputs.prior_levels.items() if id_ in looked}
    dimensions = tuple(replace(a.result, prior=before.get(a.result.id)) for a in assessed)
    invalid = seal.invalid if seal else ""
    levels_only = bool(partial or invalid)
    outlook = _Outlook(inputs, standard, instant)

    recorded = {d.id: d.level for d in dimensions}
    would_be = {d.id: d.would_be for d in dimensions}
    verbal = frozenset(a.result.id for a in assessed if a.verbal_only)
    total = None if levels_only else totals.total(recorded, inputs.policy.weights)
    minimum = None if levels_only else min(recorded.values(), default=1)
    downgrades = () if levels_only else outlook.overrides(would_be, verbal)
    reached, why_not = _disposition(standard, total, minimum, today, downgraded=bool(downgrades))
    if inputs.mode is not Mode.FORMAL:
        reached, why_not = None, "a rehearsal has no disposition (--audit-sha makes the audit formal)"
    if reached is not None:
        reached = replace(reached, qualifier=_qualifier(assessed, runs, standard, loaded=loaded))
    if levels_only:
        why_not = f"the run is invalid: {invalid}" if invalid else f"the run is partial: {partial[0]}"

    queue = findings.queue(
        standard,
        dimensions,
        inputs.policy.owners,
        reached.actions if reached else (),
        inputs.policy.leave_out,
        whole=not partial,
    )
    asked = bool(inputs.options.get("no_worse"))
    left_out = tuple(check.id for check in judged.unselected)
    would_be = verdict.comparable(
        {d.id: d.would_be for d in dimensions if d.id in looked}, inputs.plan, judged.past, left_out
    )
    facts = verdict.Facts(
        seal=seal,
        partial=partial,
        disposition=reached,
        no_disposition=why_not,
        matrix=standard.dispositions,
        broken=verdict.broken_checks(judged.results),
        worse=verdict.worse(inputs, would_be, queue, judged.results, parts) if asked else (),
        not_compared=verdict.not_compared(inputs, would_be, parts) if asked else "",
        unknown=verdict.unknown(inputs, parts) if asked else "",
    )
    known = {r.criterion for r in judged.rows} | {c.ladder for c in inputs.plan}
    return Card(
        inputs=inputs,
        seal=seal,
        dimensions=dimensions,
        total=total,
        maximum=5 * len(dimensions),
        minimum=minimum,
        lowest=() if minimum is None else tuple(d.id for d in dimensions if d.level == minimum),
        blocking=() if levels_only else tuple(d.id for d in standard.dimensions if d.blocking and recorded[d.id] == 1),
        disposition=reached,
        no_disposition=why_not,
        overrides=downgrades,
        findings=queue,
        coverage=coverage.summary(dimensions, inputs.plan, judged.pending, loaded=loaded),
        partial=tuple(partial),
        basis=standard.name if loaded else OWN_CRITERIA,
        raises=() if levels_only else raises.find(assessed, outlook, standard.dispositions, standard.reviewer_from),
        # Whoever would have used one may have been left out of a partial run, and of its plan where paths left it out.
        exceptions_unused=() if partial else exceptions.unused(inputs.policy, judged.results, known, today),
        exceptions_lapsing=exceptions.lapsing(inputs.policy, today),
        exceptions_expired=exceptions.expired(inputs.policy, exempt, today),
        notices=_notices(inputs, standard, judged, exempt, seal),
        verdict=verdict.decide(facts, verdict.gate_of(inputs)),
        no_worse=verdict.no_worse(facts, inputs.prior_source) if asked else None,
        parts=dict(parts),
        past=judged.past,
        left_out=left_out,
    )


def _assess(
    inputs: Inputs,
    standard: Standard,
    judged: Judged,
    exempt: Mapping[str, exceptions.Exemption],
    *,
    environments: tuple[str, ...],
    signed_off: frozenset[str] | bool,
) -> list[Assessed]:
    rows: dict[str, list[Row]] = defaultdict(list)
    results: dict[str, list[CheckResult]] = defaultdict(list)
    unselected: dict[str, list[Check]] = defaultdict(list)
    pending: dict[str, set[str]] = defaultdict(set)
    for name in standard.pending:
        dimension, _, rest = name.partition("/")
        pending[dimension].add(rest.rpartition("/")[0])
    for row in judged.rows:
        rows[row.dimension].append(row)
    for result in judged.results:
        results[result.check.dimension].append(result)
    for check in judged.unselected:
        unselected[check.dimension].append(check)
    return [
        assess(
            Material(d, rows[d.id], results[d.id], unselected[d.id], frozenset(pending[d.id]), environments),
            inputs.policy,
            exempt,
            loaded=inputs.standard_loaded,
            reviewer_from=standard.reviewer_from,
            signed=signed_off if isinstance(signed_off, bool) else d.id in signed_off,
        )
        for d in standard.dimensions
    ]


@dataclass(frozen=True, slots=True)
class _Outlook:
    """What the card says, or would say, of levels before the reviewer's cap."""

    inputs: Inputs
    standard: Standard
    instant: datetime

    def overrides(self, levels: Mapping[str, int], verbal_only: Collection[str]) -> tuple[str, ...]:
        """The overrides that apply at these levels."""
        return overrides.found(self.standard, levels, verbal_only, self.inputs.policy.incidents, self.instant)

    def __call__(self, levels: Mapping[str, int], verbal_only: Collection[str]) -> raises.Result:
        points = totals.total(levels, self.inputs.policy.weights)
        if self.inputs.mode is not Mode.FORMAL:
            return raises.Result(points)
        tier = disposition.row(self.standard.dispositions, points, min(levels.values(), default=1))
        if tier is not None and self.overrides(levels, verbal_only):
            tier = min(tier + 1, len(self.standard.dispositions) - 1)
        return raises.Result(points, tier)


def _disposition(
    standard: Standard, total: int | None, minimum: int | None, today: date, *, downgraded: bool
) -> tuple[DispositionResult | None, str]:
    if total is None or minimum is None:
        return None, ""
    matrix = standard.dispositions
    place = disposition.row(matrix, total, minimum)
    if place is None:
        return None, f"no row of the matrix takes a total of {total} with a minimum of L{minimum}"
    entry = matrix[min(place + 1, len(matrix) - 1) if downgraded else place]
    return DispositionResult(entry.id, entry.name, disposition.actions(entry, today), matrix[place].id), ""


def _qualifier(assessed: Sequence[Assessed], runs: Sequence[Run], standard: Standard, *, loaded: bool) -> str:
    """What stands beside the disposition: no standard, a part of it, or proven elsewhere than in prod."""
    kinds = {run.environment: run.kind for run in runs}
    where = {e for a in assessed for c in a.result.criteria for e in c.proven_in} or set(kinds)
    outside = sorted(e for e in where if kinds.get(e, "") not in TRUSTED_KINDS)
    remarks = [] if loaded else [OWN_CRITERIA]
    if loaded and (missing := coverage.left_out(standard)):
        remarks.append(f"on {len(standard.rows)} of {len(standard.rows) + missing} rows")
    if outside:
        remarks.append(f"{'' if len(outside) == len(where) else 'partly '}proven outside prod ({', '.join(outside)})")
    return "; ".join(remarks)


def _notices(
    inputs: Inputs,
    standard: Standard,
    judged: Judged,
    exempt: Mapping[str, exceptions.Exemption],
    seal: Seal | None,
) -> tuple[str, ...]:
    fixed = {d.id: d.fixed_levels for d in standard.dimensions}
    held = [(r.criterion, r.level) for r in judged.rows if r.level in fixed[r.dimension]]
    held += [(c.ladder, c.level) for c in inputs.plan if c.level in fixed[c.dimension]]
    lines = [*inputs.notices, *(seal.notices if seal else ()), *(seal.broken if seal else ())]
    lines += exceptions.refused(exempt, held)
    lines += (
        f"nothing shows that it is mended: {line}; `backend-audit file` takes note of that, and the next audit is "
        "compared without it"
        for line in verdict.without_cases(judged.results)
    )
    if inputs.policy.incidents is None and inputs.mode is Mode.FORMAL:
        lines.append("incidents are not stated (audit.yaml: incidents), so no override for an open P0 was looked for")
    return tuple(dict.fromkeys(lines))
