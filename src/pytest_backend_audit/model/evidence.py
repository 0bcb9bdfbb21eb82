"""What was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
