"""OCSF 1.5 Compliance Findings, one JSON object a line, as stores of security events take them.

First an event about the run, then one for each check, and for each row that no check addresses. The same thing has the
same ``finding_info.uid`` in every audit; against the prior audit an event creates, updates or closes it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.model import Card, Evidence, Mode, Outcome, PriorCheck, Severity
from pytest_backend_audit.reports import facts
from pytest_backend_audit.reports.items import (
    Item,
    State,
    absent,
    items,
    milliseconds,
    pieces,
    prior_of,
    run_uid,
    severity_of,
    shown,
    titled,
    uid,
    why_not_conclusive,
)

VERSION = "1.5.0"
CLASS = 2003
EVIDENCE = 3
"""Pieces of evidence of one check; all of them stand in the journal."""
BODY = 500
"""Characters of a piece's answer."""
CREATE, UPDATE, CLOSE = 1, 2, 3
_ACTIVITIES = {CREATE: "Create", UPDATE: "Update", CLOSE: "Close"}

_PASS, _WARNING, _FAIL, _OTHER = 1, 2, 3, 99
STATUSES = {
    State.PASS: _PASS,
    State.FAIL: _FAIL,
    # "did not yield a result due to missing information"
    State.OPEN: _WARNING,
    State.REVIEW: _WARNING,
    State.NOT_APPLICABLE: _OTHER,
    State.NOT_SOUGHT: _OTHER,
}
_WORDS = {_PASS: "Pass", _WARNING: "Warning", _FAIL: "Fail"}

_INFORMATIONAL = (1, "Informational")
SEVERITIES = {
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_UNKNOWN = (0, "Unknown")
_NEW, _IN_PROGRESS, _SUPPRESSED, _RESOLVED = (1, "New"), (2, "In Progress"), (3, "Suppressed"), (4, "Resolved")


def chunks(card: Card) -> Iterator[str]:
    """The file, an event at a time."""
    for event in _events(card):
        yield json.dumps(event.fields(card), allow_nan=False) + "\n"


@dataclass(frozen=True, slots=True)
class _Event:
    """What differs from event to event."""

    identity: str
    """What it is about, the same in every audit of this service in this environment."""
    control: str
    title: str
    detail: str
    compliance: dict[str, Any]
    activity: int
    status: tuple[int, str]
    severity: tuple[int, str]
    unmapped: dict[str, Any]
    evidences: tuple[dict[str, Any], ...] = ()
    remediation: str = ""
    description: str = ""

    def fields(self, card: Card) -> dict[str, Any]:
        """The event."""
        document, seal = card.inputs.document, card.seal
        instant = milliseconds(card.inputs.instant)
        status_id, status = self.status
        severity_id, severity = self.severity
        return {
            "activity_id": self.activity,
            "activity_name": _ACTIVITIES[self.activity],
            "category_name": "Findings",
            "category_uid": 2,
            "class_name": "Compliance Finding",
            "class_uid": CLASS,
            "type_name": f"Compliance Finding: {_ACTIVITIES[self.activity]}",
            "type_uid": CLASS * 100 + self.activity,
            "time": instant,
            "start_time": instant,
            **({"end_time": milliseconds(seal.ended)} if seal and seal.ended else {}),
            "severity_id": severity_id,
            "severity": severity,
            "status_id": status_id,
            "status": status,
            **({"status_detail": shown(self.detail)} if self.detail else {}),
            "message": titled(self.title),
            "metadata": {
                "version": VERSION,
                "uid": run_uid(card, "ocsf", self.identity),
                "correlation_uid": run_uid(card, "ocsf"),
                "event_code": titled(self.control),
                "original_time": card.inputs.instant,
                "labels": _labels(card),
                "product": {
                    "name": "pytest-backend-audit",
                    "vendor_name": "pytest-backend-audit",
                    "version": titled(card.inputs.plugin_version),
                    "lang": "en",
                },
            },
            "finding_info": {
                "uid": uid(document.service, document.environment, self.identity),
                "title": titled(self.title),
                **({"desc": shown(self.description)} if self.description else {}),
                "types": ["backend audit"],
                "last_seen_time": instant,
            },
            "compliance": {"standards": [titled(facts.standard_name(card))], **self.compliance},
            **({"evidences": list(self.evidences)} if self.evidences else {}),
            **({"remediation": {"desc": shown(self.remediation)}} if self.remediation else {}),
            "resources": [_resource(card)],
            "unmapped": self.unmapped,
        }


def _labels(card: Card) -> list[str]:
    """What holds for all events of a run; a reader of one event alone sees that the run was not whole."""
    why = why_not_conclusive(card)
    return [f"mode:{card.inputs.mode.value}", *([titled(f"inconclusive:{why}")] if why else [])]


def _resource(card: Card) -> dict[str, Any]:
    document = card.inputs.document
    told = {
        "uid": uid(document.service, document.environment),
        "name": titled(document.service),
        "type": "service",
        "namespace": titled(document.environment or document.environment_kind),
        "version": titled(document.commit),
    }
    return {key: value for key, value in told.items() if value}


def _events(card: Card) -> Iterator[_Event]:
    yield _of_run(card)
    prior = prior_of(card)
    for item in items(card):
        yield _of_item(card, item, prior.get(item.result.check.id) if item.result else None)
    for gone in absent(card):
        yield _Event(
            identity=f"absent {gone.check}",
            control="backend-audit/absent",
            title=gone.said,
            detail=gone.said,
            compliance={"control": "backend-audit/absent", "status_id": _WARNING},
            activity=CREATE,
            status=_NEW,
            severity=SEVERITIES[Severity.LOW],
            unmapped={"check": titled(gone.check)},
        )


def _of_run(card: Card) -> _Event:
    """The run as a whole: a pass only if a gate was asked and passed."""
    document = card.inputs.document
    why = why_not_conclusive(card)
    disposition = card.disposition.name if card.disposition else "no disposition"
    if why:
        status = _WARNING
    elif card.verdict.gate is None:
        status = _OTHER
    else:
        status = _PASS if card.verdict.passed else _FAIL
    worst = next((f.severity for f in card.findings), None)
    return _Event(
        identity="run",
        control="backend-audit/run",
        title=f"{facts.mode_words(card)} of {document.service} at {facts.short_commit(card)}: {disposition}",
        detail=why or card.verdict.reason,
        compliance={"control": "backend-audit/run", "status_id": status},
        activity=CREATE,
        status=_NEW,
        severity=SEVERITIES[worst] if worst else _INFORMATIONAL,
        unmapped={
            "total": card.total,
            "maximum": card.maximum,
            "disposition": titled(card.disposition.id) if card.disposition else None,
            "no_disposition": titled(facts.why_no_disposition(card)),
            "levels": {titled(d.id): d.level for d in card.dimensions},
            "assessed": card.coverage.assessed,
            "rows": card.coverage.of,
            "findings": {severity.value: n for severity, n in facts.by_severity(card).items()},
        },
    )


def _of_item(card: Card, item: Item, before: PriorCheck | None) -> _Event:
    finding, result = item.finding, item.result
    status = STATUSES[item.state]
    passes = item.state is State.PASS
    activity, lifecycle = _activity(item, before, proves=_proves(card))
    title = finding.title if finding else f"{item.criterion.id} L{item.level} {item.outcome}"
    compliance: dict[str, Any] = {
        "category": titled(f"{item.dimension.id} {item.dimension.name}"),
        "control": titled(item.rule),
        "desc": shown(item.claim),
        "status_id": status,
    }
    if item.clause:
        compliance["requirements"] = [shown(item.clause)]
    if result is not None:
        compliance["checks"] = [
            {
                "uid": titled(result.check.id),
                "name": titled(facts.short_name(result.check.id)),
                "desc": shown(result.check.page.claim or item.claim),
                "standards": [titled(facts.standard_name(card))],
                "status": _WORDS.get(status, item.outcome),
                "status_id": status,
            }
        ]
    return _Event(
        identity=item.fingerprint,
        control=item.rule,
        title=title,
        detail=f"{item.outcome}: {item.reason}" if item.reason else item.outcome,
        compliance=compliance,
        activity=activity,
        status=lifecycle,
        severity=SEVERITIES[severity_of(item)] if finding or _is_unseen(item) else _INFORMATIONAL,
        unmapped=_unmapped(item),
        evidences=tuple(_evidence(piece) for piece in pieces(result, EVIDENCE)) if result else (),
        remediation="" if passes or result is None else result.check.page.remediation,
        description=item.claim,
    )


def _is_unseen(item: Item) -> bool:
    return item.state in {State.OPEN, State.REVIEW}


def _proves(card: Card) -> bool:
    """Whether a pass of this run can close a finding: a formal one, about the commit that it names."""
    return card.inputs.mode is Mode.FORMAL and card.seal is not None and not card.seal.invalid


def _activity(item: Item, before: PriorCheck | None, *, proves: bool) -> tuple[int, tuple[int, str]]:
    """What the event does to the finding, and in which state that leaves it."""
    stood = before is not None and before.outcome is not Outcome.PASSED
    if item.state is State.PASS and not proves:
        return (UPDATE if stood else CREATE), _UNKNOWN
    if item.state is State.PASS:
        return (CLOSE if stood else CREATE), _RESOLVED
    if item.state in {State.NOT_APPLICABLE, State.NOT_SOUGHT}:
        return (UPDATE if stood else CREATE), _SUPPRESSED
    return (UPDATE, _IN_PROGRESS) if stood else (CREATE, _NEW)


def _unmapped(item: Item) -> dict[str, Any]:
    told: dict[str, Any] = {
        "dimension": titled(item.dimension.id),
        "criterion": titled(item.criterion.id),
        "level": item.level,
        "outcome": item.outcome,
        "recorded_level": item.dimension.level,
        "sought": item.dimension.sought,
    }
    if item.result is not None:
        told |= {"limit": item.result.limit, "evidence": len(facts.evidence_of(item.result))}
    if item.finding is not None:
        told |= {
            "finding": titled(item.finding.id),
            "fingerprint": item.finding.fingerprint,
            "owner": titled(item.finding.owner),
            "due": titled(item.finding.due),
        }
    return told


def _evidence(piece: Evidence) -> dict[str, Any]:
    data = {
        "kind": piece.kind.value,
        "title": shown(piece.title, BODY),
        "body": shown(piece.body, BODY),
        "target": titled(piece.target),
        "taken_at": piece.taken_at,
        "facts": {
            titled(name): titled(value) if isinstance(value, str) else value for name, value in piece.facts.items()
        },
    }
    return {"name": titled(piece.title), "data": {key: value for key, value in data.items() if value}}
