"""What audit.yaml says about the score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
    origin: str = ""
    """Who tells of it: ``audit.yaml:LINE``, the line of another file, or a plugin."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What audit.yaml says about the score, or what counts of it (`Protected`). Without one, the defaults."""

    sought: Mapping[str, int] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    """Dimension -> the number as written, so that scoring works on exact rationals."""
    thresholds: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    """Setting of the standard -> what counts instead of its default."""
    not_applicable: tuple[NotApplicable, ...] = ()
    acknowledged: tuple[Acknowledged, ...] = ()
    incidents: tuple[Incident, ...] | None = None
    """None is "not stated"."""
    owners: Mapping[str, str] = field(default_factory=dict)
    leave_out: Mapping[str, str] = field(default_factory=dict)
    """Criterion whose bundled check is left out -> reason."""
    gate: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """A policy key of which audit.yaml says something else than the protected policy. Values are texts."""

    key: str
    """``sought.4.6``, ``acknowledged.foreign-key-indexes:public.orders.customer_id``."""
    here: str
    """What audit.yaml says."""
    here_origin: str
    """``audit.yaml:12``; without a line where the key is absent."""
    there: str
    """What the protected policy says."""
    there_origin: str
    """``main:audit.yaml:9``."""
    taken: str
    """What counts in this audit."""


@dataclass(frozen=True, slots=True)
class Protected:
    """The policy that audit.yaml was held to (``--audit-policy``)."""

    given: str
    """The revision or path as it was asked for; of what is no branch or tag, such as ``HEAD^``, the full SHA."""
    revision: str
    """Full SHA of the commit; empty where a plain file was named."""
    name: str
    """How messages name the file: ``origin/main:audit.yaml``, or by the commit where no branch or tag was named."""
    digest: str
    """SHA-256 of the file's bytes, in hex."""
    keys: Mapping[str, Any] = field(default_factory=dict)
    """Its policy keys as written."""
    differences: tuple[Difference, ...] = ()

    @property
    def differing(self) -> str:
        """The keys that differ, those with several items counted: ``gate, sought (2), thresholds``."""
        counts: dict[str, int] = {}
        for difference in self.differences:
            key = difference.key.partition(".")[0]
            counts[key] = counts.get(key, 0) + 1
        return ", ".join(f"{key} ({n})" if n > 1 else key for key, n in counts.items())
