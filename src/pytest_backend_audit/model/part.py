"""What one environment of a merge is by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_backend_audit.model.queue import Severity
from pytest_backend_audit.model.results import Failure


@dataclass(frozen=True, slots=True)
class Part:
    """Of its own runs, and of the audits before them."""

    levels: Mapping[str, int]
    """Dimension -> level before the reviewer's cap, of the dimensions that its runs looked at."""
    taken_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Check -> its cases that had yet to pass there, and are no longer part of it."""
    stands: Mapping[str, Failure] = field(default_factory=dict)
    """Check -> the failure since which it gave no answer there."""
    findings: tuple[tuple[Severity, str, str], ...] = ()
    """Severity, check and title of each of its findings that a check is behind."""
    known: frozenset[str] | None = None
    """Checks of which its prior audit had no pass; None where it has no prior audit."""
