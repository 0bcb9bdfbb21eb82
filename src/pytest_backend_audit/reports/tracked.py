"""The queue of a ledger for trackers: Markdown, a block a finding, and CSV, a row a finding."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_backend_audit.reports import forge
from pytest_backend_audit.reports.scorecard_md import finding_block
from pytest_backend_audit.reports.text import clean, stated

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import Tracked

CELL_LIMIT = 30_000
"""Characters of a cell; spreadsheets take 32,767."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the start of a formula: the last four are wide forms of the first."""
COLUMNS = (
    "id",
    "dimension",
    "severity",
    "observed",
    "target",
    "evidence",
    "impact",
    "effort",
    "remediation",
    "owner",
    "due",
    "verification",
    "status",
    "title",
    "criterion",
    "check",
    "opened",
    "fingerprint",
    "environments",
)
"""The standard's twelve fields in its order, then what a tracker needs besides."""


def markdown(findings: Sequence[Tracked]) -> Iterator[str]:
    """A block for each finding with all twelve fields: the text of an issue, which notifies nobody."""
    for tracked in findings:
        where = ", ".join(tracked.where)
        yield from finding_block(tracked.current(), forge.whole, [("Environments", where)] if where else [])


def table(findings: Sequence[Tracked]) -> Iterator[str]:
    """CSV as RFC 4180 has it. No cell is a formula: what would be taken for one has an apostrophe before it."""
    yield _row(COLUMNS)
    for tracked in findings:
        finding = tracked.current()
        yield _row(
            (
                finding.id,
                f"{finding.dimension} {finding.dimension_name}",
                finding.severity.value,
                f"L{finding.observed}",
                f"L{finding.target}",
                finding.evidence,
                finding.impact,
                finding.effort,
                finding.remediation,
                finding.owner,
                stated(finding.due),
                finding.verification,
                tracked.status.value,
                finding.title,
                finding.criterion,
                finding.check,
                tracked.opened,
                tracked.fingerprint,
                ", ".join(tracked.where),
            )
        )


def _row(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([_cell(text) for text in cells])
    return out.getvalue()


def _cell(text: str) -> str:
    shown = clean(text)[:CELL_LIMIT]
    return f"'{shown}" if shown.lstrip(" ").startswith(_FORMULA) else shown
