"""scorecard.md: the standard's forms (its sections 1, 5, 6 and 7) filled in; the document that gets filed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_backend_audit.reports import facts
from pytest_backend_audit.reports.markdown import bullets, escape, fence, table
from pytest_backend_audit.reports.text import cut, first_line, one_line, pad, stated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pytest_backend_audit.model import Card, CheckResult, DimensionResult, Finding

EVIDENCE = 4000
"""Characters of a finding's evidence."""
REASON = 200
"""Columns of a reason in a table."""
_NAME, _SCORE, _REFERENCE = 32, 5, 38
"""Columns of the master scorecard's box."""


def chunks(card: Card) -> Iterator[str]:
    """The file, in pieces."""
    yield f"# Backend systems audit: {escape(stated(card.inputs.document.service))}\n\n"
    yield from _document(card)
    yield from _master(card)
    yield from _disposition(card)
    yield from _findings(card)
    yield from _coverage(card)
    yield from _exceptions(card)
    yield from _policy(card)
    yield from _checks(card)
    yield from _record(card)


def _document(card: Card) -> Iterator[str]:
    document = card.inputs.document
    kind = document.environment_kind
    environment = document.environment if kind in ("", document.environment) else f"{document.environment} ({kind})"
    yield "## 1. Document control\n\n"
    yield from table(
        ("Field", "Value"),
        [
            ("System / service under review", document.service),
            ("Environment (prod / stage / canary)", environment),
            ("Commit SHA", document.commit),
            ("Build, as the service tells it", document.build),
            ("Audit date", facts.audit_date(card)),
            ("Lead auditor", document.lead_auditor),
            ("Second reviewer (required for scores ≥ 4)", facts.reviewer(card)),
            ("Prior audit reference", document.prior_audit),
            ("Distribution", document.distribution),
            ("Runbook", document.runbook),
        ],
    )
    yield from _sign_off(card)
    yield f"A {facts.mode_words(card)} by {escape(facts.standard_name(card))}, {facts.assessed(card)}.\n\n"
    if card.partial:
        yield "This card is partial:\n\n"
        yield from bullets(card.partial)


def _sign_off(card: Card) -> Iterator[str]:
    signed = card.sign_off
    if signed is None:
        return
    levels = {d.id: f"{d.id} {d.name}: L{d.level}" for d in card.dimensions}
    yield from table(
        ("Sign-off", "Value"),
        [
            ("Reviewer", signed.reviewer),
            ("Signed at", signed.signed_at),
            ("Levels", "; ".join(levels.get(id_, id_) for id_ in signed.dimensions)),
            ("Attestations accepted", str(len(signed.attestations))),
            ("Exceptions accepted", str(len(signed.exceptions))),
            ("Key", signed.key),
            ("Allowed signers", signed.signers),
        ],
    )
    if signed.attestations:
        yield "Attestations that the reviewer accepted:\n\n"
        yield from bullets(signed.attestations)


def _master(card: Card) -> Iterator[str]:
    document = card.inputs.document
    yield "## 5. Master scorecard\n\n```text\n"
    width = _NAME + _SCORE + _REFERENCE + 10
    pairs = (
        ("System", document.service, "Date", facts.audit_date(card)),
        ("Commit SHA", document.commit, "Environment", document.environment or document.environment_kind),
        ("Lead auditor", document.lead_auditor, "Reviewer", facts.reviewer(card)),
    )
    for left, one, right, two in pairs:
        first = cut(f"{left}: {one_line(stated(one))}", width - 28)
        yield f"{pad(first, width - 26)}{cut(f'{right}: {one_line(stated(two))}', 26)}\n"
    widths = (_NAME, _SCORE, _REFERENCE)
    yield _rule("┌┬┐", widths)
    yield _boxed(("Dimension", "Score", "Evidence reference"), widths)
    yield _rule("├┼┤", widths)
    for dimension in card.dimensions:
        pieces = sum(len(facts.evidence_of(check)) for k in dimension.criteria for check in k.checks)
        where = "sources/" if card.merged else "journal.jsonl"
        reference = f"{where}: {_counted(pieces, 'piece')}, {_counted(_checks_of(dimension), 'check')}"
        yield _boxed((f"{dimension.id} {dimension.name}", f"L{dimension.level}", reference), widths)
    yield _rule("├┼┤", widths)
    total = "none" if card.total is None else f"{card.total}/{card.maximum}"
    yield _boxed(("TOTAL", total, "" if card.total is not None else facts.why_no_disposition(card)), widths)
    yield _rule("└┴┘", widths)
    yield "```\n\n"
    lowest = f"{', '.join(card.lowest)} at L{card.minimum}" if card.lowest else "none"
    yield f"- Lowest-scoring dimension: {escape(lowest)}\n"
    yield f"- Blocking findings (L1 where the standard blocks on it): {escape(', '.join(card.blocking) or 'none')}\n"
    name = card.disposition.name if card.disposition else f"none: {facts.why_no_disposition(card)}"
    yield f"- Overall disposition: {escape(name)}\n\n"
    yield from table(
        ("Dimension", "Level", "Before sign-off", "Sought", "Prior", "Weight", "What holds it there"),
        (
            (
                f"{d.id} {d.name}",
                f"L{d.level}",
                f"L{d.would_be}",
                f"L{d.sought}",
                "none" if d.prior is None else f"L{d.prior}",
                d.weight,
                ", ".join(d.limited_by) or "nothing",
            )
            for d in card.dimensions
        ),
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _checks_of(dimension: DimensionResult) -> int:
    return sum(len(criterion.checks) for criterion in dimension.criteria)


def _rule(corners: str, widths: tuple[int, ...]) -> str:
    return corners[0] + corners[1].join("─" * (width + 2) for width in widths) + corners[2] + "\n"


def _boxed(cells: tuple[str, ...], widths: tuple[int, ...]) -> str:
    shown = (pad(cut(one_line(cell), width), width) for cell, width in zip(cells, widths, strict=True))
    return f"│ {' │ '.join(shown)} │\n"


def _disposition(card: Card) -> Iterator[str]:
    yield "## 6. Disposition\n\n"
    disposition = card.disposition
    if disposition is None:
        yield f"No disposition: {escape(facts.why_no_disposition(card))}.\n\n"
    else:
        qualifier = f" ({escape(disposition.qualifier)})" if disposition.qualifier else ""
        yield f"**{escape(disposition.name)}**{qualifier}\n\n"
        if disposition.matrix_id and disposition.matrix_id != disposition.id:
            yield f"The matrix alone gives {escape(disposition.matrix_id)}.\n\n"
        if disposition.actions:
            rows = ((action.text, action.due or "now") for action in disposition.actions)
            yield from table(("Required action", "Due"), rows)
    yield "Overrides that apply:\n\n"
    yield from bullets(card.overrides, "None.")
    if card.verdict.gate is not None:
        yield f"{escape(facts.gate_words(card))}.\n\n"
    if told := facts.no_worse_words(card):
        yield f"No worse than before: {escape(told)}.\n\n"
    if card.raises:
        yield "What would raise it most:\n\n"
        yield from bullets(facts.raise_words(way) for way in card.raises)


def _findings(card: Card) -> Iterator[str]:
    yield f"## 7. Findings and remediation queue\n\n{facts.severity_words(card).capitalize()}.\n\n"
    for finding in card.findings:
        yield from finding_block(finding)


def finding_block(
    finding: Finding, shown: Callable[[str], str] = escape, besides: Iterable[tuple[str, str]] = ()
) -> Iterator[str]:
    """One finding with the twelve fields of section 7.

    Args:
        finding: The finding.
        shown: From a text to one line of Markdown that shows it.
        besides: What stands behind them, each with its label.
    """
    yield f"### {shown(finding.id)}: {shown(finding.title)}\n\n"
    for label, text in (
        ("Finding ID", finding.id),
        ("Dimension", f"{finding.dimension} {finding.dimension_name}"),
        ("Severity", finding.severity.value.capitalize()),
        ("Observed score", f"L{finding.observed}"),
        ("Target score", f"L{finding.target}"),
    ):
        yield f"- **{label}:** {shown(text)}\n"
    yield "- **Evidence:**\n\n"
    yield from fence(stated(finding.evidence), EVIDENCE, "  ")
    yield "\n"
    for label, text in (
        ("Impact if unfixed", finding.impact),
        ("Effort estimate", finding.effort),
        ("Proposed remediation", finding.remediation),
        ("Owner", finding.owner),
        ("Due date", finding.due),
        ("Verification plan", finding.verification),
        *besides,
    ):
        yield f"- **{label}:** {shown(stated(text))}\n"
    yield "\n"


def _coverage(card: Card) -> Iterator[str]:
    coverage = card.coverage
    yield f"## Coverage\n\nAssessed {coverage.assessed} of {coverage.of} rows that are sought and applicable."
    yield f" {coverage.pending} rows are not in this edition.\n\n" if coverage.pending else "\n\n"
    rows = [
        (f"{row.dimension} {row.criterion}", f"L{row.level}", facts.ROW_WORDS[row.state], row.clause)
        for row in facts.rows_without_answer(card)
    ]
    if rows:
        yield from table(("Row", "Level", "State", "Clause"), rows)
    if coverage.outside:
        yield "Checks outside the standard:\n\n"
        yield from bullets(coverage.outside)


def _exceptions(card: Card) -> Iterator[str]:
    policy = card.inputs.policy
    yield "## Exceptions\n\n"
    if policy.not_applicable:
        rows = ((e.criterion, e.reason, e.who, e.since, e.expires) for e in policy.not_applicable)
        yield from table(("Not applicable", "Reason", "Who", "Since", "Expires"), rows)
    if policy.acknowledged:
        known = ((e.item, e.reason, e.who, e.ticket, e.expires) for e in policy.acknowledged)
        yield from table(("Acknowledged", "Reason", "Who", "Ticket", "Expires"), known)
    if policy.leave_out:
        yield from table(("Left out", "Reason"), policy.leave_out.items())
    told = [f"{word.capitalize()}: {text}" for word, text in card.exceptions_told]
    none = not (policy.not_applicable or policy.acknowledged or policy.leave_out)
    yield from bullets(told, "None." if none else "")
    if policy.incidents is None:
        yield "Incidents: not stated.\n\n"
    elif policy.incidents:
        events = (
            (i.id, i.severity, i.opened, i.resolved or "open", ", ".join(i.dimensions), i.reference, i.origin)
            for i in policy.incidents
        )
        yield from table(("Incident", "Severity", "Opened", "Resolved", "Dimensions", "Reference", "Told by"), events)
    else:
        yield "Incidents: none.\n\n"


def _policy(card: Card) -> Iterator[str]:
    if card.inputs.protected is None:
        return
    yield "## Policy\n\n"
    rows = facts.policy_rows(card)
    if not rows:
        yield f"Held to {escape(facts.policy_place(card))}: no key of audit.yaml says anything else.\n\n"
        return
    yield f"Held to {escape(facts.policy_place(card))}. Where audit.yaml says something else, the stricter counts.\n\n"
    yield from table(("Key", "audit.yaml", "Policy", "What counts"), rows)


def _checks(card: Card) -> Iterator[str]:
    yield "## Checks\n\n"
    for dimension in card.dimensions:
        yield f"### {escape(f'{dimension.id} {dimension.name}')}: L{dimension.level}\n\n"
        results = (check for criterion in dimension.criteria for check in criterion.checks)
        head = ("Criterion", "Level", "Outcome", "Limit", "Check", "Reason")
        if card.merged:
            yield from table(
                (*head, "Answered in"), ((*_check(r), ", ".join(r.environments) or "none") for r in results)
            )
        else:
            yield from table(head, map(_check, results))


def _check(result: CheckResult) -> tuple[str, ...]:
    check = result.check
    reason = cut(first_line(result.reason), REASON) or "none"
    word = facts.OUTCOME_WORDS[result.outcome]
    if result.acknowledged:
        word += ", with exception"
    name = check.criterion or facts.short_name(check.id)
    return (name, f"L{check.level}", word, str(result.limit), check.id, reason)


def _record(card: Card) -> Iterator[str]:
    inputs = card.inputs
    yield "## Record\n\n"
    yield from table(
        ("What", "Value"),
        [
            ("Instant of the audit", inputs.instant),
            ("Run of this commit", facts.run_words(card).removeprefix("run ")),
            ("Checks planned", str(len(inputs.plan))),
            ("Plan, SHA-256", facts.plan_digest(card)),
            ("Configuration", inputs.config_path or "none"),
            ("Configuration, SHA-256", inputs.config_digest or "none"),
            *facts.policy_record(card),
            ("Compared with", inputs.prior_source or "nothing"),
            ("pytest-backend-audit", inputs.plugin_version),
        ],
    )
    if card.merged:
        yield f"Merged from {_counted(len(card.merged), 'run')}, which lie in `sources/`:\n\n"
        yield from bullets(card.merged)
    yield from bullets(facts.notices(card))
