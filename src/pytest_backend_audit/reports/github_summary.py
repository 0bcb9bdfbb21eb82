"""The summary of a job on GitHub (``$GITHUB_STEP_SUMMARY``): the card on a page, the findings with their evidence.

A step's summary may have 1 MiB; of a longer one nothing is shown. What has no room is left out, and counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_backend_audit.model import Card, Finding
from pytest_backend_audit.reports import facts, forge, markdown
from pytest_backend_audit.reports.text import stated

LIMIT = 1024 * 1024
"""Bytes that GitHub shows of one step."""
RESERVE = 64 * 1024
"""Bytes of that for other steps' use of the same file, and for what stands below the findings."""
EVIDENCE = 2000
"""Characters of a finding's evidence."""
DETAILS = 200
"""Findings that show their evidence."""


def chunks(card: Card) -> Iterator[str]:
    """The page, in pieces."""
    room = forge.Room(LIMIT - RESERVE, forge.in_bytes)
    for text in _top(card):
        room.takes(text)
        yield text
    yield from _findings(card, room)
    yield from _bottom(card)


def _top(card: Card) -> Iterator[str]:
    document = card.inputs.document
    yield f"## Backend audit: {forge.plain(stated(document.service), forge.NAME)} at `{facts.short_commit(card)}`\n\n"
    yield from forge.verdict(card)
    yield from forge.levels(card)
    yield from forge.outcomes(card)
    yield from forge.changes(card)
    yield from forge.raises(card)


def _findings(card: Card, room: forge.Room) -> Iterator[str]:
    if not card.findings:
        return
    yield f"### Findings: {facts.severity_words(card)}\n\n"
    yield forge.QUEUE_HEAD
    shown, more = 0, forge.besides(card)
    for finding in card.findings:
        row = forge.queue_row(finding, more.get(finding.check, ""))
        if not room.takes(row):
            break
        yield row
        shown += 1
    yield "\n"
    if shown < len(card.findings):
        yield f"and {len(card.findings) - shown} more findings, in `scorecard.md`\n\n"
        return
    for finding in card.findings[:DETAILS]:
        details = "".join(_details(finding))
        if not room.takes(details):
            yield "More evidence is in `scorecard.md`.\n\n"
            return
        yield details


def _details(finding: Finding) -> Iterator[str]:
    yield f"<details><summary>{finding.severity.value}: {forge.in_html(finding.title)}</summary>\n\n"
    yield from markdown.fence(stated(finding.evidence), EVIDENCE)
    for label, text in (
        ("Impact", finding.impact),
        ("Remediation", finding.remediation),
        ("Verification", finding.verification),
    ):
        yield f"\n**{label}**: {forge.plain(stated(text), 600)}\n"
    if finding.check:
        yield f"\n**Check**: {forge.plain(finding.check, 300)}\n"
    yield "\n</details>\n\n"


def _bottom(card: Card) -> Iterator[str]:
    yield from forge.exceptions(card)
    notices = facts.notices(card, brief=True)
    if notices:
        yield "**Notices**\n\n"
        yield from (f"- {forge.plain(text)}\n" for text in notices[: forge.ROWS])
        yield "\n"
    yield f"pytest-backend-audit {forge.plain(card.inputs.plugin_version, forge.NAME)}\n"
