"""What the reports say of a sign-off, whatever its reviewer is called."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
from unit.scoring.scoring_cases import NAMES, SEALED, all_at

from pytest_backend_audit import scoring
from pytest_backend_audit.model import Card, SignOff
from pytest_backend_audit.reports import render
from pytest_backend_audit.reports.scorecard_json import schema
from pytest_backend_audit.reports.terminal import section
from pytest_backend_audit.reports.text import columns

REVIEWER = '<b>Grace</b> | "Hop\x1b[31m" グレース'
SIGN_OFF = SignOff(
    reviewer=REVIEWER,
    key="SHA256:JkpeNV4v+PPvhQsWhSb5aJR5VcFqVCFHE7dp55avWpo",
    signed_at="2026-08-31T12:00:00.000Z",
    dimensions=("4.1", "4.7"),
    attestations=("dr-drill: Drill (document, docs/<x>.md, 2026-08-14, Carol)",),
    exceptions=("acknowledged plans:invoices until 2026-12-31: small",),
    signers="audits/allowed_signers at 1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
)


@pytest.fixture
def card() -> Card:
    """Eight dimensions at L4, of which two were signed."""
    inputs, attempts = all_at(4, loaded=True)
    signed = frozenset(SIGN_OFF.dimensions)
    return replace(scoring.score(inputs, attempts, SEALED, signed_off=signed), sign_off=SIGN_OFF)


def test_json(card: Card) -> None:
    """The whole sign-off, as the schema says; null without one."""
    data = json.loads(render(card, "json"))
    jsonschema.validate(data, schema())
    assert data["sign_off"] == {
        "reviewer": REVIEWER,
        "key": SIGN_OFF.key,
        "signed_at": SIGN_OFF.signed_at,
        "dimensions": ["4.1", "4.7"],
        "attestations": list(SIGN_OFF.attestations),
        "exceptions": list(SIGN_OFF.exceptions),
        "signers": SIGN_OFF.signers,
    }
    assert [d["level"] for d in data["dimensions"]] == [4, 3, 3, 3, 3, 3, 4, 3]
    unsigned = json.loads(render(replace(card, sign_off=None), "json"))
    jsonschema.validate(unsigned, schema())
    assert unsigned["sign_off"] is None


def test_markdown(card: Card) -> None:
    """In document control: who takes the place of the second reviewer, for which levels."""
    text = render(card, "md")
    name = '&lt;b&gt;Grace&lt;/b&gt; \\| "Hop\\\\x1b\\[31m" グレース'
    assert f"| Second reviewer (required for scores ≥ 4) | {name} |\n" in text
    assert f"| Reviewer | {name} |\n| Signed at | 2026-08-31T12:00:00.000Z |\n" in text
    assert "| Levels | 4.1 Query Performance: L4; 4.7 Security: L4 |\n" in text
    assert "Attestations that the reviewer accepted:\n\n- dr-drill: Drill (document, docs/&lt;x&gt;.md, " in text
    assert "Sign-off | Value" not in render(replace(card, sign_off=None), "md")


def test_html(card: Card) -> None:
    """Beside the result, and with everything below document control."""
    text = render(card, "html")
    name = "&lt;b&gt;Grace&lt;/b&gt; | &#34;Hop\\x1b[31m&#34; グレース"
    assert f'<p class="good">Signed by {name}, 2026-08-31, for 4.1 and 4.7.</p>' in text
    assert f"<dt>Reviewer</dt><dd>{name}</dd>" in text
    assert "<dt>Levels</dt><dd>4.1 L4, 4.7 L4</dd>" in text
    unsigned = render(replace(card, sign_off=None), "html")
    assert "Signed by" not in unsigned
    assert "<h2>Sign-off</h2>" not in unsigned


def test_terminal(card: Card) -> None:
    """One line, within 80 columns and 25 lines; two where many dimensions were signed."""
    lines = section(card)
    (line,) = [line for line in lines if line.startswith("Signed")]
    assert line == 'Signed       <b>Grace</b> | "Hop\\x1b[31m" グレース, 2026-08-31, for 4.1 and 4.7'
    many = section(replace(card, sign_off=replace(SIGN_OFF, reviewer="grace@example.org", dimensions=tuple(NAMES))))
    at = next(n for n, line in enumerate(many) if line.startswith("Signed"))
    assert many[at : at + 2] == [
        "Signed       grace@example.org, 2026-08-31, for 4.1, 4.2, 4.3, 4.4, 4.5, 4.6,",
        "             4.7 and 4.8",
    ]
    for shown in (lines, many):
        assert len(shown) <= 25
        assert max(map(columns, shown)) <= 80
