"""What stands in files: keys of audit.yaml, the report folder, scorecard.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from pytest_backend_audit.config.schema import schema as config_schema
from pytest_backend_audit.reports import FORMATS

from .text import entry, page, table

Key = tuple[str, str, str, str]
"""Dotted key, type, default, meaning."""

GROUPS = {
    "The service": ("version", "service", "environment", "environments", "repository", "build"),
    "Document control": ("lead_auditor", "second_reviewer", "distribution", "prior_audit", "runbook", "owners"),
    "What is assessed": ("standard", "suites", "criteria", "leave_out", "sought", "weights", "thresholds", "gate"),
    "Systems": ("targets", "identities", "endpoints", "pools", "load", "timeouts", "allow"),
    "What people know": ("attestations", "incidents", "incidents_file"),
    "Sign-off": ("sign_off",),
    "Exceptions": ("not_applicable", "acknowledged"),
    "Evidence": ("evidence",),
}
"""Top-level keys as a reader looks for them."""


def every_key() -> Iterator[Key]:
    """Everything that audit.yaml may hold."""
    whole = config_schema()
    yield from _keys(whole, whole, "", frozenset())


def _keys(node: dict[str, Any], whole: dict[str, Any], prefix: str, above: frozenset[str]) -> Iterator[Key]:
    needed = set(node.get("required", ()))
    for name, value in node.get("properties", {}).items():
        dotted = f"{prefix}{name}"
        default = json.dumps(value["default"]) if value.get("default") not in (None, "", [], {}) else ""
        if name in needed:
            default = "required"
        elif any("properties" in whole["$defs"][r] for r, _ in _references(value)) and default.startswith("{"):
            default = ""
        yield dotted, _kind(value, whole), default, value.get("description", "")
        for reference, suffix in _references(value):
            if reference == "Environment":
                yield f"{dotted}.NAME", "mapping", "", "`kind`, and keys of the file that differ in this environment."
                kind = "What it is; only these four are understood."
                yield f"{dotted}.NAME.kind", "prod, stage, canary, local", "required", kind
            elif reference not in above:
                inner = whole["$defs"][reference]
                yield from _keys(inner, whole, f"{dotted}{suffix}.", above | {reference})


def _references(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "$ref" in value:
        yield value["$ref"].rpartition("/")[2], ""
    if isinstance(value.get("items"), dict):
        yield from ((r, "[]") for r, _ in _references(value["items"]))
    if isinstance(value.get("additionalProperties"), dict):
        yield from ((r, ".NAME") for r, _ in _references(value["additionalProperties"]))
    for choice in value.get("anyOf", []):
        yield from _references(choice)


_PLAIN = {"string": "text", "integer": "whole number", "boolean": "true or false", "object": "mapping", "null": ""}


def _kind(value: dict[str, Any], whole: dict[str, Any]) -> str:
    """The type of a value, for readers who don't know JSON Schema."""
    kind = value.get("type", "")
    if "enum" in value:
        said = [str(v) for v in value["enum"]]
        return ", ".join(said)
    if "const" in value:
        kind = str(value["const"])
    elif "anyOf" in value:
        kind = [_kind(v, whole) for v in value["anyOf"]]
    elif "$ref" in value:
        target = whole["$defs"][value["$ref"].rpartition("/")[2]]
        kind = "mapping" if "properties" in target else _kind(target, whole)
    elif kind == "array":
        kind = f"list of {_kind(value.get('items', {}), whole) or 'mapping'}"
    several = [_PLAIN.get(k, k) for k in ([kind] if isinstance(kind, str) else kind)]
    return " or ".join(dict.fromkeys(filter(None, several)))


def audit_yaml() -> str:
    """Every key of audit.yaml, in groups."""
    found = list(every_key())
    parts = []
    for title, names in GROUPS.items():
        entries = [
            entry(f"`{key}`", f"{meaning} *({_about(kind, default)})*")
            for key, kind, default, meaning in found
            if key.partition(".")[0].removesuffix("[]") in names
        ]
        parts.append(page(f"## {title}", "\n\n".join(entries)))
    return page(
        "# audit.yaml",
        "Every key, from the models that read the file. `backend-audit schema audit` prints the JSON Schema; name it "
        "in the first line of the file, as `backend-audit init` does, and editors complete it. Unknown keys, wrong "
        "types and misspelt names are all reported at once, each as `audit.yaml:LINE: key: what was found, what is "
        "allowed`.",
        "`NAME` stands for a name of yours, `[]` for each item of a list. `${NAME}` is read from the environment "
        "inside `targets` and `identities` only; `$${` is a literal `${`.",
        *parts,
    )


def _about(kind: str, default: str) -> str:
    said = default if default in ("", "required") else f"default {default}"
    return "; ".join(filter(None, (kind or "anything", said)))


def report_folder() -> str:
    """What a run leaves behind."""
    rows = [[f"`{f.filename}`", f.help] for f in FORMATS.values() if f.filename]
    rows += [
        ["`journal.jsonl`", "the record that all the others are computed from; see what the journal proves"],
        ["`evidence/`", "larger pieces of evidence, each named by its SHA-256"],
        [
            "`signoff.json`, `signoff.json.sig`",
            "after `backend-audit sign`: what the reviewer signed, and the signature",
        ],
        ["`earlier/NNN-SHA7/`", "the runs before, oldest first; a new run moves the last one there"],
    ]
    return page(
        "# The report folder",
        "`audit-report/` unless `--audit-report` says otherwise. `init` has git ignore it.",
        table(["file", "what it is"], rows),
    )


def scorecard_json() -> str:
    """The schema of scorecard.json."""
    text = files("pytest_backend_audit").joinpath("reports", "scorecard.schema.json").read_text("utf-8")
    whole = json.loads(text)
    parts = [_properties(whole, whole)]
    for name, node in whole["$defs"].items():
        parts.append(page(f"## {name}", node.get("description", ""), _properties(node, whole)))
    return page(
        "# scorecard.json",
        f"`schema_version` is {whole['properties']['schema_version']['const']}. `backend-audit schema scorecard` "
        "prints the JSON Schema that this page is made from. Every key is always there.",
        *parts,
    )


def _properties(node: dict[str, Any], whole: dict[str, Any]) -> str:
    rows = [[f"`{n}`", _linked(v, whole), v.get("description", "")] for n, v in _flat(node, "")]
    return table(["key", "type", "meaning"], rows)


def _flat(node: dict[str, Any], prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in node.get("properties", {}).items():
        yield prefix + name, value
        yield from _flat(value, f"{prefix}{name}.")


def _linked(value: dict[str, Any], whole: dict[str, Any]) -> str:
    names = [f"[{r}](#{r.replace('_', '-')})" for r, _ in _references(value)]
    if not names:
        null = " or null" if "null" in str(value.get("type", "")) else ""
        return _kind(value, whole) + null
    null = " or null" if any(v.get("type") == "null" for v in value.get("anyOf", ())) else ""
    many = "list of " if "items" in value else "mapping to " if "additionalProperties" in value else ""
    return many + " or ".join(names) + (null or (" or null" if "null" in str(value.get("type", "")) else ""))
