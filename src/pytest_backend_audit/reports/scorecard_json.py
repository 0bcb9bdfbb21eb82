"""scorecard.json: the card for machines. Its shape is published as ``scorecard.schema.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

from pytest_backend_audit.jsonable import to_builtins
from pytest_backend_audit.model import (
    Attempt,
    Card,
    CheckResult,
    CriterionResult,
    DimensionResult,
    Evidence,
    Protected,
)
from pytest_backend_audit.reports import facts, lines
from pytest_backend_audit.reports.findings_json import finding_fields
from pytest_backend_audit.reports.lines import Leaf
from pytest_backend_audit.reports.text import bounded

EVIDENCE = 5
"""Pieces of evidence that a check shows; all of them stand in the journal."""
BODY = 500
"""Characters of a piece's answer; titles likewise."""
ATTEMPTS = 20
"""Attempts that a check shows, those that did not pass first."""
REASON = 4000
"""Characters of a reason."""


def chunks(card: Card) -> Iterator[str]:
    """The file, in pieces."""
    return lines.text(_card(card))


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) that every scorecard.json follows."""
    loaded: dict[str, Any] = json.loads(
        resources.files("pytest_backend_audit.reports").joinpath("scorecard.schema.json").read_text("utf-8")
    )
    return loaded


def _card(card: Card) -> dict[str, Any]:
    inputs, seal = card.inputs, card.seal
    disposition = card.disposition
    return {
        "schema_version": card.schema_version,
        "plugin_version": inputs.plugin_version,
        "mode": inputs.mode.value,
        "instant": inputs.instant,
        "run_number": inputs.run_number,
        "document": to_builtins(inputs.document),
        "basis": card.basis,
        "standard": {
            "loaded": inputs.standard_loaded,
            **{key: str(inputs.standard.get(key, "")) for key in ("id", "name", "version")},
        },
        "partial": list(card.partial),
        "invalid": seal.invalid if seal else "",
        "total": card.total,
        "maximum": card.maximum,
        "minimum": card.minimum,
        "lowest": list(card.lowest),
        "blocking": list(card.blocking),
        "disposition": None
        if disposition is None
        else {
            "id": disposition.id,
            "name": disposition.name,
            "actions": [Leaf({"text": action.text, "due": action.due}) for action in disposition.actions],
            "matrix_id": disposition.matrix_id,
            "qualifier": disposition.qualifier,
        },
        "no_disposition": card.no_disposition,
        "sign_off": None if card.sign_off is None else to_builtins(card.sign_off),
        "overrides": list(card.overrides),
        "verdict": to_builtins(card.verdict),
        "coverage": to_builtins(card.coverage),
        "raises": [Leaf(to_builtins(way)) for way in card.raises],
        "exceptions": {
            "not_applicable": [Leaf(to_builtins(item)) for item in inputs.policy.not_applicable],
            "acknowledged": [Leaf(to_builtins(item)) for item in inputs.policy.acknowledged],
            "leave_out": dict(inputs.policy.leave_out),
            "unused": list(card.exceptions_unused),
            "lapsing": list(card.exceptions_lapsing),
            "expired": list(card.exceptions_expired),
        },
        "incidents": None
        if inputs.policy.incidents is None
        else [Leaf(to_builtins(incident)) for incident in inputs.policy.incidents],
        "policy": _protected(inputs.protected),
        "config": {"path": inputs.config_path, "digest": inputs.config_digest},
        "plan": {
            "digest": facts.plan_digest(card),
            "checks": len(inputs.plan),
            "selected": len(inputs.selected),
            "not_sought": len(inputs.not_sought),
            "scope": list(inputs.scope),
            "suites": list(inputs.suites),
        },
        "prior": {"source": inputs.prior_source, "levels": dict(inputs.prior_levels)},
        "earlier": list(inputs.earlier),
        "merged": list(card.merged),
        "notices": list(card.notices),
        "seal": None if seal is None else to_builtins(seal),
        "findings": (Leaf(finding_fields(finding)) for finding in card.findings),
        "dimensions": (_dimension(dimension) for dimension in card.dimensions),
    }


def _protected(protected: Protected | None) -> dict[str, Any] | None:
    if protected is None:
        return None
    differences = [Leaf(to_builtins(d)) for d in protected.differences]
    return {
        **{key: getattr(protected, key) for key in ("given", "revision", "name", "digest")},
        "differences": differences,
    }


def _dimension(dimension: DimensionResult) -> dict[str, Any]:
    return {
        "id": dimension.id,
        "name": dimension.name,
        "level": dimension.level,
        "limit": dimension.limit,
        "proven": dimension.proven,
        "sought": dimension.sought,
        "would_be": dimension.would_be,
        "weight": dimension.weight,
        "prior": dimension.prior,
        "limited_by": list(dimension.limited_by),
        "criteria": (_criterion(criterion) for criterion in dimension.criteria),
    }


def _criterion(criterion: CriterionResult) -> dict[str, Any]:
    exempt = criterion.not_applicable
    return {
        "id": criterion.id,
        "limit": criterion.limit,
        "proven": criterion.proven,
        "in_standard": criterion.in_standard,
        "not_applicable": None if exempt is None else Leaf(to_builtins(exempt)),
        "proven_in": list(criterion.proven_in),
        "rows": [Leaf({"level": r.level, "state": r.state.value, "clause": r.clause}) for r in criterion.rows],
        "checks": (Leaf(_check(result)) for result in criterion.checks),
    }


def _check(result: CheckResult) -> dict[str, Any]:
    check = result.check
    evidence = facts.evidence_of(result)
    attempts = facts.worst_first(result.attempts)
    return {
        "check": {
            "id": check.id,
            "dimension": check.dimension,
            "criterion": check.criterion,
            "level": check.level,
            "needs": [need.value for need in check.needs],
            "location": check.location,
            "bundled": check.bundled,
            "claim": check.page.claim,
        },
        "outcome": result.outcome.value,
        "limit": result.limit,
        "reason": bounded(result.reason, REASON)[0],
        "where": result.where,
        "executed": result.executed,
        "carried": result.carried,
        "acknowledged": list(result.acknowledged),
        "notes": list(result.notes),
        "environments": list(result.environments),
        "taken_out": list(result.taken_out),
        "attempts": [_attempt(attempt) for attempt in attempts[:ATTEMPTS]],
        "attempts_total": len(attempts),
        "evidence": [_evidence(piece) for piece in evidence[:EVIDENCE]],
        "evidence_total": len(evidence),
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "instance": attempt.instance,
        "status": attempt.status.value,
        "reason": bounded(attempt.reason, BODY)[0],
        "where": attempt.where,
        "started": attempt.started,
        "duration": attempt.duration,
    }


def _evidence(piece: Evidence) -> dict[str, Any]:
    title, _ = bounded(piece.title, BODY)
    body, left_out = bounded(piece.body, BODY)
    return {
        "kind": piece.kind.value,
        "title": title,
        "body": body,
        "left_out": piece.left_out + left_out,
        "target": piece.target,
        "taken_at": piece.taken_at,
        "duration": piece.duration,
        "facts": dict(piece.facts),
        "origin": piece.origin,
    }
