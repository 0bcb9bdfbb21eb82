"""findings.json: the remediation queue for trackers, in the twelve fields of the standard's section 7."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_backend_audit.model import Card, Finding
from pytest_backend_audit.reports import lines


def chunks(card: Card) -> Iterator[str]:
    """The file, in pieces."""
    document = card.inputs.document
    return lines.text(
        {
            "schema_version": card.schema_version,
            "service": document.service,
            "environment": document.environment,
            "commit": document.commit,
            "audited_at": document.audited_at or card.inputs.instant,
            "findings": (finding_fields(finding) for finding in card.findings),
        }
    )


def finding_fields(finding: Finding) -> dict[str, Any]:
    """One finding: the twelve fields in the standard's order, then what identifies it."""
    return {
        "id": finding.id,
        "dimension": finding.dimension,
        "dimension_name": finding.dimension_name,
        "severity": finding.severity.value,
        "observed": finding.observed,
        "target": finding.target,
        "evidence": finding.evidence,
        "impact": finding.impact,
        "effort": finding.effort,
        "remediation": finding.remediation,
        "owner": finding.owner,
        "due": finding.due,
        "verification": finding.verification,
        "title": finding.title,
        "fingerprint": finding.fingerprint,
        "criterion": finding.criterion,
        "check": finding.check,
        "outcome": finding.outcome,
        "location": finding.location,
    }
