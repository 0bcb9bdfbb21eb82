"""An in-toto statement (v1) about the audited commit: what the audit found, for policies that ask for proof.

It is the payload alone, unsigned: whoever vouches for it wraps it into a DSSE envelope (payload type
``application/vnd.in-toto+json``) with a key or service of theirs. The predicate's JSON Schema is
``in-toto-predicate.schema.json``.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from importlib import resources
from typing import Any

from pytest_backend_audit.filed import exceptions
from pytest_backend_audit.model import Card
from pytest_backend_audit.reports import facts, lines
from pytest_backend_audit.reports.items import Item, State, items, shown, titled, why_not_conclusive
from pytest_backend_audit.reports.lines import Leaf

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://pytest-backend-audit.readthedocs.io/predicate/audit/v1"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def chunks(card: Card) -> Iterator[str]:
    """The file, in pieces.

    Raises:
        ValueError: The run names no commit that the statement could be about.
    """
    document = card.inputs.document
    if not _COMMIT.fullmatch(document.commit):
        raise ValueError("an in-toto statement is about a commit, and this run names none; audit a git repository")
    subject: dict[str, Any] = {"name": titled(document.service) or "_", "digest": {"gitCommit": document.commit}}
    if document.repository:
        subject["uri"] = f"git+{document.repository}@{document.commit}"
    return lines.text({"_type": TYPE, "subject": [subject], "predicateType": PREDICATE, "predicate": _predicate(card)})


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the predicate."""
    loaded: dict[str, Any] = json.loads(
        resources.files("pytest_backend_audit.reports").joinpath("in-toto-predicate.schema.json").read_text("utf-8")
    )
    return loaded


def _predicate(card: Card) -> dict[str, Any]:
    document, inputs, why = card.inputs.document, card.inputs, why_not_conclusive(card)
    found = list(items(card))
    counts = Counter(item.state for item in found)
    disposition = card.disposition
    return {
        "conclusive": not why,
        "inconclusiveBecause": why,
        "mode": inputs.mode.value,
        "startedOn": inputs.instant,
        "finishedOn": card.seal.ended if card.seal and card.seal.ended else None,
        "runNumber": inputs.run_number,
        "verifier": {"id": "pytest-backend-audit", "version": titled(inputs.plugin_version)},
        "service": titled(document.service),
        "environment": {"name": titled(document.environment), "kind": titled(document.environment_kind)},
        "build": titled(document.build),
        "leadAuditor": titled(document.lead_auditor),
        "policy": {
            "standard": {
                "id": titled(str(inputs.standard.get("id", ""))),
                "name": titled(card.basis),
                "version": titled(str(inputs.standard.get("version", ""))),
                "loaded": inputs.standard_loaded,
            },
            "configuration": {"path": titled(inputs.config_path), "sha256": inputs.config_digest},
            "protected": None
            if inputs.protected is None
            else {
                "name": titled(inputs.protected.name),
                "revision": titled(inputs.protected.revision),
                "sha256": inputs.protected.digest,
                "differences": [titled(d.key) for d in inputs.protected.differences],
            },
            "planSha256": facts.plan_digest(card),
            "exceptions": [shown(text) for text in exceptions(inputs.policy)],
        },
        "verdict": {
            "gate": None if card.verdict.gate is None else titled(card.verdict.gate),
            # A run that says nothing final passes no gate.
            "passed": card.verdict.passed if not why else (None if card.verdict.gate is None else False),
            "reason": shown(card.verdict.reason),
        },
        "disposition": None
        if disposition is None
        else {
            "id": titled(disposition.id),
            "name": titled(disposition.name),
            "qualifier": titled(disposition.qualifier),
        },
        "noDisposition": shown(facts.why_no_disposition(card)),
        "total": card.total,
        "maximum": card.maximum,
        "properties": [] if why else _reached(card),
        "dimensions": [
            Leaf(
                {
                    "id": titled(d.id),
                    "name": titled(d.name),
                    "level": d.level,
                    "wouldBe": d.would_be,
                    "sought": d.sought,
                }
            )
            for d in card.dimensions
        ],
        "coverage": {"assessed": card.coverage.assessed, "of": card.coverage.of},
        "counts": {state.value: counts[state] for state in State},
        "rows": [Leaf(_row(item)) for item in found],
        "findings": [
            Leaf(
                {
                    "id": titled(f.id),
                    "fingerprint": f.fingerprint,
                    "severity": f.severity.value,
                    "title": titled(f.title),
                    "due": titled(f.due),
                }
            )
            for f in card.findings
        ],
        "signOff": None
        if card.sign_off is None
        else {
            "reviewer": titled(card.sign_off.reviewer),
            "key": titled(card.sign_off.key),
            "signedAt": card.sign_off.signed_at,
            "dimensions": [titled(name) for name in card.sign_off.dimensions],
        },
    }


def _row(item: Item) -> dict[str, Any]:
    return {
        "row": titled(item.rule),
        "state": item.state.value,
        "outcome": item.outcome,
        "check": titled(item.result.check.id) if item.result else None,
        "limit": item.result.limit if item.result else None,
        "evidence": len(facts.evidence_of(item.result)) if item.result else 0,
    }


def _reached(card: Card) -> list[str]:
    """What a policy can ask for by name: each level that each dimension has reached, ``BACKEND_AUDIT_4_6_L3``."""
    return [
        f"BACKEND_AUDIT_{re.sub('[^A-Z0-9]', '_', dimension.id.upper())}_L{level}"
        for dimension in card.dimensions
        for level in range(2, dimension.level + 1)
    ]
