"""The scorecard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_backend_audit.model.queue import Finding, Raise
from pytest_backend_audit.model.results import CheckResult, DimensionResult
from pytest_backend_audit.model.run import Inputs, PriorCheck, Seal
from pytest_backend_audit.model.signoff import SignOff


@dataclass(frozen=True, slots=True)
class Action:
    """A required action of a disposition, with its date."""

    text: str
    due: str = ""


@dataclass(frozen=True, slots=True)
class DispositionResult:
    """The row of the matrix that the card falls in, after overrides."""

    id: str
    name: str
    actions: tuple[Action, ...] = ()
    matrix_id: str = ""
    """The row before overrides."""
    qualifier: str = ""
    """Such as "own criteria, the standard is not loaded" or "proven outside prod"."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The "assessed n of m" of the head: rows with an executed check, of rows sought and applicable."""

    assessed: int
    of: int
    pending: int = 0
    """Rows of the standard that this edition leaves out because no bundled check exists yet."""
    outside: tuple[str, ...] = ()
    """Ids of checks that cover no row of the standard."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the run says as an exit status, and why. Computed once; everybody else only shows it."""

    gate: str | None
    passed: bool | None
    """None without a gate."""
    reason: str
    exit_status: int


@dataclass(frozen=True, slots=True)
class NoWorse:
    """What became of ``--audit-no-worse``, whether or not a gate was asked for as well."""

    passed: bool | None
    """None where there was nothing to be worse than."""
    reason: str


@dataclass(frozen=True, slots=True)
class Card:
    """The scorecard."""

    inputs: Inputs
    seal: Seal | None
    """None when the journal was cut short."""
    dimensions: tuple[DimensionResult, ...]
    total: int | None
    """None when partial, invalid or a rehearsal gives none."""
    maximum: int
    minimum: int | None
    """Lowest recorded level of a dimension."""
    lowest: tuple[str, ...]
    blocking: tuple[str, ...]
    """Blocking dimensions that stand at L1."""
    disposition: DispositionResult | None
    no_disposition: str
    """Why there is none, or empty."""
    overrides: tuple[str, ...]
    findings: tuple[Finding, ...]
    coverage: Coverage
    partial: tuple[str, ...]
    basis: str
    """Name of the standard, or "own criteria, the standard is not loaded"."""
    raises: tuple[Raise, ...]
    exceptions_unused: tuple[str, ...]
    exceptions_lapsing: tuple[str, ...]
    notices: tuple[str, ...]
    verdict: Verdict
    no_worse: NoWorse | None = None
    """None where nobody asked."""
    exceptions_expired: tuple[str, ...] = ()
    sign_off: SignOff | None = None
    """The second reviewer's, once its signature was checked."""
    merged: tuple[str, ...] = ()
    """One line for each run that a merged card is made from; empty for the card of one run."""
    parts: Mapping[str, Card] = field(default_factory=dict)
    """Of a merge of several environments: each one's card by itself, of its own runs."""
    past: Mapping[str, PriorCheck] = field(default_factory=dict)
    """What the prior audit, and earlier runs at this commit, recorded of its checks, by their present ids."""
    left_out: tuple[str, ...] = ()
    """Checks of the plan that are sought, and that none of its runs set out to execute; none of a whole one."""
    schema_version: int = 1

    @property
    def exceptions_told(self) -> tuple[tuple[str, str], ...]:
        """What to say of exceptions, the gravest first: ``expired``, ``lapses soon`` or ``unused``, and of which."""
        return (
            *(("expired", text) for text in self.exceptions_expired),
            *(("lapses soon", text) for text in self.exceptions_lapsing),
            *(("unused", text) for text in self.exceptions_unused),
        )

    @property
    def levels(self) -> dict[str, int]:
        """Dimension -> level before the reviewer's cap, of those that its runs looked at: if whole, each."""
        looked = (d for d in self.dimensions if not self.partial or any(criterion.checks for criterion in d.criteria))
        return {d.id: d.would_be for d in looked}

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Every judged check, in the order of the walk."""
        return tuple(c for d in self.dimensions for k in d.criteria for c in k.checks)
