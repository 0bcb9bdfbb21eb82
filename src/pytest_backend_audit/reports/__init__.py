"""The card in each of its formats. A format turns a card into text and touches no file; `writing` does that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_backend_audit.model import Card

__all__ = ["FORMATS", "Format", "chunks", "render"]


@dataclass(frozen=True, slots=True)
class Format:
    """One format."""

    filename: str | None
    """Its file in the report folder; None where it has none."""
    module: str
    """Imported on first use; its ``chunks(card)`` gives the text in pieces."""
    help: str


FORMATS = {
    "terminal": Format(None, f"{__name__}.terminal", "the section that pytest prints"),
    "json": Format("scorecard.json", f"{__name__}.scorecard_json", "the whole card for machines"),
    "md": Format("scorecard.md", f"{__name__}.scorecard_md", "the standard's forms, filled in"),
    "html": Format("scorecard.html", f"{__name__}.scorecard_html", "one page for people, works offline"),
    "junit": Format("junit.xml", f"{__name__}.junit", "a suite a dimension, for CI"),
    "findings": Format("findings.json", f"{__name__}.findings_json", "the remediation queue for trackers"),
    "sarif": Format(None, f"{__name__}.sarif", "SARIF 2.1.0: every check with its kind"),
    "sarif-failures": Format(None, f"{__name__}.sarif_failures", "SARIF 2.1.0: failures only, for code scanning"),
    "ocsf": Format(None, f"{__name__}.ocsf", "OCSF 1.5 Compliance Findings, one JSON object a line"),
    "oscal": Format(None, f"{__name__}.oscal", "OSCAL 1.2 assessment results"),
    "in-toto": Format(None, f"{__name__}.intoto", "in-toto statement about the commit, to be signed"),
    "github-summary": Format(None, f"{__name__}.github_summary", "Markdown for the summary of a job on GitHub"),
    "pr-comment": Format(None, f"{__name__}.pr_comment", "Markdown for a comment on a pull or merge request"),
}


def chunks(card: Card, format: str) -> Iterator[str]:  # noqa: A002 - the word users know it by
    """The card in one format, in pieces, so that a large one never stands in memory as a whole.

    Raises:
        ValueError: There is no such format, or the card lacks what the format can't do without.
    """
    if format not in FORMATS:
        raise ValueError(f"no report format {format!r}; there are {', '.join(FORMATS)}")
    make: Callable[[Card], Iterator[str]] = import_module(FORMATS[format].module).chunks
    return make(card)


def render(card: Card, format: str) -> str:  # noqa: A002 - as above
    """The card in one format: the same card gives the same text on any day and machine.

    Args:
        card: The scorecard.
        format: A key of `FORMATS`.

    Raises:
        ValueError: As `chunks`.
    """
    return "".join(chunks(card, format))
