"""The JSON Schema of one line of a ledger, made from the events. The packaged file is what users get."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from pytest_backend_audit.ledger.events import FORMS, SCHEMA_VERSION, TYPES

FILE_NAME = "ledger.schema.json"

_NULL = {"type": "null"}
_MEANINGS = {
    "schema_version": "1; keys may be added to it.",
    "type": "What happened.",
    "at": "When, by the clock of who did it; RFC 3339 in UTC.",
    "by": "Who did it.",
    "number": "The finding's, F-NNNN: given once to a fingerprint, and never again; empty before it was filed.",
    "fingerprint": "What a finding is known by from audit to audit, as hex digits.",
    "file": "Name of the filed card that says so, without its suffix.",
    "service": "Whose ledger it is.",
    "environment": "Where; those of a merge are separated by a comma; of a word on an environment, which.",
    "environment_kind": "prod, canary, stage or local; those of a merge are separated by a comma.",
    "commit": "Full SHA of the audited commit.",
    "instant": "Of the audit, of a merge its latest run's; of a closing, of the run that first shows it; of what is "
    "gone, of the first run of its check, empty in older lines.",
    "instants": "Of a merge: environment to instant of its latest run there.",
    "kinds": "Of a merge: environment to its kind.",
    "heads": "Last hash of the journal of each run.",
    "lead_auditor": "Who led the audit.",
    "second_reviewer": "Who signed; empty without a sign-off.",
    "total": "Of the levels as recorded; null where the card has none.",
    "disposition": "Its id; empty where the card has none.",
    "disposition_name": "As people call it.",
    "card": "SHA-256 of the card's JSON, lines ended by line feeds; empty in lines of older versions.",
    "content": "SHA-256 of what the card's JSON says, whatever its layout.",
    "kept": "Likewise of what its checks kept for the next audit; empty if they kept nothing.",
    "page": "Likewise of the card for people, its Markdown; empty in lines of older versions.",
    "config": "Path of audit.yaml in the audited repository, NAME:PATH in another; empty without, and in older lines.",
    "config_digest": "SHA-256 of that audit.yaml.",
    "policy": "What audit.yaml was held to by --audit-policy, as main:audit.yaml; empty if to nothing.",
    "policy_given": "The same as --audit-policy was given it.",
    "policy_digest": "SHA-256 of that file.",
    "standard": "The standard that counted, as audit.yaml or the policy names it; empty in older lines.",
    "standard_digest": "SHA-256 of what it says; empty of one that comes with this tool.",
    "formerly": "Environment to its name in the audits before, where it had another one.",
    "lines": "How many lines of findings were filed with it.",
    "cases": "Of a check with parameters those that failed and have yet to pass: what stands in brackets.",
    "could_not_run": "Likewise others that could not run.",
    "same": "Of a line without a finding: `at` of the line which tells the same; empty in older lines.",
    "passed": "Likewise those that had failed, as far as was known, and passed.",
    "elsewhere": "Environments in which the check could not run, where another one's pass answers that, to the cases "
    "that could not; none where all.",
    "count": "How many cases the check has there, where some go by their place; else 0.",
    "was": "Id that the check had before its file was moved; empty where it was not.",
    "named": "Environments that stood side by side in audit.yaml; empty where it has one.",
    "changed": "What is judged otherwise than by the audit which told of the finding last, one line each.",
    "finding": "The finding as that card tells it; null where it tells nothing new.",
    "reason": "Why.",
    "owner": "Who is to mend it; of an assignment, empty changes nothing.",
    "due": "The day until when, as 2027-01-31; empty where there is none. Of an assignment, empty changes nothing.",
    "effort": "What it takes: S, M or L. Of an assignment, empty changes nothing.",
    "upheld": "Whether the finding is wrong.",
    "head": "Last hash of the journal of the run, or of each that was merged.",
    "outcome": "What became of its check; of a closing, passed.",
    "output": "What the check recorded, cut where it is long.",
    "what": "What was replaced: an audit.yaml, or a policy.",
    "before": "Its name, as filings have it in config or policy.",
    "after": "The name of what has come in its place.",
    "given": "What --audit-config or --audit-policy takes for that.",
    "id": "The finding's number.",
    "dimension": "Id of the dimension.",
    "dimension_name": "Its name.",
    "severity": "Worst first: critical, high, medium, low.",
    "observed": "The level that was found.",
    "target": "The level that is wanted.",
    "title": "What was found, in a line.",
    "evidence": "What shows it.",
    "impact": "What it may cost.",
    "remediation": "What mends it.",
    "verification": "What shows that it is mended.",
    "criterion": "Id of the criterion; empty where it is about a whole dimension.",
    "check": "Id of the check; coverage or proof where none is behind it.",
    "location": "Where the check stands, as path and line.",
}
"""Key -> what it means. An event has no two meanings for one key."""


def schema() -> dict[str, Any]:
    """The schema as the events make it: one of them, told apart by its type."""
    shared: dict[str, Any] = {}
    events = {kind: _event(kind, shared) for kind in TYPES}
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://pytest-backend-audit.readthedocs.io/schemas/ledger-{SCHEMA_VERSION}.json",
        "title": "A line of audits/<service>/ledger.jsonl",
        "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in events],
        "$defs": shared | events,
    }
    _tidy(made)
    return made


def text() -> str:
    """The schema as the packaged file holds it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def packaged() -> str:
    """The packaged file."""
    return files("pytest_backend_audit.ledger").joinpath(FILE_NAME).read_text(encoding="utf-8")


def _event(kind: str, shared: dict[str, Any]) -> dict[str, Any]:
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy

    made = TypeAdapter(TYPES[kind]).json_schema(ref_template="#/$defs/{model}")
    shared |= made.pop("$defs", {})
    keys: dict[str, Any] = {"schema_version": {"const": SCHEMA_VERSION}, "type": {"const": kind}}
    keys |= {name: node for name, node in made["properties"].items() if name != "type"}
    for name, form in FORMS.items():
        if name in keys:
            unfiled = kind == "assigned" and name == "number"
            keys[name]["pattern"] = f"^({form.pattern})?$" if unfiled else f"^({form.pattern})$"
    required = ["schema_version", "type", *made["required"]]
    if kind in {"opened", "reopened"}:
        keys["finding"] = next(choice for choice in keys["finding"]["anyOf"] if choice != _NULL)
        required.append("finding")
    return {"type": "object", "description": made.get("description", ""), "required": required, "properties": keys}


def _tidy(node: Any) -> None:
    """Say what each key means, and take generated titles away."""
    if isinstance(node, list):
        for value in node:
            _tidy(value)
    if not isinstance(node, dict):
        return
    for name, value in node.get("properties", {}).items():
        value.pop("title", None)
        value["description"] = _MEANINGS[name]
    if "properties" in node:
        node.pop("title", None)
    for value in node.values():
        _tidy(value)
