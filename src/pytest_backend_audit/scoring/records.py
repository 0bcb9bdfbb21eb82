"""Reading a journal's content for scoring: the standard it was made with, and attempts by check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pytest_backend_audit.model import Attempt, Inputs, Seal
from pytest_backend_audit.standard import from_data
from pytest_backend_audit.standard.model import Standard


def standard_of(inputs: Inputs) -> Standard:
    """The standard that the inputs carry.

    Raises:
        ValueError: It is not one, or a check of the plan names a dimension that it lacks.
    """
    standard = from_data(inputs.standard)
    known = {d.id for d in standard.dimensions}
    for check in inputs.plan:
        if check.dimension not in known:
            raise ValueError(
                f"check {check.id}: dimension {check.dimension!r} is not one of {', '.join(sorted(known))}"
            )
    return standard


def by_check(inputs: Inputs, attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    """Attempts by the id of their check.

    Raises:
        ValueError: An attempt belongs to no check of the plan.
    """
    planned = {c.id for c in inputs.plan}
    found: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.check not in planned:
            raise ValueError(f"{attempt.instance}: check {attempt.check!r} is not in the plan of this run")
        found[attempt.check].append(attempt)
    return dict(found)


def partial_because(inputs: Inputs, seal: Seal | None) -> tuple[str, ...]:
    """Why a run has levels only, one sentence each; empty for a whole run."""
    lines = list(inputs.narrowing)
    if seal is None:
        lines.append("the journal ends without a seal: the run did not end")
    elif seal.interrupted:
        lines.append(seal.interrupted)
    return tuple(lines)
