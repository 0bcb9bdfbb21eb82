"""What a run was given, and how it ended: the journal's first line and its last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pytest_backend_audit.model.checks import Check, Outcome
from pytest_backend_audit.model.policy import Policy, Protected

HAD_PASSED = frozenset({Outcome.PASSED, Outcome.WEAK})
"""Outcomes after which a failure is new: a weak check has passed, if only on somebody's word."""


ALL = "*"
"""Any function (`Inputs.hidden`)."""


class Mode(StrEnum):
    """A rehearsal (``--audit``) shows levels; only a formal audit (``--audit-sha``) has a disposition."""

    REHEARSAL = "rehearsal"
    FORMAL = "formal"


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
    repository: str = ""
    """URL that the audited repository is cloned from, without credentials; empty where it is cloned from no URL."""


@dataclass(frozen=True, slots=True)
class PriorCheck:
    """What the prior audit, or an earlier run at the same SHA, recorded for one check."""

    outcome: Outcome
    limit: int
    source: str = ""
    """"prior audit 2026-08-01" or "earlier run 002-1a2b3c4"."""
    stood: bool = False
    """Whether the prior audit had no pass of it either, where an earlier run at the same SHA has the word."""
    elsewhere: bool = False
    """Whether it failed in an earlier run in another environment only: what that found is not to be mended here."""
    in_prior: bool = False
    """Whether the prior audit had it, whoever has the word; not told in journals of older versions."""

    @property
    def known(self) -> bool:
        """Whether a failure of it is no news: the prior audit, and no mere earlier run, had no pass of it."""
        return self.stood or (self.source.startswith("prior audit") and self.outcome not in HAD_PASSED)

    @property
    def had(self) -> bool:
        """Whether the prior audit had it: an earlier run at the same SHA makes it no older."""
        return self.in_prior or self.stood or self.source.startswith("prior audit")


@dataclass(frozen=True, slots=True)
class YetToPass:
    """What is known of a check's cases, those of its parameters, since it last did not pass."""

    cases: tuple[str, ...] = ()
    """Those that failed, or broke, and have yet to pass, by what stands in brackets."""
    count: int = 0
    """How many there were."""
    could_not_run: tuple[str, ...] = ()
    """Others that could not run, and have yet to: another environment may answer these."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.cases, *self.could_not_run)


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
    hidden: tuple[str, ...] = ()
    """Functions of which it collected single instances only, `ALL` for any: nobody knows of the others."""
    by_place: tuple[str, ...] = ()
    """Ids of checks with instances that go by their place: pytest found no name for their parameters."""
    left: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Check id -> its instances that this run did not set out to execute; only of checks with several."""
    scope: tuple[str, ...] = ()
    config_path: str = ""
    config_digest: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    """audit.yaml as read, before variables are filled in."""
    suites: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    prior: Mapping[str, PriorCheck] = field(default_factory=dict)
    yet_to_pass: Mapping[str, YetToPass] = field(default_factory=dict)
    """Check -> its cases that had not passed before: in the prior audit, or in one since which a finding is open."""
    prior_levels: Mapping[str, int] = field(default_factory=dict)
    """Dimension -> level before the reviewer's cap in the prior audit."""
    prior_whole: Mapping[str, int] = field(default_factory=dict)
    """Likewise of all its environments together, where the prior audit was a merge: what a merge is compared with."""
    prior_whole_open: tuple[str, ...] = ()
    """Checks of which that merge had no pass."""
    prior_places: tuple[str, ...] = ()
    """The environments of that merge."""
    prior_source: str = ""
    prior_missing: str = ""
    """Why there is no prior audit, although some of the service were filed: "audits/orders has audits of stage, none
    of prod"."""
    formerly: Mapping[str, str] = field(default_factory=dict)
    """The environment -> its name in the prior audit, where it got another one since."""
    earlier: tuple[str, ...] = ()
    """One line for each earlier run of this SHA that is known, with what it found."""
    run_number: int = 1
    notices: tuple[str, ...] = ()
    protected: Protected | None = None
    """What audit.yaml was held to; `policy` is what counts of both. None without ``--audit-policy``."""

    @property
    def policy_revision(self) -> str:
        """Full SHA of the commit that policy was read from as well; empty if none was asked for, or a plain file."""
        return self.protected.revision if self.protected is not None else ""


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
