"""Checks, and how each of their executions ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pytest_backend_audit.model.evidence import Evidence


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
