"""A comparison as people read it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.scoring.scoring_cases import SEALED, all_at, failed, skipped

from pytest_backend_audit import filed
from pytest_backend_audit.comparison import Comparison, Side, compare
from pytest_backend_audit.model import Card, FiledCard, NotApplicable
from pytest_backend_audit.reports import compared
from pytest_backend_audit.reports.text import columns
from pytest_backend_audit.scoring import score

COMMIT = "9f8e7d6c5b4a"


@pytest.fixture
def found() -> Comparison:
    """One of everything."""
    made, attempts = all_at(
        3,
        instant="2026-06-01T10:00:00Z",
        commit=COMMIT,
        kind="stage",
        policy={"thresholds": {"hit-rate": 0.95}},
    )
    spoiled = {"4.2-2": failed("4.2-2", "no pool"), "4.3-3": failed("4.3-3", "hit rate 0.91, wanted 0.95")}
    before = score(made, [spoiled.get(a.check, a) for a in attempts], SEALED)
    made, attempts = all_at(
        {f"4.{n}": 4 if n == 8 else 3 for n in range(1, 9)},
        policy={
            "not_applicable": (NotApplicable("replicas", "one node", "Kim", "2026-05-01", "2026-10-31"),),
            "sought": {"4.8": 4},
        },
    )
    spoiled = {
        "4.1-3": failed("4.1-3", "3 of 14 foreign keys without an index: orders.customer_id, lines.order_id"),
        "4.2-2": skipped("4.2-2", "no server"),
    }
    now = score(made, [spoiled.get(a.check, a) for a in attempts], SEALED)
    return compare(Side(card(now)), Side(card(before)))


def card(of: Card) -> FiledCard:
    """As filed, with numbers for the findings of checks."""
    known = {"4.2-2": "F-0001", "4.3-3": "F-0002", "4.1-3": "F-0003"}
    numbers = {f.fingerprint: known[f.check] for f in of.findings if f.check in known}
    return filed.filed(of, numbers=numbers, sources=(of.inputs.instant,))


TERMINAL = """\
orders: 2026-08-31 at 1a2b3c4 in prod
compared with 2026-06-01 at 9f8e7d6 in stage
Note         the environment is of another kind: prod now, stage before; what
             differs may come from there

  4.1 Query Performance      L3 -> L2  fell
  4.2 Connection Management  L1        held by an earlier failure, recorded L2
  4.3 Caching                L2 -> L3  rose
  4.4 API Latency SLOs       L3
  4.5 Observability          L3
  4.6 Reliability            L3
  4.7 Security               L3
  4.8 Scalability            L3 -> L4  rose, recorded L3 until signed
"""


REST = """
Total        21 -> 22 of 40
Disposition  Significant technical debt -> Conditional production
Worse        4.1 fell from L3 to L2
             new high finding 4.1-3 L3 failed: 3 of 14 foreign keys without an
             index: orders.customer_id, lines.order_id

Checks: 4 changed
  4.1 L3 4.1-3: passed -> failed, limit L5 -> L2
      4.1-3
  4.2 L2 4.2-2: failed -> could not run, keeps its failed L1
      4.2-2
  4.3 L3 4.3-3: failed -> passed, limit L2 -> L5
      4.3-3
  4.8 L4 4.8-4: not there -> passed
      4.8-4

Findings: 2 new, 1 changed, 3 gone
  new, high, 4.1 F-0003: 4.1-3 L3 failed: 3 of 14 foreign keys without an index:
      orders.customer_id, lines.order_id
  new, low, 4.3 148632b8: nothing proves L4 of Caching
  changed, high -> medium, 4.2 F-0001: 4.2-2 L2 could not run: no server
  gone, high, 4.3 F-0002: 4.3-3 L3 failed: hit rate 0.91, wanted 0.95
  gone, low, 4.1 a1020e2c: nothing proves L4 of Query Performance
  gone, low, 4.8 ee74da67: nothing proves L4 of Scalability

Settings: 3 changed
  threshold hit-rate: 0.95 -> the standard's
  exception not applicable replicas: none -> 2026-10-31: one node
  sought in 4.8: L5 -> L4"""


def test_in_the_terminal(found: Comparison) -> None:
    """Everything is told within 80 columns."""
    lines = list(compared.terminal(found))
    text = "\n".join(lines)
    assert text.startswith(TERMINAL)
    assert max(map(columns, lines)) <= 80
    assert text == TERMINAL + REST


def test_in_markdown(found: Comparison) -> None:
    """Tables of the same; what audited systems said is escaped."""
    text = "".join(compared.markdown(found))
    assert text.startswith(
        "# orders: what changed\n\n2026-08-31 at 1a2b3c4 in prod, compared with 2026-06-01 at 9f8e7d6 in stage.\n\n"
        "- the environment is of another kind: prod now, stage before; what differs may come from there\n\n"
        "| Dimension | Before | Now | Change |\n|---|---|---|---|\n| 4.1 Query Performance | L3 | L2 | fell |\n"
    )
    assert "| 4.8 Scalability | L3 | L4 | rose, recorded L3 until signed |\n" in text
    assert "- **Total:** 21 → 22 of 40\n" in text
    assert (
        "| new | high | 4.1 | 4.1-3 L3 failed: 3 of 14 foreign keys without an index: orders.customer\\_id, "
        "lines.order\\_id | F-0003 |\n"
    ) in text
    assert "| 4.2 | L2 | 4.2-2 | failed → could not run, keeps its failed L1 | as before | 4.2-2 |\n" in text
    assert "| exception not applicable replicas | none | 2026-10-31: one node |\n" in text


def test_two_audits_of_one_day_and_commit_are_told_apart_by_their_instants(found: Comparison) -> None:
    """Else both lines would be the same."""
    later = replace(found.now, instant="2026-08-31T17:30:00Z")
    twice = compare(Side(later), Side(found.now))
    assert list(compared.terminal(twice))[:2] == [
        "orders: 2026-08-31T17:30:00Z at 1a2b3c4 in prod",
        f"compared with {found.now.instant} at 1a2b3c4 in prod",
    ]
    assert (
        f"\n2026-08-31T17:30:00Z at 1a2b3c4 in prod, compared with {found.now.instant} at 1a2b3c4 in prod.\n"
        in "".join(compared.markdown(twice))
    )


def test_nothing_changed(found: Comparison) -> None:
    """A short word."""
    same = compare(Side(found.now), Side(found.now))
    lines = list(compared.terminal(same))
    assert lines[2] == "Note         both are the same audit"
    assert lines[-1] == "Worse        nothing"


def test_a_hostile_card_can_not_act_on_a_terminal_or_a_page(found: Comparison) -> None:
    """Control characters are shown as numbers, markup as text."""
    evil = "\x1b[2J<script>|\n# x"
    now = replace(
        found.now,
        environment=evil,
        findings=tuple(replace(f, title=evil) for f in found.now.findings),
        thresholds={evil: evil},
    )
    made = compare(Side(now), Side(found.prior))
    text = "\n".join(compared.terminal(made))
    assert "\x1b" not in text
    assert "\\x1b[2J<script>| # x" in text
    page = "".join(compared.markdown(made))
    assert ("\x1b" in page, "<script>" in page, "\n# x" in page) == (False, False, False)


def test_many_changes_are_counted(found: Comparison) -> None:
    """The first fifty are listed."""
    many = replace(found, settings=found.settings[:1] * 60)
    assert list(compared.terminal(many))[-1] == "  and 10 more; --json has them all"
    assert "".join(compared.markdown(many)).endswith("And 10 more; `--json` has them all.\n\n")


def test_a_signature_is_no_step_of_the_total() -> None:
    """Signed before and not yet now: the total is the same, and what is recorded until then is said."""
    made, attempts = all_at({f"4.{n}": 4 if n == 8 else 3 for n in range(1, 9)})
    signed, bare = (Side(card(score(made, attempts, SEALED, signed_off=done))) for done in (True, False))
    assert (signed.card.total, bare.card.total) == (25, 24)
    found = compare(bare, signed)
    assert (found.total_before, found.total_now) == (25, 25)
    assert "Total        25 of 40, recorded 24 until signed" in list(compared.terminal(found))
    assert "- **Total:** 25 of 40, recorded 24 until signed\n" in "".join(compared.markdown(found))
    assert "Total        25 of 40" in list(compared.terminal(compare(signed, bare)))
