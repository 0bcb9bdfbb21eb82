"""scorecard.html: one page for people, which works offline, in light and dark, on a phone and on paper."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from pytest_backend_audit.model import Outcome, Severity
from pytest_backend_audit.reports import facts
from pytest_backend_audit.reports.chart import Chart
from pytest_backend_audit.reports.page import Bounds, Viewer
from pytest_backend_audit.reports.text import clean, cut, first_line, stated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_backend_audit.model import Card, DimensionResult

_HOLDING = 5
"""Criteria that are named beside a dimension's level."""


def chunks(card: Card) -> Iterator[str]:
    """The file, in pieces."""
    return _environment().get_template("scorecard.html.j2").generate(_context(card))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pytest_backend_audit.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals["kinds"] = facts.KIND_WORDS
    environment.filters |= {"cut": cut, "first_line": first_line, "short_name": facts.short_name, "stated": stated}
    return environment


def _shown(value: object) -> object:
    """What every expression of the templates goes through before it is escaped: no hidden character passes."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _style() -> tuple[Markup, str]:
    """The style sheet, and the hash by which the page's policy allows it and nothing else."""
    environment = _environment()
    loader = environment.loader
    source = loader.get_source(environment, "scorecard.css")[0] if loader else ""
    digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
    return Markup(source), f"sha256-{digest}"  # noqa: S704 - our own file


def _context(card: Card) -> dict[str, Any]:
    style, style_hash = _style()
    bounds = Bounds.of(card)
    by_severity = {severity: [f for f in card.findings if f.severity is severity] for severity in Severity}
    judged = (Outcome.COULD_NOT_RUN, Outcome.BROKEN)
    return {
        "card": card,
        "inputs": card.inputs,
        "document": card.inputs.document,
        "style": style,
        "style_hash": style_hash,
        "bounds": bounds,
        "view": Viewer(bounds).view,
        "anchors": _anchors(card),
        "chart": Chart.of(card.dimensions),
        "commit": facts.short_commit(card),
        "date": facts.audit_date(card),
        "mode": facts.mode_words(card),
        "run_words": facts.run_words(card),
        "assessed": facts.assessed(card),
        "basis": facts.standard_name(card),
        "no_disposition": facts.why_no_disposition(card),
        "gate": facts.gate_words(card) if card.verdict.gate is not None else "",
        "no_worse": facts.no_worse_words(card),
        "severities": facts.severity_words(card),
        "notices": facts.notices(card),
        "names": facts.level_names(card),
        "remarks": _remarks,
        "raise_words": facts.raise_words,
        "queue": [(severity, findings) for severity, findings in by_severity.items() if findings],
        "open_rows": list(facts.rows_without_answer(card)),
        "not_run": [check for check in card.checks if check.outcome in judged],
        "row_words": facts.ROW_WORDS,
        "outcome_words": facts.OUTCOME_WORDS,
        "policy_place": facts.policy_place(card),
        "policy_rows": facts.policy_rows(card),
        "control": _control(card),
        "override_lead": facts.override_lead(card),
        "signed": facts.sign_off_words(card),
        "sign_off": _sign_off(card),
        "record": _record(card),
    }


def _anchors(card: Card) -> dict[str, str]:
    """Check id -> where it stands in the page, for the checks that a finding points at."""
    ids = dict.fromkeys(finding.check for finding in card.findings if "::" in finding.check)
    return {id_: f"c{number}" for number, id_ in enumerate(ids, 1)}


def _remarks(dimension: DimensionResult) -> str:
    """What is said beside a dimension's level."""
    said = [f"L{dimension.would_be} once signed"] if facts.capped(dimension) else []
    if dimension.prior is not None and dimension.prior != dimension.would_be:
        said.append(f"was L{dimension.prior}")
    if dimension.sought < 5:
        said.append(f"seeks L{dimension.sought}")
    names = [facts.short_name(name) for name in dimension.limited_by]
    if len(names) > _HOLDING + 1:  # the dimension's own part has them all
        names[_HOLDING:] = [f"and {len(names) - _HOLDING} more"]
    if names:
        said.append(", ".join(names))
    return "; ".join(said)


def _control(card: Card) -> list[tuple[str, str]]:
    document = card.inputs.document
    return [
        ("System / service", document.service),
        ("Environment", " ".join(dict.fromkeys(t for t in (document.environment, document.environment_kind) if t))),
        ("Commit SHA", document.commit),
        ("Build, as the service tells it", document.build),
        ("Audit date", facts.audit_date(card)),
        ("Lead auditor", document.lead_auditor),
        ("Second reviewer", facts.reviewer(card)),
        ("Prior audit", document.prior_audit),
        ("Distribution", document.distribution),
        ("Runbook", document.runbook),
    ]


def _sign_off(card: Card) -> list[tuple[str, str]]:
    signed = card.sign_off
    if signed is None:
        return []
    levels = {d.id: f"{d.id} L{d.level}" for d in card.dimensions}
    return [
        ("Reviewer", signed.reviewer),
        ("Signed at", signed.signed_at),
        ("Levels", ", ".join(levels.get(id_, id_) for id_ in signed.dimensions)),
        ("Attestations accepted", "; ".join(signed.attestations) or "none"),
        ("Exceptions accepted", "; ".join(signed.exceptions) or "none"),
        ("Key", signed.key),
        ("Allowed signers", signed.signers),
    ]


def _record(card: Card) -> list[tuple[str, str]]:
    inputs = card.inputs
    return [
        ("Standard", facts.standard_name(card)),
        ("Instant of the audit", inputs.instant),
        ("Checks planned", str(len(inputs.plan))),
        ("Plan, SHA-256", facts.plan_digest(card)),
        ("Configuration", inputs.config_path or "none"),
        ("Configuration, SHA-256", inputs.config_digest or "none"),
        *facts.policy_record(card),
        ("Compared with", inputs.prior_source or "nothing"),
    ]
