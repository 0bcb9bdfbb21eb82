"""OSCAL 1.2 assessment results: observations of the checks that looked, a finding for each row, risks.

A row that could not be answered is *not satisfied, other*: neither passed nor failed. What does not apply or is not
sought is excluded from the reviewed objectives and has no finding. Rows are objectives, dimensions are controls.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from pytest_backend_audit.model import Acknowledged, Card, Evidence, EvidenceKind, Finding, SignOff
from pytest_backend_audit.reports import facts, lines
from pytest_backend_audit.reports.items import (
    Item,
    State,
    items,
    milliseconds,
    proofs,
    run_uid,
    shown,
    titled,
    uid,
    why_not_conclusive,
)
from pytest_backend_audit.reports.lines import Leaf
from pytest_backend_audit.reports.text import stated

VERSION = "1.2.1"
NS = "https://pytest-backend-audit.readthedocs.io/ns/oscal"
"""Namespace of the properties that are ours."""
EVIDENCE = 5
"""Pieces of evidence of one check; all of them stand in the journal."""
BODY = 500
"""Characters of a piece's answer."""

METHODS = {
    EvidenceKind.OUTPUT: "TEST",
    EvidenceKind.LOAD: "TEST",
    EvidenceKind.DASHBOARD: "EXAMINE",
    EvidenceKind.POSTMORTEM: "EXAMINE",
    EvidenceKind.CODE: "EXAMINE",
    EvidenceKind.DOCUMENT: "EXAMINE",
    EvidenceKind.VERBAL: "INTERVIEW",
}
STATUSES = {
    State.PASS: ("satisfied", "pass"),
    State.FAIL: ("not-satisfied", "fail"),
    State.OPEN: ("not-satisfied", "other"),
    State.REVIEW: ("not-satisfied", "other"),
}
"""State -> state and reason of an objective; other states have no finding."""
_NO_TOKEN = re.compile(r"[^A-Za-z0-9._-]")


def chunks(card: Card) -> Iterator[str]:
    """The file, in pieces."""
    document = card.inputs.document
    title = titled(f"Backend audit of {stated(document.service)} at {facts.short_commit(card)}")
    return lines.text(
        {
            "assessment-results": {
                "uuid": run_uid(card, "oscal"),
                "metadata": _metadata(card, title),
                "import-ap": {"href": f"#{run_uid(card, 'oscal plan')}"},
                "results": [_result(card, title)],
                "back-matter": {"resources": [Leaf(resource) for resource in _resources(card)]},
            }
        }
    )


def token(text: str) -> str:
    """An id as OSCAL has them, from any text; different texts give different ids."""
    made = _NO_TOKEN.sub("_", text)
    if made != text or len(made) > 200:
        made = f"{made[:200]}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
    return made


def control_id(dimension: str) -> str:
    """A dimension as a control: ``dimension-4.1``."""
    return token(f"dimension-{dimension}")


def objective_id(item: Item) -> str:
    """A row as an objective of its control: ``row-4.1.foreign-key-indexes.L3``."""
    return token(f"row-{item.dimension.id}.{item.criterion.id}.L{item.level}")


def _prop(name: str, value: object) -> dict[str, str]:
    return {"name": name, "ns": NS, "value": titled(str(value)) or "none"}


def _metadata(card: Card, title: str) -> dict[str, Any]:
    document, sign_off = card.inputs.document, card.sign_off
    people = {"lead-auditor": document.lead_auditor, "second-reviewer": sign_off.reviewer if sign_off else ""}
    present = {role: titled(name) for role, name in people.items() if titled(name)}
    made: dict[str, Any] = {
        "title": title,
        "last-modified": sign_off.signed_at if sign_off else _ended(card),
        "version": f"{facts.audit_date(card) or 'undated'}.{card.inputs.run_number}",
        "oscal-version": VERSION,
        "props": [_prop("plugin-version", card.inputs.plugin_version)],
    }
    if present:
        made["roles"] = [{"id": role, "title": role.replace("-", " ").capitalize()} for role in present]
        made["parties"] = [
            {"uuid": _person(role, name), "type": "person", "name": name} for role, name in present.items()
        ]
        made["responsible-parties"] = [
            {"role-id": role, "party-uuids": [_person(role, name)]} for role, name in present.items()
        ]
    return made


def _person(role: str, name: str) -> str:
    return uid("person", role, name)


def _ended(card: Card) -> str:
    return card.seal.ended if card.seal and card.seal.ended else card.inputs.instant


def _resources(card: Card) -> Iterator[dict[str, Any]]:
    """The plan and the standard, which exist in no form of OSCAL's."""
    inputs = card.inputs
    plan: dict[str, Any] = {
        "uuid": run_uid(card, "oscal plan"),
        "title": "Plan of the audit",
        "description": "Configuration and checks that the run set out from.",
        "props": [
            _prop("plan-sha256", facts.plan_digest(card)),
            _prop("checks", len(inputs.plan)),
            _prop("configuration", inputs.config_path),
            _prop("configuration-sha256", inputs.config_digest),
        ],
    }
    yield plan
    yield {
        "uuid": uid("standard", facts.standard_name(card)),
        "title": titled(facts.standard_name(card)),
        "description": "What the findings were judged by: dimensions are its controls, rows its objectives.",
    }


def _result(card: Card, title: str) -> dict[str, Any]:
    why = why_not_conclusive(card)
    found = list(items(card))
    tool, service = run_uid(card, "oscal tool"), _service(card)
    observations = [_observation(card, item) for item in found if _looked(item)]
    risks = [_risk(card, f) for f in _worth_a_risk(card, found)]
    risks += [_deviation(card, item, name, known) for item, name, known in _acknowledged(card, found)]
    findings = [_incomplete(card, why)] if why else []
    findings += [_finding(card, item) for item in found if item.state in STATUSES]
    made: dict[str, Any] = {
        "uuid": run_uid(card, "oscal result"),
        "title": f"Inconclusive: {title}" if why else title,
        "description": shown(
            f"A {facts.mode_words(card)} by {facts.standard_name(card)}, {facts.assessed(card)}."
            + (f" It says nothing final: {why}." if why else "")
        ),
        "start": card.inputs.instant,
        "end": _ended(card),
        "props": [Leaf(prop) for prop in _props(card, why)],
        "local-definitions": {
            "components": [
                {
                    "uuid": service,
                    "type": "service",
                    "title": titled(stated(card.inputs.document.service)),
                    "description": "The service under review.",
                    "status": {"state": "operational"},
                }
            ],
            "assessment-assets": {
                "components": [
                    {
                        "uuid": tool,
                        "type": "software",
                        "title": "pytest-backend-audit",
                        "description": "The program that ran the checks.",
                        "status": {"state": "operational"},
                    }
                ],
                "assessment-platforms": [
                    {"uuid": run_uid(card, "oscal platform"), "uses-components": [{"component-uuid": tool}]}
                ],
            },
        },
        "reviewed-controls": _reviewed(card, found),
    }
    if card.sign_off:
        made["attestations"] = [_attestation(card.sign_off)]
    for name, entries in (("observations", observations), ("risks", risks), ("findings", findings)):
        if entries:
            made[name] = [Leaf(entry) for entry in entries]
    if remarks := "\n".join(facts.notices(card)):
        made["remarks"] = shown(remarks)
    return made


def _props(card: Card, why: str) -> Iterator[dict[str, str]]:
    document = card.inputs.document
    yield _prop("mode", card.inputs.mode.value)
    yield _prop("conclusive", "no" if why else "yes")
    yield _prop("commit", document.commit)
    yield _prop("environment", document.environment)
    yield _prop("disposition", card.disposition.name if card.disposition else "none")
    yield _prop("total", "none" if card.total is None else f"{card.total} of {card.maximum}")
    for dimension in card.dimensions:
        yield _prop(f"level-{control_id(dimension.id)}", f"L{dimension.level}")


def _reviewed(card: Card, found: list[Item]) -> dict[str, Any]:
    """The dimensions, and of their rows those that were sought and apply."""
    controls = [{"control-id": control_id(d.id)} for d in card.dimensions]
    made: dict[str, Any] = {
        "control-selections": [Leaf({"include-controls": controls or [{"control-id": "none"}]})],
    }
    asked = list(dict.fromkeys(objective_id(item) for item in found if item.state in STATUSES))
    left = list(dict.fromkeys(objective_id(item) for item in found if item.state not in STATUSES))
    if asked:
        selection = {"include-objectives": [{"objective-id": id_} for id_ in asked]}
        left = [id_ for id_ in left if id_ not in set(asked)]
        if left:
            selection["exclude-objectives"] = [{"objective-id": id_} for id_ in left]
        made["control-objective-selections"] = [Leaf(selection)]
    return made


def _attestation(sign_off: SignOff) -> dict[str, Any]:
    prose = [f"Signed at {sign_off.signed_at} with the key {sign_off.key}."]
    if sign_off.dimensions:
        prose.append(f"Takes the levels of {', '.join(sign_off.dimensions)}.")
    prose += [f"Accepted: {text}" for text in (*sign_off.attestations, *sign_off.exceptions)]
    return {
        "responsible-parties": [
            {"role-id": "second-reviewer", "party-uuids": [_person("second-reviewer", titled(sign_off.reviewer))]}
        ],
        "parts": [{"name": "sign-off", "ns": NS, "title": "Sign-off", "prose": shown("\n".join(prose))}],
    }


def _service(card: Card) -> str:
    return uid(card.inputs.document.service, card.inputs.document.environment)


def _looked(item: Item) -> bool:
    """Whether something was observed; of what could not run there is nothing to tell but the finding."""
    return item.result is not None and bool(facts.evidence_of(item.result))


def _observed(card: Card, item: Item) -> str:
    return run_uid(card, "oscal observation", item.fingerprint)


def _observation(card: Card, item: Item) -> dict[str, Any]:
    result = item.result
    evidence = facts.evidence_of(result) if result else []
    methods = sorted({METHODS[piece.kind] for piece in evidence})
    when = next((p.taken_at for p in evidence if milliseconds(p.taken_at)), card.inputs.instant)
    left = len(evidence) - EVIDENCE
    return {
        "uuid": _observed(card, item),
        "title": titled(f"{item.criterion.id} L{item.level}: {item.outcome}"),
        "description": shown(item.reason or item.claim),
        "props": [_prop("outcome", item.outcome), _prop("check", result.check.id if result else "none")],
        "methods": methods,
        "types": ["control-objective"],
        "origins": [{"actors": [{"type": "tool", "actor-uuid": run_uid(card, "oscal tool")}]}],
        "subjects": [{"subject-uuid": _service(card), "type": "component"}],
        "relevant-evidence": [_evidence(piece) for piece in evidence[:EVIDENCE]],
        "collected": when,
        **({"remarks": f"and {left} more pieces of evidence in the journal"} if left > 0 else {}),
    }


def _evidence(piece: Evidence) -> dict[str, Any]:
    props = [_prop("kind", piece.kind.value)]
    props += [_prop("target", piece.target)] if piece.target else []
    props += [_prop("taken-at", piece.taken_at)] if piece.taken_at else []
    props += [_prop("attested-by", piece.facts.get("who", "not stated"))] if piece.facts.get("attested") else []
    return {
        "description": shown(f"{piece.title}\n{piece.body}".strip(), BODY) or "no text",
        "props": props,
    }


def _finding(card: Card, item: Item) -> dict[str, Any]:
    state, reason = STATUSES[item.state]
    found = item.finding
    props = [_prop("outcome", item.outcome), _prop("level", f"L{item.level}"), _prop("fingerprint", item.fingerprint)]
    props += [_prop("check", item.result.check.id)] if item.result else []
    props += [_prop("severity", found.severity.value), _prop("owner", found.owner)] if found else []
    made: dict[str, Any] = {
        "uuid": uid(card.inputs.document.service, card.inputs.document.environment, item.fingerprint),
        "title": titled(found.title if found else f"{item.criterion.id} L{item.level} {item.outcome}"),
        "description": shown(f"{item.outcome}: {item.reason}" if item.reason else item.claim),
        "props": props,
        "target": {
            "type": "objective-id",
            "target-id": objective_id(item),
            "title": titled(item.claim),
            "status": {"state": state, "reason": reason, "remarks": item.outcome},
        },
    }
    if _looked(item):
        made["related-observations"] = [{"observation-uuid": _observed(card, item)}]
    if found:
        made["related-risks"] = [{"risk-uuid": _risk_uid(card, found)}]
    return made


def _incomplete(card: Card, why: str) -> dict[str, Any]:
    return {
        "uuid": run_uid(card, "oscal incomplete"),
        "title": "The audit is incomplete",
        "description": shown(f"{why}. What this run does not report is not thereby satisfied."),
        "target": {
            "type": "objective-id",
            "target-id": "run-is-conclusive",
            "title": "The audit is a whole formal run",
            "status": {"state": "not-satisfied", "reason": "other", "remarks": shown(why)},
        },
    }


def _worth_a_risk(card: Card, found: list[Item]) -> list[Finding]:
    """Findings of checks, and of dimensions whose next level nothing proves; uncovered rows have theirs one by one."""
    return [*(item.finding for item in found if item.finding and item.state in STATUSES), *proofs(card)]


def _risk_uid(card: Card, finding: Finding) -> str:
    return uid(card.inputs.document.service, card.inputs.document.environment, "risk", finding.fingerprint)


def _risk(card: Card, finding: Finding) -> dict[str, Any]:
    made: dict[str, Any] = {
        "uuid": _risk_uid(card, finding),
        "title": titled(finding.title),
        "description": shown(finding.evidence) or "not stated",
        "statement": shown(finding.impact) or "not stated",
        "props": [
            _prop("severity", finding.severity.value),
            _prop("observed", f"L{finding.observed}"),
            _prop("target", f"L{finding.target}"),
            _prop("owner", finding.owner),
            _prop("effort", finding.effort),
            _prop("finding", finding.id),
        ],
        "status": "open",
        "remediations": [
            {
                "uuid": run_uid(card, "oscal remediation", finding.fingerprint),
                "lifecycle": "recommendation",
                "title": titled(f"Remediation of {finding.title}"),
                "description": shown(f"{finding.remediation}\nVerification: {finding.verification}"),
            }
        ],
    }
    if deadline := _through(finding.due):
        made["deadline"] = deadline
    return made


def _through(day: str) -> str:
    """The end of a day, UTC: a date is valid through its day."""
    return f"{day}T23:59:59Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", day) else ""


def _acknowledged(card: Card, found: list[Item]) -> Iterator[tuple[Item, str, Acknowledged]]:
    known = {entry.item: entry for entry in card.inputs.policy.acknowledged}
    for item in found:
        for name in item.result.acknowledged if item.result else ():
            if name in known:
                yield item, name, known[name]


def _deviation(card: Card, item: Item, name: str, known: Acknowledged) -> dict[str, Any]:
    """One known thing that was taken out of a check's result: a risk that is carried, in the open and for a time."""
    made: dict[str, Any] = {
        "uuid": uid(card.inputs.document.service, card.inputs.document.environment, "risk", item.fingerprint, name),
        "title": titled(f"acknowledged: {name}"),
        "description": shown(f"{known.reason} (acknowledged by {known.who})"),
        "statement": shown(item.result.check.page.impact if item.result else "") or "not stated",
        "props": [_prop("ticket", known.ticket), _prop("acknowledged-by", known.who)],
        "status": "deviation-approved" if card.sign_off else "deviation-requested",
    }
    if deadline := _through(known.expires):
        made["deadline"] = deadline
    return made
