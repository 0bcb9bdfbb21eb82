"""All audits of a service, as people read them."""

from __future__ import annotations

from dataclasses import replace

from unit.scoring.scoring_cases import NAMES, SEALED, all_at

from pytest_backend_audit import filed
from pytest_backend_audit.ledger.places import Places
from pytest_backend_audit.reports import trend
from pytest_backend_audit.reports.text import columns
from pytest_backend_audit.reports.trend import Filed
from pytest_backend_audit.scoring import score


def audit(day: str, levels: dict[str, int], kind: str = "prod") -> Filed:
    """A filed audit of a day; dimensions that are not named stand at L2."""
    made, attempts = all_at({**dict.fromkeys(NAMES, 2), **levels}, instant=f"{day}T10:00:00Z", kind=kind)
    return Filed(day, filed.filed(score(made, attempts, SEALED), numbers={}, sources=()))


AUDITS = [
    audit("2026-08-31", {"4.1": 4, "4.2": 1}),
    audit("2026-03-01", {"4.1": 2, "4.2": 2}),
    audit("2026-06-01", {"4.1": 3, "4.2": 2}),
    audit("2026-07-01", {"4.8": 3}, "stage"),
]
SAID = """\
orders in prod: 3 audits, 2026-03-01 to 2026-08-31
levels and totals before the second reviewer's cap

  4.1 Query Performance      ▃▄▆  L2 -> L4
  4.2 Connection Management  ▃▃▁  L2 -> L1
  4.3 Caching                ▃▃▃  L2
  4.4 API Latency SLOs       ▃▃▃  L2
  4.5 Observability          ▃▃▃  L2
  4.6 Reliability            ▃▃▃  L2
  4.7 Security               ▃▃▃  L2
  4.8 Scalability            ▃▃▃  L2
  Total                      ▃▃▃  16 -> 17 of 40

  filed      4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8 total  disposition
  2026-03-01  2   2   2   2   2   2   2   2     16  Significant technical debt
  2026-06-01  3▲  2   2   2   2   2   2   2     17  Significant technical debt
  2026-08-31  4▲  1▼  2   2   2   2   2   2     17  Significant technical debt,
                                                    recorded 16 until signed

orders in stage: 1 audit, 2026-07-01
levels and totals before the second reviewer's cap

  4.1 Query Performance      ▃  L2
  4.2 Connection Management  ▃  L2
  4.3 Caching                ▃  L2
  4.4 API Latency SLOs       ▃  L2
  4.5 Observability          ▃  L2
  4.6 Reliability            ▃  L2
  4.7 Security               ▃  L2
  4.8 Scalability            ▄  L3
  Total                      ▃  17 of 40

  filed      4.1 4.2 4.3 4.4 4.5 4.6 4.7 4.8 total  disposition
  2026-07-01  2   2   2   2   2   2   2   3     17  Significant technical debt"""


def test_in_the_terminal() -> None:
    """In the order of the audits' instants, each environment by itself, within 80 columns."""
    lines = list(trend.terminal(AUDITS))
    assert "\n".join(lines) == SAID
    assert max(map(columns, lines)) <= 80


def test_a_signature_is_no_step() -> None:
    """An audit that is signed and the next one that isn't have the same levels and the same total."""
    made, attempts = all_at({**dict.fromkeys(NAMES, 2), "4.1": 4}, instant="2026-03-01T10:00:00Z")
    signed = filed.filed(score(made, attempts, SEALED, signed_off=True), numbers={}, sources=())
    audits = [Filed("2026-03-01", signed), audit("2026-06-01", {"4.1": 4})]
    assert [a.card.total for a in audits] == [18, 17]
    lines = list(trend.terminal(audits))
    assert "  Total                      ▃▃  18 of 40" in lines
    assert lines[-3:] == [
        "  2026-03-01  4   2   2   2   2   2   2   2     18  Significant technical debt",
        "  2026-06-01  4   2   2   2   2   2   2   2     18  Significant technical debt,",
        "                                                    recorded 17 until signed",
    ]
    assert [(t["total"], t["total_would_be"]) for t in trend.data(audits)] == [(18, 18), (17, 18)]


def test_where_a_terminal_has_ascii_only() -> None:
    """Levels as digits, steps as signs."""
    text = "\n".join(trend.terminal(AUDITS, unicode=False))
    assert text.isascii()
    assert "  4.1 Query Performance      234  L2 -> L4\n" in text
    assert "  2026-08-31  4+  1-  2   2   2   2   2   2     17  Significant technical debt,\n" in text


def test_many_audits() -> None:
    """The latest twelve, each compared with the one before it, unless all are wanted."""
    many = [audit(f"2026-01-{day:02}", {"4.1": 1 if day < 10 else 2}) for day in range(1, 22)]
    lines = list(trend.terminal(many))
    assert "  the latest 12 of 21; --all shows all" in lines
    rows = [line for line in lines if line.startswith("  2026-")]
    assert (len(rows), rows[0]) == (
        12,
        "  2026-01-10  2▲  2   2   2   2   2   2   2     16  Significant technical debt",
    )
    assert sum(line.startswith("  2026-") for line in trend.terminal(many, everything=True)) == 21


def test_a_change_of_the_measure_is_told() -> None:
    """A step that comes with another standard or another kind of environment says nothing about the service."""
    one, two, three = (audit(f"2026-0{month}-01", {}) for month in (1, 2, 3))
    two = replace(two, card=replace(two.card, standard_version="2"))
    three = replace(three, card=replace(three.card, standard="ours", basis="Ours", environment_kind="canary"))
    assert list(trend.terminal([one, two, three]))[-3:] == [
        "  2026-02-01: by another version of the standard than before",
        "  2026-03-01: by another standard than before: Ours",
        "  2026-03-01: in an environment of another kind: canary",
    ]


def test_an_environment_that_got_another_name() -> None:
    """Its audits by both names are one part, which says when the name changed; so they are as data."""
    before, after = AUDITS[3], audit("2026-08-01", {"4.8": 3})
    after = replace(after, card=replace(after.card, environment="staging", environment_kind="stage"))
    places = Places({"stage": "staging", "staging": "staging"})
    lines = list(trend.terminal([*AUDITS, after], places))
    assert [line for line in lines if line.startswith("orders in ")] == [
        "orders in prod: 3 audits, 2026-03-01 to 2026-08-31",
        "orders in staging: 2 audits, 2026-07-01 to 2026-08-01",
    ]
    assert lines[-1] == "  2026-08-01: the environment was called stage before"
    assert [t["environment"] for t in trend.data([after, before], places)] == ["stage", "staging"]


def test_dimensions_of_a_standard_with_long_ids() -> None:
    """The bars have them all; the table goes without its columns of levels."""
    one = AUDITS[0]
    long = replace(
        one, card=replace(one.card, dimensions=tuple(replace(d, id=f"dim-{d.id}") for d in one.card.dimensions))
    )
    lines = list(trend.terminal([long]))
    assert lines[-1] == "  2026-08-31    17  Significant technical debt, recorded 16 until signed"
    assert lines[3] == "  dim-4.1 Query Performance      ▆  L4"


def test_a_hostile_card_can_not_act_on_a_terminal() -> None:
    """Control characters are shown as numbers."""
    one = AUDITS[0]
    evil = "\x1b[2J\n" * 50
    card = replace(one.card, service=evil, environment=evil, disposition_name=evil)
    lines = list(trend.terminal([Filed("2026-08-31\x1b", card)]))
    assert "\x1b" not in "".join(lines)
    assert max(map(columns, lines)) <= 80


def test_as_data() -> None:
    """Every audit with what identifies it, its levels and its findings by severity."""
    told = trend.data(AUDITS)
    assert [t["name"] for t in told] == ["2026-03-01", "2026-06-01", "2026-08-31", "2026-07-01"]
    last = told[-1]
    assert (last["environment"], last["total"], last["disposition"]) == ("stage", 17, "significant-technical-debt")
    assert last["levels"]["4.8"] == {"level": 3, "would_be": 3, "sought": 5}
    assert last["findings"] == {"critical": 0, "high": 0, "medium": 0, "low": 8}
