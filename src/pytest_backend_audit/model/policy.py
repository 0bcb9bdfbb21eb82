"""What audit.yaml says about the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
