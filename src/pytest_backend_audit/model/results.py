"""What became of each check, row, criterion and dimension."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pytest_backend_audit.model.checks import Attempt, Check, Outcome
from pytest_backend_audit.model.policy import NotApplicable


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that stands."""

    outcome: Outcome
    """Failed, or unsupported."""
    limit: int
    """Its own, whatever the check's present one is."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check of the plan, judged."""

    check: Check
    outcome: Outcome
    limit: int
    """The level above which this check does not let its criterion rise, 1 to 5."""
    reason: str = ""
    where: str = ""
    executed: bool = False
    """Whether its call ran to an answer about the service (passed, weak, unsupported, failed)."""
    attempts: tuple[Attempt, ...] = ()
    carried: str = ""
    """The source whose failed limit it keeps, because it could not run this time."""
    acknowledged: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    """Where its evidence comes from, in a merged card: the environments that answered all that they were asked."""
    cases: Mapping[str, Mapping[str, Outcome]] = field(default_factory=dict)
    """Of a check with parameters: environment -> case, what stands in brackets -> what became of it there."""
    taken_out: tuple[str, ...] = ()
    """Cases that had yet to pass before this audit, and are no longer part of the check, which passed without them."""
    alone: Mapping[str, Outcome] = field(default_factory=dict)
    """In a merged card: environment -> what became of it there by itself."""
    answers: Mapping[str, Outcome] = field(default_factory=dict)
    """Environment -> the gravest of what answered there, which the lower limit of what could not run may hide; none of
    where nothing answered."""


class RowState(StrEnum):
    """What became of one row of the standard."""

    COVERED = "covered"
    """A check addresses it and was executed."""
    NOT_EXECUTED = "not-executed"
    """A check addresses it but could not run or is broken."""
    UNCOVERED = "uncovered"
    """No check addresses it: could not run."""
    NOT_APPLICABLE = "not-applicable"
    NOT_SOUGHT = "not-sought"


@dataclass(frozen=True, slots=True)
class RowResult:
    """One row of the standard (dimension, criterion, level)."""

    dimension: str
    criterion: str
    level: int
    state: RowState
    clause: str = ""


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One ladder of a dimension."""

    id: str
    limit: int
    proven: int
    """Highest level that a passed check of this criterion has; 0 for none."""
    checks: tuple[CheckResult, ...] = ()
    rows: tuple[RowResult, ...] = ()
    in_standard: bool = True
    not_applicable: NotApplicable | None = None
    proven_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DimensionResult:
    """One dimension of the card."""

    id: str
    name: str
    level: int
    """As recorded: after the cap for a missing second reviewer."""
    would_be: int
    """Before that cap."""
    limit: int
    """Lowest limit of its criteria; 5 when there is none."""
    proven: int
    sought: int
    weight: str
    criteria: tuple[CriterionResult, ...] = ()
    limited_by: tuple[str, ...] = ()
    """What holds the level where it is: criteria with the lowest limit, or "nothing proves L4"."""
    prior: int | None = None
