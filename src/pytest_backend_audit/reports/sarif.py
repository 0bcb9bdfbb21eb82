"""SARIF 2.1.0, in full: every check and row with its kind, what could not run among them as ``open``.

For viewers and stores that know the whole format. Code scanning knows kinds and suppressions not; for it there is
`sarif_failures`. What SARIF asks for is quoted by section number of its specification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from pytest_backend_audit.model import Acknowledged, Card, Mode, Outcome, PriorCheck, RowResult, Severity
from pytest_backend_audit.reports import facts, lines
from pytest_backend_audit.reports.items import (
    Item,
    State,
    absent,
    items,
    prior_of,
    proofs,
    run_uid,
    severity_of,
    shown,
    titled,
    uid,
    why_not_conclusive,
)
from pytest_backend_audit.reports.lines import Leaf

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://pytest-backend-audit.readthedocs.io"
SECURITY = "4.7"
"""The dimension whose failures are security alerts."""
INCOMPLETE = "backend-audit/incomplete"
"""The rule of a run that says nothing final."""

KINDS = {
    State.PASS: "pass",
    State.FAIL: "fail",
    State.REVIEW: "review",
    State.OPEN: "open",
    State.NOT_APPLICABLE: "notApplicable",
    State.NOT_SOUGHT: "informational",
}
LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
"""``security-severity``: in the middle of what code scanning calls critical, high, medium and low."""


def chunks(card: Card) -> Iterator[str]:
    """The file, in pieces."""
    return lines.text(log(card, results(card), rules(items(card)), lambda: _notifications(card)))


def log(
    card: Card,
    found: Iterator[dict[str, Any]],
    described: Iterable[dict[str, Any]],
    notifications: Callable[[], list[dict[str, Any]]],
) -> dict[str, Any]:
    """The file's content.

    Args:
        card: The scorecard.
        found: Its results.
        described: Its rules.
        notifications: What the invocation tells; asked for once all results are written.
    """
    document = card.inputs.document
    run: dict[str, Any] = {
        "tool": {"driver": _driver(card, described)},
        "automationDetails": {
            "id": "/".join(
                quote(titled(part), safe=":")
                for part in (
                    "backend-audit",
                    document.service or "service",
                    document.environment or "environment",
                    f"{card.inputs.instant}.{card.inputs.run_number}",
                )
            ),
            "guid": run_uid(card, "sarif"),
            "description": message(f"{facts.mode_words(card)} of {document.service} at {facts.short_commit(card)}"),
        },
    }
    if document.repository:
        run["versionControlProvenance"] = [
            {
                "repositoryUri": document.repository,
                **({"revisionId": document.commit} if document.commit else {}),
                "mappedTo": {"uriBaseId": "SRCROOT"},
            }
        ]
    run["originalUriBaseIds"] = {
        "SRCROOT": {"description": message("the folder from which pytest was run, as a rule the repository's top")}
    }
    run["taxonomies"] = [_taxonomy(card)]
    run["columnKind"] = "unicodeCodePoints"
    run["properties"] = {
        "mode": card.inputs.mode.value,
        "commit": titled(document.commit),
        "disposition": titled(card.disposition.id) if card.disposition else None,
        "noDisposition": shown(facts.why_no_disposition(card)),
        "total": card.total,
        "maximum": card.maximum,
        "assessed": card.coverage.assessed,
        "rows": card.coverage.of,
        "levels": {titled(d.id): d.level for d in card.dimensions},
    }
    run["results"] = (Leaf(result) for result in found)
    # Written last: what was left out of the results is told here.
    run["invocations"] = (_invocation(card, notifications()) for _ in range(1))
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def message(text: str) -> dict[str, str]:
    """A message that says just this: no placeholder (3.11.5) and no link (3.11.6) of its own."""
    return {"text": plain(text)}


def plain(text: str) -> str:
    """The text as SARIF's messages have it."""
    return shown(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")


def results(card: Card) -> Iterator[dict[str, Any]]:
    """Every result: checks and rows, what was acknowledged, what proves no more, and what is gone."""
    prior = prior_of(card)
    known = {entry.item: entry for entry in card.inputs.policy.acknowledged}
    index: dict[str, int] = {}
    for item in items(card):
        index.setdefault(item.rule, len(index))
        yield result(card, item, index[item.rule], prior)
        if item.result is not None:
            for name in item.result.acknowledged:
                if name in known:
                    yield _acknowledged(card, item, index[item.rule], known[name])
    for finding in proofs(card):
        yield {
            "ruleId": titled(f"{finding.dimension}/{finding.check}"),
            "kind": "informational",
            "level": "none",
            "message": message(f"{finding.title}\n{finding.evidence}"),
            "locations": [config_location(card)],
            "fingerprints": {"backendAudit/v1": finding.fingerprint},
            "taxa": [_taxon(finding.dimension)],
        }
    yield from _absent(card)


def result(card: Card, item: Item, index: int, prior: dict[str, PriorCheck]) -> dict[str, Any]:
    """What became of one check or row."""
    failed = item.state is State.FAIL
    found: dict[str, Any] = {
        "ruleId": titled(item.rule),
        "ruleIndex": index,
        "kind": KINDS[item.state],
        # 3.27.10: unless the kind is fail there is none.
        "level": LEVELS[severity_of(item)] if failed else "none",
        "message": message(f"{item.outcome}: {item.reason}" if item.reason else item.outcome),
        "locations": [location(card, item)],
        "fingerprints": {"backendAudit/v1": item.fingerprint},
        "taxa": [_taxon(item.dimension.id)],
    }
    suppressions = _suppressions(card, item)
    if suppressions:
        found["suppressions"] = suppressions
    if prior and item.result is not None:
        found["baselineState"] = _baseline(item, prior.get(item.result.check.id))
    found["properties"] = _properties(item)
    return found


def _properties(item: Item) -> dict[str, Any]:
    told: dict[str, Any] = {"dimension": titled(item.dimension.id), "level": item.level, "outcome": item.outcome}
    if item.result is not None:
        told["check"] = titled(item.result.check.id)
        told["limit"] = item.result.limit
        told["evidence"] = len(facts.evidence_of(item.result))
        if item.result.environments:
            told["environments"] = [titled(name) for name in item.result.environments]
    if item.finding is not None:
        told["finding"] = titled(item.finding.id)
        told["severity"] = item.finding.severity.value
        told["owner"] = titled(item.finding.owner)
        told["due"] = titled(item.finding.due)
    return told


def _suppressions(card: Card, item: Item) -> list[dict[str, str]]:
    """Of a criterion that is declared not applicable; an executed failure stands against the declaration."""
    declared = item.criterion.not_applicable
    if declared is None or item.state not in {State.NOT_APPLICABLE, State.FAIL}:
        return []
    status = "rejected" if item.state is State.FAIL else _accepted(card)
    said = f"not applicable: {declared.reason} (declared by {declared.who}, until {declared.expires})"
    return [{"kind": "external", "status": status, "justification": shown(said)}]


def _accepted(card: Card) -> str:
    """An exception is accepted by the second reviewer, and under review until then."""
    return "accepted" if card.sign_off else "underReview"


def _acknowledged(card: Card, item: Item, index: int, entry: Acknowledged) -> dict[str, Any]:
    """One known thing that was taken out of a check's result: a failure of its own, suppressed."""
    ticket = f", {entry.ticket}" if entry.ticket else ""
    said = f"{entry.reason} (acknowledged by {entry.who}{ticket}, until {entry.expires})"
    return {
        "ruleId": titled(item.rule),
        "ruleIndex": index,
        "kind": "fail",
        "level": "note",
        "message": message(f"acknowledged: {entry.item}"),
        "locations": [location(card, item)],
        "fingerprints": {"backendAudit/v1": uid(item.fingerprint, entry.item)},
        "suppressions": [{"kind": "external", "status": _accepted(card), "justification": shown(said)}],
        "taxa": [_taxon(item.dimension.id)],
    }


def _baseline(item: Item, before: PriorCheck | None) -> str:
    if before is None:
        return "new"
    same = item.result is not None and (before.outcome, before.limit) == (item.result.outcome, item.result.limit)
    return "unchanged" if same else "updated"


def _absent(card: Card) -> Iterator[dict[str, Any]]:
    for gone in absent(card):
        yield {
            "ruleId": "backend-audit/absent",
            "kind": "open",
            "level": "none",
            "baselineState": "absent",
            "message": message(gone.said),
            "locations": [config_location(card)],
            "fingerprints": {"backendAudit/v1": uid("absent", gone.check)},
        }


def location(card: Card, item: Item) -> dict[str, Any]:
    """Where to look: the check's own file, or audit.yaml for checks that lie in no repository."""
    if item.result is None:
        return config_location(card)
    check = item.result.check
    name, _, line = check.location.rpartition(":")
    logical = [{"fullyQualifiedName": titled(check.id), "kind": "function"}]
    if check.bundled or not is_below(name):
        return {**config_location(card), "logicalLocations": logical}
    return {"physicalLocation": physical(name, int(line) if line.isdecimal() else 1), "logicalLocations": logical}


def config_location(card: Card) -> dict[str, Any]:
    """The first line of audit.yaml."""
    path = card.inputs.config_path
    return {"physicalLocation": physical(path if is_below(path) else "audit.yaml", 1)}


def is_below(path: str) -> bool:
    """Whether a path stays in the repository."""
    return bool(path) and not path.startswith(("/", "\\")) and ".." not in path.split("/") and ":" not in path


def physical(path: str, line: int) -> dict[str, Any]:
    """A line of a file, relative to the repository."""
    return {
        "artifactLocation": {"uri": quote(titled(path)), "uriBaseId": "SRCROOT"},
        "region": {"startLine": max(line, 1)},
    }


def rules(found: Iterable[Item]) -> list[dict[str, Any]]:
    """A rule for each row of the standard, or ladder of a check outside it; in the order of the results."""
    described: dict[str, tuple[Item, Severity]] = {}
    worst = {severity: rank for rank, severity in enumerate(Severity)}
    for item in found:
        first, severity = described.get(item.rule, (item, Severity.LOW))
        described[item.rule] = (first, min(severity, severity_of(item), key=worst.__getitem__))
    return [_rule(item, severity) for item, severity in described.values()]


def _rule(item: Item, severity: Severity) -> dict[str, Any]:
    page = item.result.check.page if item.result else None
    said = {"Impact": page.impact, "Remediation": page.remediation, "Verification": page.verification} if page else {}
    text = "\n".join([item.claim, *(f"{label}: {text}" for label, text in said.items() if text)])
    tags = ["backend-audit", titled(item.dimension.name), *(["security"] if item.dimension.id == SECURITY else [])]
    properties: dict[str, Any] = {"tags": tags, "level": item.level}
    if item.dimension.id == SECURITY:
        properties["security-severity"] = SCORES[severity]
    return {
        "id": titled(item.rule),
        "name": titled(f"{item.criterion.id} L{item.level}"),
        "shortDescription": {"text": plain(titled(item.claim))},
        "fullDescription": {"text": plain(item.claim)},
        "help": {"text": plain(text)},
        "defaultConfiguration": {"level": LEVELS[severity]},
        "relationships": [{"target": _taxon(item.dimension.id), "kinds": ["superset"]}],
        "properties": properties,
    }


def _driver(card: Card, described: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": "backend-audit",
        "fullName": "pytest-backend-audit",
        "version": titled(card.inputs.plugin_version),
        "informationUri": HOME,
        "supportedTaxonomies": [_component(card)],
        "rules": [Leaf(rule) for rule in described],
        "notifications": [
            {"id": name, "shortDescription": {"text": text}}
            for name, text in (
                ("could-not-run", "A check could not run: neither pass nor fail."),
                ("broken", "A check, a module or a teardown is broken."),
                ("run", "Something about the run as a whole."),
                ("exception", "An exception of audit.yaml has expired, lapses soon, or took nothing out."),
                ("left-out", "Results were left out of this file."),
            )
        ],
    }


def _component(card: Card) -> dict[str, Any]:
    name = card.basis
    version = str(card.inputs.standard.get("version", ""))
    return {"name": titled(name), "index": 0, "guid": uid("standard", name, version)}


def _taxon(dimension: str) -> dict[str, Any]:
    return {"id": titled(dimension), "toolComponent": {"index": 0}}


def _taxonomy(card: Card) -> dict[str, Any]:
    """The standard that the card was judged by: its dimensions, of which the rules are the rows."""
    component = _component(card)
    version = titled(str(card.inputs.standard.get("version", "")))
    return {
        "name": component["name"],
        "guid": component["guid"],
        **({"version": version} if version else {}),
        "isComprehensive": not card.coverage.pending,
        "taxa": [
            Leaf(
                {
                    "id": titled(d.id),
                    "name": titled(d.name),
                    "properties": {
                        "level": d.level,
                        "wouldBe": d.would_be,
                        "sought": d.sought,
                        "rows": sum(len(_rows(c.rows)) for c in d.criteria),
                    },
                }
            )
            for d in card.dimensions
        ],
    }


def _rows(rows: tuple[RowResult, ...]) -> set[int]:
    return {row.level for row in rows}


def _invocation(card: Card, notifications: list[dict[str, Any]]) -> dict[str, Any]:
    """How the run went. It counts as successful only if it was whole, formal and unbroken."""
    seal = card.seal
    why = why_not_conclusive(card)
    return {
        "executionSuccessful": not why,
        "exitCode": card.verdict.exit_status,
        "exitCodeDescription": shown("; ".join(text for text in (why, card.verdict.reason) if text)),
        "startTimeUtc": card.inputs.instant,
        **({"endTimeUtc": seal.ended} if seal and seal.ended else {}),
        "toolExecutionNotifications": [Leaf(entry) for entry in notifications],
        "toolConfigurationNotifications": [
            Leaf(_notification("exception", text, "warning")) for _, text in card.exceptions_told
        ],
    }


def _notifications(card: Card) -> list[dict[str, Any]]:
    """What could not run and what is broken, check by check; then what belongs to no check."""
    found = [
        {
            **_notification(
                "broken" if item.outcome == facts.OUTCOME_WORDS[Outcome.BROKEN] else "could-not-run",
                f"{item.rule}: {item.reason}",
                "error" if item.outcome == facts.OUTCOME_WORDS[Outcome.BROKEN] else "warning",
            ),
            "associatedRule": {"id": titled(item.rule)},
        }
        for item in items(card)
        if item.state is State.OPEN and item.result is not None
    ]
    return [*found, *run_notifications(card)]


def run_notifications(card: Card) -> list[dict[str, Any]]:
    """What belongs to the run as a whole."""
    why = why_not_conclusive(card)
    graver = "error" if card.inputs.mode is Mode.FORMAL else "warning"
    said = [_notification("run", why, graver)] if why else []
    policy = facts.policy_words(card)
    said += [_notification("run", f"policy: {policy}", "warning")] if policy else []
    return [*said, *(_notification("run", text, "note") for text in facts.notices(card))]


def _notification(id_: str, text: str, level: str) -> dict[str, Any]:
    return {"descriptor": {"id": id_}, "level": level, "message": message(text)}
