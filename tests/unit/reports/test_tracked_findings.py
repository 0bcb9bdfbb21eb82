"""The ledger's findings as texts for trackers."""

from __future__ import annotations

import csv
import io

import pytest
from unit.ledger.ledgers import BARE, assigned, filed, found

from pytest_backend_audit.ledger import Tracked
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.reports.tracked import COLUMNS, markdown, table


def tracked(**fields: str) -> Tracked:
    """One finding, for which Lin was named."""
    state = fold(enumerate([filed(), found("F-0007", **fields), assigned(owner="Lin")], 1))
    return state.findings[0]


def read(text: str) -> list[dict[str, str]]:
    """Rows as a spreadsheet reads them."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_an_issue_has_the_twelve_fields() -> None:
    """As in the scorecard, with what the ledger knows; what was found is quoted, not obeyed."""
    text = "".join(markdown([tracked(evidence="<img src=x>\n```\n# no heading", title="a *b* <c>")]))
    labels = [line.split("**")[1] for line in text.splitlines() if line.startswith("- **")]
    assert labels == [
        "Finding ID:",
        "Dimension:",
        "Severity:",
        "Observed score:",
        "Target score:",
        "Evidence:",
        "Impact if unfixed:",
        "Effort estimate:",
        "Proposed remediation:",
        "Owner:",
        "Due date:",
        "Verification plan:",
        "Environments:",
    ]
    assert text.startswith("### F-0007: a \\*b\\* &lt;c&gt;\n")
    assert "- **Owner:** Lin\n- **Due date:** 2026-11-30\n" in text
    assert "  ````text\n  <img src=x>\n  ```\n  # no heading\n  ````\n" in text


def test_an_issue_notifies_nobody() -> None:
    """What the audited system answered names no account and no other issue, however long it is."""
    text = "".join(markdown([tracked(title="@org/team said #12 " + "a" * 900, impact="see https://evil.example")]))
    assert text.startswith("### F-0007: @&#8203;org/team said \\#&#8203;12 " + "a" * 900 + "\n")
    assert "- **Impact if unfixed:** see https:&#8203;//evil.example\n" in text


def test_a_row_has_every_field() -> None:
    """Of the standard and of the ledger."""
    [row] = read("".join(table([tracked()])))
    assert tuple(row) == COLUMNS
    assert (row["id"], row["dimension"], row["severity"], row["observed"], row["target"]) == (
        "F-0007",
        "4.1 Query Performance",
        "high",
        "L2",
        "L3",
    )
    assert (row["owner"], row["due"], row["status"], row["fingerprint"]) == ("Lin", "2026-11-30", "open", BARE)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=1", " =1", "|cmd", "%0A", "\uff1d1", "\uff20SUM(A1)"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    """What a spreadsheet takes for one has an apostrophe before it."""
    [row] = read("".join(table([tracked(title=text)])))
    assert row["title"].startswith("'")


def test_cells_stay_whole() -> None:
    """With quotes, commas and line feeds; control characters as numbers, and not longer than a cell may be."""
    [row] = read("".join(table([tracked(title='a, "b"\nc\x1b[0m', evidence="x" * 40_000)])))
    assert row["title"] == 'a, "b"\nc\\x1b[0m'
    assert len(row["evidence"]) == 30_000
