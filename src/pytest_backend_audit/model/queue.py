"""The remediation queue, and what would lift the result most."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

COVERAGE = "coverage"
"""What a finding has for its check that is about rows without one."""
PROOF = "proof"
"""Likewise of one that nothing proves the next level of a dimension."""
DERIVED = frozenset({COVERAGE, PROOF})
"""Both: no check is behind them, and only a whole audit shows that they are mended."""


class Severity(StrEnum):
    """Severity of a finding, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


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
