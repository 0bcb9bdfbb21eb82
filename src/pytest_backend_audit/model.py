"""The values that travel through an audit: checks, evidence, attempts, policy, card. Frozen, and free of I/O.

One direction of flow binds them::

    Inputs (plan, policy, standard) + Attempts -> journal -> Card (dimensions, findings, verdict) -> reports

Everything here can be built from, and turned into, plain JSON values; `pytest_backend_audit.jsonable` does both.
Instants are RFC 3339 texts in UTC with a trailing ``Z``; dates are ``YYYY-MM-DD``; durations are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class EvidenceKind(StrEnum):
    """The seven kinds of the standard's evidence hierarchy (its section 2), strongest first."""

    OUTPUT = "output"
    """Command output or query result that can be reproduced."""
    DASHBOARD = "dashboard"
    POSTMORTEM = "postmortem"
    LOAD = "load"
    """Result of a load or chaos test, with its method."""
    CODE = "code"
    """``path:line`` that exists at the audited commit."""
    DOCUMENT = "document"
    """Runbook or design document."""
    VERBAL = "verbal"


class Need(StrEnum):
    """What a check does to the audited system beyond reading it; each must be allowed (``--audit-allow``)."""

    LOAD = "load"
    WRITES = "writes"
    FAULTS = "faults"
    PROBES = "probes"


class Status(StrEnum):
    """How one execution of a check ended, before its evidence is judged."""

    PASSED = "passed"
    FAILED = "failed"
    COULD_NOT_RUN = "could-not-run"
    BROKEN = "broken"


class Outcome(StrEnum):
    """What one check is worth, once its evidence is judged (design: table of outcomes).

    Members stand in the order that breaks ties between equal limits.
    """

    FAILED = "failed"
    BROKEN = "broken"
    COULD_NOT_RUN = "could-not-run"
    UNSUPPORTED = "unsupported"
    WEAK = "weak"
    PASSED = "passed"


class Severity(StrEnum):
    """Severity of a finding, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Mode(StrEnum):
    """A rehearsal (``--audit``) shows levels; only a formal audit (``--audit-sha``) has a disposition."""

    REHEARSAL = "rehearsal"
    FORMAL = "formal"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen. All texts are redacted and bounded before one of these exists."""

    kind: EvidenceKind
    title: str
    """What was asked or shown: the statement, command line, request line or reference."""
    body: str = ""
    """What came back."""
    target: str = ""
    """The system that answered, without credentials: ``postgres 127.0.0.1:5432/orders``."""
    taken_at: str = ""
    duration: float | None = None
    left_out: int = 0
    """Bytes of the answer that the size bound left out; 0 when `body` is whole."""
    facts: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)
    """Small named values: ``rows``, ``exit_code``, ``status``."""
    origin: str = ""
    """The fixture whose set-up recorded it; empty when the check's own call did."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a check's docstring says; empty texts are shown as "not stated"."""

    claim: str = ""
    impact: str = ""
    remediation: str = ""
    verification: str = ""
    effort: str = ""
    """``S``, ``M`` or ``L``."""


@dataclass(frozen=True, slots=True)
class Check:
    """One marked test function: one mark on one function, whatever its parameters."""

    id: str
    """Module path (bundled) or path in the audited repository, and qualified name; without parameters."""
    dimension: str
    level: int
    criterion: str | None = None
    """As written in the mark; None makes the check its own criterion, outside the standard."""
    needs: tuple[Need, ...] = ()
    location: str = ""
    """``path:line`` of the function."""
    page: Page = Page()
    bundled: bool = False

    @property
    def ladder(self) -> str:
        """The criterion that the check counts in: the marked one, else the check itself."""
        return self.criterion or self.id


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of one instance of a check (a parameter set, a subtest or a rerun each make one)."""

    check: str
    instance: str
    """pytest's node id, redacted; a subtest adds its description."""
    status: Status
    reason: str = ""
    """The assertion message, the skip reason, the error: what a finding shows."""
    where: str = ""
    """``path:line`` at which it ended, when it did not pass."""
    evidence: tuple[Evidence, ...] = ()
    acknowledged: tuple[str, ...] = ()
    """``criterion:item`` of the exceptions that took something out of the check's result."""
    notes: tuple[str, ...] = ()
    """What the outcome's label leaves out, such as "stale xfail"."""
    started: str = ""
    duration: float = 0.0
    worker: str = ""
    """xdist worker, or empty."""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """A criterion that the service has no use for (audit.yaml ``not_applicable``)."""

    criterion: str
    reason: str
    who: str
    since: str
    expires: str
    origin: str = ""
    """``audit.yaml:LINE``."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """One known item of one check (audit.yaml ``acknowledged``)."""

    item: str
    """``criterion:item``, as the failure message prints it."""
    reason: str
    who: str
    ticket: str
    expires: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident of audit.yaml's ``incidents``."""

    id: str
    severity: str
    opened: str
    resolved: str | None = None
    dimensions: tuple[str, ...] = ()
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What audit.yaml says about the score. Without an audit.yaml, the defaults."""

    sought: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    """Dimension -> the number as written, so that scoring works on exact rationals."""
    not_applicable: tuple[NotApplicable, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    incidents: tuple[Incident, ...] | None = None
    """None is "not stated"."""
    owners: Mapping[str, str] = field(default_factory=dict)
    leave_out: Mapping[str, str] = field(default_factory=dict)
    """Criterion whose bundled check is left out -> reason."""
    gate: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """Document control (the standard's section 1). Empty texts are "not stated"."""

    service: str = ""
    environment: str = ""
    """Name of the environment block, or its kind."""
    environment_kind: str = ""
    """prod, stage, canary or local."""
    commit: str = ""
    """Full SHA of the audited commit; empty where there is no git."""
    build: str = ""
    """What the service itself told of its build, or "not verifiable: ..."."""
    audited_at: str = ""
    lead_auditor: str = ""
    second_reviewer: str = ""
    prior_audit: str = ""
    distribution: str = ""
    runbook: str = ""


@dataclass(frozen=True, slots=True)
class PriorCheck:
    """What the prior audit, or an earlier run at the same SHA, recorded for one check."""

    outcome: Outcome
    limit: int
    source: str = ""
    """"prior audit 2026-08-01" or "earlier run 002-1a2b3c4"."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The journal's first line: everything the card depends on besides the attempts."""

    plugin_version: str
    mode: Mode
    instant: str
    """The instant of the audit; windows and expiries compare with it, never with now."""
    document: Document
    policy: Policy
    standard: Mapping[str, Any]
    """The standard as its loader gives it (`standard.load`); "own criteria" when `standard_loaded` is false."""
    standard_loaded: bool
    plan: tuple[Check, ...]
    """Every check collected before narrowing, in the order of the walk."""
    selected: tuple[str, ...]
    """Ids of the checks that this run set out to execute, in the order of the walk."""
    not_sought: tuple[str, ...] = ()
    """Ids of checks above the sought level."""
    narrowing: tuple[str, ...] = ()
    """Why the run is partial, one sentence each; empty when it is whole."""
    scope: tuple[str, ...] = ()
    config_path: str = ""
    config_digest: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    """audit.yaml as read, before variables are filled in."""
    suites: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    prior: Mapping[str, PriorCheck] = field(default_factory=dict)
    prior_levels: Mapping[str, int] = field(default_factory=dict)
    """Dimension -> level before the reviewer's cap in the prior audit."""
    prior_source: str = ""
    earlier: tuple[str, ...] = ()
    """One line for each earlier run of this SHA that is known, with what it found."""
    run_number: int = 1
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seal:
    """The journal's last line."""

    ended: str
    exit_status: int
    """pytest's own, before the verdict."""
    broken: tuple[str, ...] = ()
    """Broken modules, teardown errors of wider scope: belong to no check; a gate fails."""
    interrupted: str = ""
    """Why the run stopped before its end; makes it partial."""
    invalid: str = ""
    """Why the run proves nothing about the commit (the service changed its build on the way)."""
    notices: tuple[str, ...] = ()


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
    """Where its evidence comes from, in a merged card."""


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
class Finding:
    """One entry of the remediation queue: the twelve fields of the standard's section 7."""

    id: str
    """F-NNNN once filed; before that the first 8 hex digits of the fingerprint."""
    fingerprint: str
    dimension: str
    dimension_name: str
    severity: Severity
    observed: int
    target: int
    title: str
    evidence: str
    impact: str
    effort: str
    remediation: str
    owner: str
    due: str
    verification: str
    criterion: str = ""
    check: str = ""
    """Check id, or ``coverage`` or ``proof``."""
    outcome: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True)
class Raise:
    """A way to lift the result: the fewest checks that do it."""

    dimension: str
    to_level: int
    checks: tuple[str, ...]
    """Criteria or checks to be mended, or rows to be covered."""
    lifts: str
    """What rises: "total 14 to 15", "disposition to Conditional production"."""
    how: str = ""
    """Said in one sentence."""


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
    schema_version: int = 1

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Every judged check, in the order of the walk."""
        return tuple(c for d in self.dimensions for k in d.criteria for c in k.checks)
