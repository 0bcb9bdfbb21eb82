"""From judged checks to criteria and dimensions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pytest_backend_audit.limits import COULD_NOT_RUN_LIMIT, TOP, limit_of
from pytest_backend_audit.model import (
    Check,
    CheckResult,
    CriterionResult,
    DimensionResult,
    Outcome,
    Policy,
    RowResult,
    RowState,
    Status,
)
from pytest_backend_audit.scoring import levels
from pytest_backend_audit.scoring.coverage import rows_of
from pytest_backend_audit.scoring.exceptions import Exemption
from pytest_backend_audit.standard.model import Dimension, Row


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that holds a dimension down: a check that did not pass, or a row that nothing addresses."""

    criterion: str
    name: str
    level: int
    limit: int
    row: bool = False


@dataclass(frozen=True, slots=True)
class Assessed:
    """A dimension, with what `raises` and `overrides` ask about it."""

    result: DimensionResult
    passed: frozenset[int]
    weak: frozenset[int]
    obstacles: tuple[Obstacle, ...]
    verbal_only: bool


@dataclass(frozen=True, slots=True)
class Material:
    """What a dimension is assessed from."""

    dimension: Dimension
    rows: Sequence[Row]
    results: Sequence[CheckResult]
    unselected: Sequence[Check]
    pending: frozenset[str] = frozenset()
    """Criteria of the standard whose rows this edition leaves out."""
    environments: tuple[str, ...] = ()
    """Where a passed check was proven, unless its result says so itself."""


def assess(
    material: Material,
    policy: Policy,
    exempt: Mapping[str, Exemption],
    *,
    loaded: bool,
    reviewer_from: int,
    signed: bool,
) -> Assessed:
    """The level of one dimension, and how it comes about.

    Args:
        material: Its rows and judged checks.
        policy: What is sought, and the weights.
        exempt: Declarations of what does not apply, by criterion.
        loaded: Whether the standard's rows count.
        reviewer_from: The level from which on a signature is needed.
        signed: Whether it is there.
    """
    dimension = material.dimension
    sought = policy.sought.get(dimension.id, TOP)
    ladders = _ladders(material)
    built = [_Ladder(dimension, sought, exempt.get(name), name, *parts) for name, parts in ladders.items()]
    criteria = tuple(
        b.criterion(material.environments, in_standard=not loaded or bool(b.rows) or b.name in material.pending)
        for b in built
    )
    obstacles = tuple(o for b in built for o in b.obstacles())
    proving = [r for b in built for r in b.proving()]
    passed = frozenset(r.check.level for r in proving if r.outcome is Outcome.PASSED)
    weak = frozenset(r.check.level for r in proving if r.outcome is Outcome.WEAK)
    limit = min((c.limit for c in criteria), default=TOP)
    proven = levels.proven(passed, weak)
    would_be = levels.level(limit, proven, sought)
    result = DimensionResult(
        id=dimension.id,
        name=dimension.name,
        level=levels.recorded(would_be, reviewer_from, signed=signed),
        would_be=would_be,
        limit=limit,
        proven=proven,
        sought=sought,
        weight=policy.weights.get(dimension.id, "1"),
        criteria=criteria,
        limited_by=_limited_by(criteria, limit, proven, would_be, sought),
    )
    return Assessed(result, passed, weak, obstacles, _verbal_only(proving))


@dataclass(frozen=True, slots=True)
class _Ladder:
    """One criterion while it is assessed."""

    dimension: Dimension
    sought: int
    exemption: Exemption | None
    name: str
    results: Sequence[CheckResult]
    rows: Sequence[Row]
    unselected: Sequence[int]

    def exempt(self, level: int) -> bool:
        """Whether it is declared, to effect, that the criterion does not apply at this level."""
        return self.exemption is not None and not self.exemption.expired and level not in self.dimension.fixed_levels

    def limit(self, result: CheckResult) -> int:
        """The limit that counts: where the criterion does not apply, only an executed failure's."""
        if not self.exempt(result.check.level):
            return result.limit
        failed = any(a.status is Status.FAILED for a in result.attempts)
        return limit_of(Outcome.FAILED, result.check.level) if failed else TOP

    def proving(self) -> list[CheckResult]:
        """Its passes, weak ones too, that may prove a level."""
        passes = (r for r in self.results if r.outcome in {Outcome.PASSED, Outcome.WEAK})
        return [r for r in passes if not self.exempt(r.check.level)]

    def row_results(self) -> tuple[RowResult, ...]:
        """What became of its rows."""
        exempt = {r.level for r in self.rows if self.exempt(r.level)}
        return rows_of(self.rows, self.results, self.unselected, sought=self.sought, exempt=exempt)

    def obstacles(self) -> list[Obstacle]:
        """What would have to be mended, checks first."""
        checks = [
            Obstacle(self.name, r.check.id, r.check.level, self.limit(r))
            for r in self.results
            if r.outcome is not Outcome.PASSED and self.limit(r) < TOP
        ]
        rows = [
            Obstacle(self.name, f"{self.name} L{r.level}", r.level, COULD_NOT_RUN_LIMIT, row=True)
            for r in self.row_results()
            if r.state is RowState.UNCOVERED
        ]
        return checks + rows

    def criterion(self, environments: tuple[str, ...], *, in_standard: bool) -> CriterionResult:
        """The criterion, assessed."""
        rows = self.row_results()
        limit = min((self.limit(r) for r in self.results), default=TOP)
        if any(r.state is RowState.UNCOVERED for r in rows):
            limit = min(limit, COULD_NOT_RUN_LIMIT)
        passed = [r for r in self.proving() if r.outcome is Outcome.PASSED]
        where = {e for r in passed for e in (r.environments or environments)}
        return CriterionResult(
            id=self.name,
            limit=limit,
            proven=max((r.check.level for r in passed), default=0),
            checks=tuple(self.results),
            rows=rows,
            in_standard=in_standard,
            not_applicable=self.exemption.declared if self.exemption and not self.exemption.expired else None,
            proven_in=tuple(sorted(where)),
        )


def _ladders(material: Material) -> dict[str, tuple[list[CheckResult], list[Row], list[int]]]:
    """Criteria in the order of the standard's rows, then of the plan."""
    found: dict[str, tuple[list[CheckResult], list[Row], list[int]]] = defaultdict(lambda: ([], [], []))
    for row in material.rows:
        found[row.criterion][1].append(row)
    for result in material.results:
        found[result.check.ladder][0].append(result)
    for check in material.unselected:
        if check.ladder in found:
            found[check.ladder][2].append(check.level)
    return dict(found)


def _limited_by(
    criteria: Sequence[CriterionResult], limit: int, proven: int, would_be: int, sought: int
) -> tuple[str, ...]:
    if would_be == TOP:
        return ()
    if would_be >= sought and limit > would_be:
        return (f"only L{sought} is sought",)
    # A criterion that failed above the level is in the way as well: had it passed, it would have proven something.
    binding = sorted((c for c in criteria if c.limit == limit), key=_is_unanswered) if limit < TOP else ()
    lowest = tuple(c.id for c in binding)
    if proven == would_be and would_be < sought:
        unproven = f"nothing proves L{would_be + 1}"
        # What binds comes first.
        return (*lowest, unproven) if limit == would_be else (unproven, *lowest)
    return lowest


def _is_unanswered(criterion: CriterionResult) -> bool:
    """Whether no failure is known of it: what failed is told before what nobody looked at."""
    return not any(r.carried or r.outcome in {Outcome.FAILED, Outcome.BROKEN} for r in criterion.checks)


def _verbal_only(proving: Sequence[CheckResult]) -> bool:
    kinds = {e.kind.value for r in proving for a in r.attempts for e in a.evidence}
    return kinds == {"verbal"}
