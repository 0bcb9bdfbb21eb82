"""A filed card: what stays of an audit in the repository, small enough that thousands of them are read at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_backend_audit.model.card import Action
from pytest_backend_audit.model.checks import Outcome
from pytest_backend_audit.model.queue import Severity
from pytest_backend_audit.model.results import Failure


@dataclass(frozen=True, slots=True)
class FiledCheck:
    """What became of one check."""

    id: str
    dimension: str
    criterion: str
    """The ladder that it counts in."""
    level: int
    outcome: Outcome
    limit: int
    carried: bool = False
    """Whether it could not run and kept the limit of an earlier failure."""
    stands: Failure | None = None
    """A failure since which the check gave no answer; None where it gave one, and in cards of older versions."""
    taken_out: tuple[str, ...] = ()
    """Cases that had yet to pass before, and are no longer part of the check, which passed without them."""


@dataclass(frozen=True, slots=True)
class FiledDimension:
    """One dimension."""

    id: str
    name: str
    level: int
    """As recorded."""
    would_be: int
    """Before the reviewer's cap."""
    sought: int
    weight: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class FiledFinding:
    """One finding, as it stood when the card was filed."""

    id: str
    """F-NNNN."""
    fingerprint: str
    dimension: str
    criterion: str
    check: str
    """Check id, or ``coverage`` or ``proof``."""
    severity: Severity
    title: str
    due: str = ""


@dataclass(frozen=True, slots=True)
class FiledCard:
    """An audit, as filed."""

    service: str
    environment: str
    environment_kind: str
    commit: str
    instant: str
    """Of the audit, RFC 3339 in UTC."""
    lead_auditor: str
    second_reviewer: str
    """Who signed; empty without a sign-off."""
    standard: str
    """Its id."""
    basis: str
    plugin_version: str
    dimensions: tuple[FiledDimension, ...]
    checks: tuple[FiledCheck, ...]
    findings: tuple[FiledFinding, ...]
    total: int | None
    maximum: int
    minimum: int | None
    disposition: str
    """Id, or empty."""
    disposition_name: str
    actions: tuple[Action, ...] = ()
    overrides: tuple[str, ...] = ()
    assessed: int = 0
    rows: int = 0
    """Rows sought and applicable: the "m" of "assessed n of m"."""
    thresholds: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Of audit.yaml, where they differ from the standard's."""
    exceptions: tuple[str, ...] = ()
    """Exceptions in force, one line each."""
    standard_version: str = ""
    formerly: Mapping[str, str] = field(default_factory=dict)
    """Environment -> its name in the audits before, where it got another one."""
    sources: tuple[str, ...] = ()
    """Last hash of the journal of each run that it was made from."""
    partial: bool = False
    """Whether its runs looked at a part of the plan only, as those of one environment of a merge may: it has the
    dimensions that they looked at, and no total."""
    left_out: tuple[str, ...] = ()
    """Checks of the plan that those runs left to others."""
    parts: Mapping[str, FiledCard] = field(default_factory=dict)
    """Of a merge: each of its environments by itself, which is what an audit of that one is compared with."""
    schema_version: int = 1
