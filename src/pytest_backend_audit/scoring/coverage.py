"""Which rows of the standard were looked at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from pytest_backend_audit.model import Check, CheckResult, Coverage, DimensionResult, Outcome, RowResult, RowState
from pytest_backend_audit.standard.model import Row, Standard


def left_out(standard: Standard) -> int:
    """How many rows the edition in use leaves out of its standard.

    In the whole standard a row without a bundled check stays a row: it could not run unless somebody's check covers it.
    """
    return len(set(standard.pending).difference(r.name for r in standard.rows))


def rows_of(
    rows: Sequence[Row],
    results: Sequence[CheckResult],
    unselected: Collection[int],
    *,
    sought: int,
    exempt: Collection[int],
) -> tuple[RowResult, ...]:
    """What became of each row of one criterion.

    A passed check covers the rows at and below its level; any other outcome only its own.

    Args:
        rows: Rows of the criterion.
        results: Its judged checks.
        unselected: Levels of its checks that a narrowed run left out.
        sought: Level that is sought in its dimension.
        exempt: Levels at which it is declared not applicable.
    """
    passed = max((r.check.level for r in results if r.outcome is Outcome.PASSED), default=0)
    executed = {r.check.level for r in results if r.executed}
    addressed = {r.check.level for r in results}
    left_out = max(unselected, default=0)

    def state(row: Row) -> RowState:
        if row.level in exempt:
            return RowState.NOT_APPLICABLE
        if row.level > sought:
            return RowState.NOT_SOUGHT
        if row.level <= passed or row.level in executed:
            return RowState.COVERED
        if row.level in addressed or row.level <= left_out:
            return RowState.NOT_EXECUTED
        return RowState.UNCOVERED

    return tuple(RowResult(r.dimension, r.criterion, r.level, state(r), r.clause) for r in rows)


def summary(dimensions: Iterable[DimensionResult], plan: Iterable[Check], pending: int, *, loaded: bool) -> Coverage:
    """How many rows of those asked for were assessed, and the checks that stand outside the standard."""
    states = [row.state for d in dimensions for c in d.criteria for row in c.rows]
    known = {(d.id, c.id) for d in dimensions for c in d.criteria if c.in_standard}
    return Coverage(
        assessed=states.count(RowState.COVERED),
        of=sum(s not in {RowState.NOT_APPLICABLE, RowState.NOT_SOUGHT} for s in states),
        pending=pending,
        outside=tuple(c.id for c in plan if (c.dimension, c.ladder) not in known) if loaded else (),
    )
