"""scorecard.md: the standard's forms, and texts that can't break them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from unit.reports.cards import CARDS, EVIL, FULL, HOSTILE, NOTHING, PARTIAL

from pytest_backend_audit.model import NoWorse
from pytest_backend_audit.reports import render
from pytest_backend_audit.reports.markdown import escape, fence


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b*c`d`", r"a\_b\*c\`d\`"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("[x](javascript:y)", r"\[x\](javascript:y)"),
        ("a | b\nc", r"a \| b c"),
        ("- item", r"\- item"),
        ("12. item", r"12\. item"),
        ("12 items", "12 items"),
        ("# head", r"\# head"),
        ("\x1b[31m", "\\\\x1b\\[31m"),
    ],
)
def test_escape(text: str, shown: str) -> None:
    """Markup shows as what it is."""
    assert escape(text) == shown


def test_fence_is_longer_than_any_in_its_text() -> None:
    """The text can't close its own fence; what is cut is counted."""
    assert "".join(fence("a\n````\nbcdef", 8, "  ")) == (
        "  `````text\n  a\n  ````\n  b\n  (and 4 more characters)\n  `````\n"
    )


def test_document_control() -> None:
    """The form of section 1 is filled in; what is missing is said."""
    text = render(FULL, "md")
    assert "| System / service under review | orders |\n" in text
    assert "| Commit SHA | 9f2c4e1ab37d5c6e8f90a1b2c3d4e5f60718293a |\n" in text
    assert "| Second reviewer (required for scores ≥ 4) | not stated |\n" in text


def test_master_scorecard() -> None:
    """The box of section 5 has a line a dimension, the total, and the three lines under it."""
    lines = render(FULL, "md").splitlines()
    start = lines.index("## 5. Master scorecard") + 2
    box = lines[start : lines.index("```", start + 1)]
    assert box[1:4] == [
        "System: orders                                             Date: 2026-11-24",
        "Commit SHA: 9f2c4e1ab37d5c6e8f90a1b2c3d4e5f60718293a       Environment: stage",
        "Lead auditor: Ada Lovelace                                 Reviewer: not stated",
    ]
    assert "│ 4.7 Security                     │ L1    │ journal.jsonl: 1 piece, 1 check        │" in box
    assert "│ TOTAL                            │ 15/40 │                                        │" in box
    assert {len(line) for line in box[4:]} == {85}
    assert "- Lowest-scoring dimension: 4.5, 4.7 at L1" in lines
    assert "- Blocking findings (L1 where the standard blocks on it): 4.7" in lines
    assert "- Overall disposition: Not production-grade" in lines


def test_disposition_with_dated_actions_and_overrides() -> None:
    """The form of section 6."""
    text = render(FULL, "md")
    assert "| Stop customer-facing rollout. | now |\n| Re-audit. | 2027-01-23 |\n" in text
    assert "- L1 in Security (4.7)\n- P0 INC-12 is open\n" in text
    assert "No disposition: a rehearsal has no disposition; run with --audit-sha=HEAD.\n" in render(PARTIAL, "md")


def test_that_it_is_no_worse_stands_below_the_gate() -> None:
    """Whether it was passed, unless the gate's sentence has it."""
    made = replace(FULL, no_worse=NoWorse(True, "nothing fell"))
    assert "is Not production-grade.\n\nNo worse than before: passed: nothing fell.\n\n" in render(made, "md")
    fell = NoWorse(False, FULL.verdict.reason.partition("passed, ")[2])
    assert "No worse than before" not in render(replace(FULL, no_worse=fell), "md")
    alone = replace(PARTIAL, no_worse=NoWorse(False, "4.1 fell"))
    assert "No worse than before: not passed: 4.1 fell.\n\n" in render(alone, "md")


def test_each_finding_has_its_twelve_fields() -> None:
    """The form of section 7, once for each finding."""
    text = render(FULL, "md")
    labels = re.findall(r"^- \*\*([^*]+):\*\*", text, re.MULTILINE)
    assert labels == 5 * [
        "Finding ID",
        "Dimension",
        "Severity",
        "Observed score",
        "Target score",
        "Evidence",
        "Impact if unfixed",
        "Effort estimate",
        "Proposed remediation",
        "Owner",
        "Due date",
        "Verification plan",
    ]
    assert "- **Severity:** Critical\n" in text
    assert "  1 of 14 operations answers without a token: GET /v1/orders/export 200\n" in text


def test_what_was_not_answered_is_listed() -> None:
    """Rows without an answer, exceptions and checks outside the standard each stand in the document."""
    text = render(FULL, "md")
    assert "| 4.2 pooler | L4 | not executed | Clause of pooler at L4. |\n" in text
    assert "| negative-caching | no misses by design | Ada Lovelace | 2026-10-01 | 2027-03-01 |\n" in text
    assert "- Unused: hit-rate:sessions\n" in text
    assert "| pooler | L4 | could not run | 2 |" in text
    assert "Incidents: not stated.\n" in render(NOTHING, "md")
    assert "Incidents: none.\n" in render(
        replace(FULL, inputs=replace(FULL.inputs, policy=replace(FULL.inputs.policy, incidents=()))), "md"
    )


@pytest.mark.parametrize("name", CARDS)
def test_tables_keep_their_shape(name: str) -> None:
    """No text, hostile ones included, adds a cell, a tag or a control character."""
    text = render(CARDS[name], "md")
    assert "\x1b" not in text
    assert "\u202e" not in text
    cells = 0
    fenced = ""
    for line in text.splitlines():
        marks = re.match(r"\s*(`{3,})", line)
        if fenced:
            fenced = "" if marks and marks[1] == fenced else fenced
        elif marks:
            fenced = marks[1]
        elif line.startswith("|"):
            count = len(re.findall(r"(?<!\\)\|", line))
            assert cells in (0, count)
            cells = count
        else:
            cells = 0
            assert "<" not in line
    assert fenced == ""


def test_hostile_text_is_shown() -> None:
    """Escaping hides nothing."""
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in render(HOSTILE, "md")
    assert escape(EVIL) in render(HOSTILE, "md")
