"""Events of a small ledger, for its tests."""

from __future__ import annotations

from typing import Any, Literal

from pytest_backend_audit.ledger.events import Assigned, Closed, Disputed, Filed, Found, Gone, Resolved
from pytest_backend_audit.model import Finding, Severity

SHA = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
BARE, SLOW = "ba" * 32, "5a" * 32
"""Fingerprints."""


def at(minute: int) -> str:
    """An instant."""
    return f"2026-08-31T10:{minute:02}:00.000Z"


def finding(fingerprint: str = BARE, **fields: Any) -> Finding:
    """A finding of the card."""
    values: dict[str, Any] = {
        "id": fingerprint[:8],
        "fingerprint": fingerprint,
        "dimension": "4.1",
        "dimension_name": "Query Performance",
        "severity": Severity.HIGH,
        "observed": 2,
        "target": 3,
        "title": "bare L3 failed: 2 foreign keys without an index",
        "evidence": "2 foreign keys without an index",
        "impact": "slow deletes",
        "effort": "S",
        "remediation": "make the indexes",
        "owner": "Kim",
        "due": "2026-11-30",
        "verification": "the check passes",
        "criterion": "bare",
        "check": "audits/test_a.py::test_bare",
        "outcome": "failed",
    }
    return Finding(**values | fields)


def filed(minute: int = 0, file: str = "2026-08-31", **fields: Any) -> Filed:
    """A filing by Ada."""
    values: dict[str, Any] = {
        "service": "orders",
        "environment": "prod",
        "environment_kind": "prod",
        "commit": SHA,
        "instant": at(minute),
        "heads": ("ab" * 32,),
        "lead_auditor": "Ada",
    }
    return Filed(at(minute), "Kim", file, **values | fields)


def found(
    number: str,
    fingerprint: str = BARE,
    minute: int = 0,
    *,
    how: Literal["opened", "reopened", "seen"] = "opened",
    environment: str = "prod",
    told: bool = True,
    **fields: Any,
) -> Found:
    """A card has it, and tells of it."""
    if not told:
        return Found(at(minute), number, fingerprint, "2026-08-31", environment, type=how)
    return Found(
        at(minute), number, fingerprint, "2026-08-31", environment, finding(fingerprint, id=number, **fields), how
    )


def gone(
    number: str,
    fingerprint: str = BARE,
    minute: int = 0,
    environment: str = "prod",
    reason: str = "its check passed",
) -> Gone:
    """A card lacks it."""
    return Gone(at(minute), number, fingerprint, "2026-09-30", environment, reason)


def assigned(fingerprint: str = BARE, minute: int = 0, **fields: str) -> Assigned:
    """Somebody is named."""
    return Assigned(at(minute), "Kim", fingerprint, **fields)


def disputed(number: str = "F-0001", fingerprint: str = BARE, minute: int = 0) -> Disputed:
    """Lin holds it to be wrong."""
    return Disputed(at(minute), "Lin", number, fingerprint, "the table is empty")


def resolved(*, upheld: bool, number: str = "F-0001", fingerprint: str = BARE, minute: int = 0) -> Resolved:
    """Grace's word."""
    return Resolved(at(minute), "Grace", number, fingerprint, upheld, "I looked")


def closed(number: str = "F-0001", fingerprint: str = BARE, minute: int = 0, environment: str = "prod") -> Closed:
    """Its check passed."""
    return Closed(
        at(minute), "Kim", number, fingerprint, environment, SHA, at(minute), "cd" * 32, "passed", "output: 0 rows"
    )
