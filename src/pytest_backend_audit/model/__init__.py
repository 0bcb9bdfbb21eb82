"""The values that travel through an audit: checks, evidence, attempts, policy, card. Frozen, and free of I/O.

One direction of flow binds them::

    Inputs (plan, policy, standard) + Attempts -> journal -> Card (dimensions, findings, verdict) -> reports

Everything here can be built from, and turned into, plain JSON values; `pytest_backend_audit.jsonable` does both.
Instants are RFC 3339 texts in UTC with a trailing ``Z``; dates are ``YYYY-MM-DD``; durations are seconds.

Each file loads when one of its names is first asked for: a run begins without the card, and each frozen class costs a
millisecond to make.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_backend_audit.model.card import Action, Card, Coverage, DispositionResult, NoWorse, Verdict
    from pytest_backend_audit.model.checks import Attempt, Check, Need, Outcome, Page, Status
    from pytest_backend_audit.model.evidence import Evidence, EvidenceKind
    from pytest_backend_audit.model.filed import FiledCard, FiledCheck, FiledDimension, FiledFinding
    from pytest_backend_audit.model.policy import Acknowledged, Difference, Incident, NotApplicable, Policy, Protected
    from pytest_backend_audit.model.queue import COVERAGE, DERIVED, PROOF, Finding, Raise, Severity
    from pytest_backend_audit.model.results import (
        CheckResult,
        CriterionResult,
        DimensionResult,
        Failure,
        RowResult,
        RowState,
    )
    from pytest_backend_audit.model.run import ALL, HAD_PASSED, Document, Inputs, Mode, PriorCheck, Seal, YetToPass
    from pytest_backend_audit.model.signoff import SignOff

__all__ = [
    "ALL",
    "COVERAGE",
    "DERIVED",
    "HAD_PASSED",
    "PROOF",
    "Acknowledged",
    "Action",
    "Attempt",
    "Card",
    "Check",
    "CheckResult",
    "Coverage",
    "CriterionResult",
    "Difference",
    "DimensionResult",
    "DispositionResult",
    "Document",
    "Evidence",
    "EvidenceKind",
    "Failure",
    "FiledCard",
    "FiledCheck",
    "FiledDimension",
    "FiledFinding",
    "Finding",
    "Incident",
    "Inputs",
    "Mode",
    "Need",
    "NoWorse",
    "NotApplicable",
    "Outcome",
    "Page",
    "Policy",
    "PriorCheck",
    "Protected",
    "Raise",
    "RowResult",
    "RowState",
    "Seal",
    "Severity",
    "SignOff",
    "Status",
    "Verdict",
    "YetToPass",
]

_FILES = {
    "card": ("Action", "Card", "Coverage", "DispositionResult", "NoWorse", "Verdict"),
    "checks": ("Attempt", "Check", "Need", "Outcome", "Page", "Status"),
    "evidence": ("Evidence", "EvidenceKind"),
    "filed": ("FiledCard", "FiledCheck", "FiledDimension", "FiledFinding"),
    "policy": ("Acknowledged", "Difference", "Incident", "NotApplicable", "Policy", "Protected"),
    "queue": ("COVERAGE", "DERIVED", "PROOF", "Finding", "Raise", "Severity"),
    "results": ("CheckResult", "CriterionResult", "DimensionResult", "Failure", "RowResult", "RowState"),
    "run": ("ALL", "HAD_PASSED", "Document", "Inputs", "Mode", "PriorCheck", "Seal", "YetToPass"),
    "signoff": ("SignOff",),
}
_HOMES = {name: file for file, names in _FILES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
