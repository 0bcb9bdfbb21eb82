"""junit.xml: a suite a dimension, a case a criterion, and nothing green that was not looked at."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from unit.reports.cards import CARDS, FULL, HOSTILE, NOTHING, POOLER, criterion, dimension

from pytest_backend_audit.model import Card, CriterionResult, Outcome, RowResult, RowState, Seal, Verdict
from pytest_backend_audit.reports import render
from pytest_backend_audit.reports.text import one_line


def _parsed(card: Card) -> ET.Element:
    return ET.fromstring(render(card, "junit"))


def _kinds(root: ET.Element) -> dict[str, str]:
    """Case -> tag of its result, and the message."""
    found = {}
    for case in root.iter("testcase"):
        result = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        found[str(case.get("name"))] = "passed" if result is None else f"{result.tag}: {result.get('message')}"
    return found


def test_each_outcome_with_a_gate_that_failed() -> None:
    """Once a gate failed, what could not run is an error."""
    assert _kinds(_parsed(FULL)) == {
        "query-logging": "passed",
        "foreign-key-indexes": (
            "failure: failed: 2 foreign keys without an index: orders.customer_id, "
            "order_items.product_id (limit 0, standard)"
        ),
        "pooler": "error: could not run: targets.pgbouncer is not configured (audit.yaml)",
        "hit-rate": "passed",
        "negative-caching": "skipped: not applicable: no misses by design",
        "latency-tracked": "skipped: weak evidence: all its evidence is verbal",
        "red-metrics": "failure: no evidence: passed without evidence",
        "idempotency": "passed",
        "authentication": ("failure: failed: 1 of 14 operations answers without a token: GET /v1/orders/export 200"),
        "pytest_backend_audit/suites/own_check.py::test_own_check": "error: broken: KeyError: 'pod_id'",
        "gate": "failure: gate Conditional production: not passed, the disposition is Not production-grade",
    }


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (Verdict(None, None, "no gate is set", 1), "skipped"),
        (Verdict("conditional-production", True, "met", 0), "skipped"),
        (Verdict("conditional-production", False, "not met", 1), "error"),
    ],
)
def test_could_not_run_depends_on_the_gate(verdict: Verdict, kind: str) -> None:
    """Without a failed gate it is skipped, with its reason; a criterion without any check alike."""
    no_check = CriterionResult(
        "headroom", 2, 0, rows=(RowResult("4.2", "headroom", 2, RowState.UNCOVERED, "Connections are counted."),)
    )
    card = replace(FULL, dimensions=(dimension("4.2", 2, criterion("pooler", POOLER), no_check),), verdict=verdict)
    kinds = _kinds(_parsed(card))
    assert kinds["pooler"] == f"{kind}: could not run: targets.pgbouncer is not configured (audit.yaml)"
    assert kinds["headroom"] == f"{kind}: could not run: no check"


def test_gate_is_a_case_of_its_own() -> None:
    """Met, it passes; not set, there is none."""
    met = replace(FULL, verdict=Verdict("conditional-production", True, "met", 0))
    assert _kinds(_parsed(met))["gate"] == "passed"
    without = replace(FULL, verdict=Verdict(None, None, "no gate is set", 1))
    assert "gate" not in _kinds(_parsed(without))


def test_suites_and_their_properties() -> None:
    """A suite names its dimension, counts its cases and carries the levels."""
    suites = _parsed(FULL).findall("testsuite")
    assert [suite.get("name") for suite in suites][:2] == ["4.1 Query Performance", "4.2 Connection Management"]
    assert (suites[0].get("tests"), suites[0].get("failures"), suites[1].get("errors")) == ("2", "1", "1")
    properties = {p.get("name"): p.get("value") for p in suites[2].iter("property")}
    assert properties == {
        "service": "orders",
        "environment": "stage",
        "commit": "9f2c4e1ab37d5c6e8f90a1b2c3d4e5f60718293a",
        "mode": "formal",
        "disposition": "not-production-grade",
        "total": "15",
        "level": "3",
        "would_be": "4",
        "limit": "5",
        "proven": "3",
        "sought": "5",
    }


def test_the_worst_check_speaks_for_its_criterion() -> None:
    """A criterion with a broken and a failed check of one limit is a failure, and lists both."""
    failed = replace(POOLER, outcome=Outcome.FAILED, limit=2, reason="12 clients wait")
    broken = replace(POOLER, outcome=Outcome.BROKEN, limit=2, reason="KeyError: 1")
    card = replace(FULL, dimensions=(dimension("4.2", 2, criterion("pooler", POOLER, broken, failed)),))
    root = _parsed(card)
    assert _kinds(root)["pooler"] == "failure: failed: 12 clients wait"
    assert [line.partition(" L4")[0] for line in (root.findtext(".//system-out") or "").splitlines()] == [
        "failed",
        "broken",
        "could not run",
    ]


def test_what_could_not_run_hides_no_failure() -> None:
    """A failure of L5 limits less than a check that could not run, and is a failure all the same."""
    failed = replace(POOLER, outcome=Outcome.FAILED, limit=4, reason="no drill")
    weak = replace(POOLER, outcome=Outcome.WEAK, limit=2, reason="all its evidence is verbal")
    card = replace(FULL, dimensions=(dimension("4.2", 2, criterion("pooler", POOLER, weak, failed)),))
    root = _parsed(card)
    assert _kinds(root)["pooler"] == "failure: failed: no drill"
    lines = (root.findtext(".//system-out") or "").splitlines()
    assert [line.partition(" L4")[0] for line in lines] == ["could not run", "weak evidence", "failed"]


def test_executed_failure_of_a_criterion_declared_not_applicable() -> None:
    """An exception does not hide what a check saw."""
    failed = replace(POOLER, outcome=Outcome.FAILED, limit=3, reason="no pooler")
    exempt = criterion("pooler", failed, not_applicable=FULL.inputs.policy.not_applicable[0])
    card = replace(FULL, dimensions=(dimension("4.2", 2, exempt),))
    assert _kinds(_parsed(card))["pooler"] == "failure: failed: no pooler"


def test_what_belongs_to_no_check_is_an_error() -> None:
    """Broken modules, an interruption and a change of build stand in a suite of their own."""
    seal = Seal("2026-11-24T08:03:00Z", 2, broken=("audits/x.py: SyntaxError",), interrupted="SIGINT", invalid="build")
    kinds = _kinds(_parsed(replace(FULL, seal=seal)))
    assert [kinds[name] for name in ("broken 1", "interrupted 2", "invalid 3")] == [
        "error: audits/x.py: SyntaxError",
        "error: SIGINT",
        "error: build",
    ]
    assert _kinds(_parsed(NOTHING)) == {"seal 1": "error: the record was cut short"}


def test_criterion_with_many_checks_lists_the_worst_fifty() -> None:
    """A large criterion is one case of bounded size."""
    failed = replace(POOLER, outcome=Outcome.FAILED, limit=2, reason="12 clients wait")
    card = replace(FULL, dimensions=(dimension("4.2", 2, criterion("pooler", *([POOLER] * 60), failed)),))
    lines = (_parsed(card).findtext(".//system-out") or "").splitlines()
    assert len(lines) == 51
    assert lines[0].startswith("failed L4 ")
    assert lines[-1] == "and 11 more checks"


def test_criterion_of_which_nothing_is_sought_is_skipped() -> None:
    """It is neither a pass nor an error, whatever the gate says."""
    ladder = CriterionResult("chaos", 5, 0, rows=(RowResult("4.6", "chaos", 5, RowState.NOT_SOUGHT, "Faults."),))
    card = replace(FULL, dimensions=(dimension("4.6", 3, ladder),))
    assert _kinds(_parsed(card))["chaos"] == "skipped: not sought"


def test_empty_reason_still_fails() -> None:
    """A failed check that says nothing is not shown as passed."""
    silent = replace(POOLER, outcome=Outcome.FAILED, reason="")
    card = replace(FULL, dimensions=(dimension("4.2", 2, criterion("pooler", silent)),))
    assert _kinds(_parsed(card))["pooler"] == "failure: failed"


@pytest.mark.parametrize("name", CARDS)
def test_valid_xml(name: str) -> None:
    """Every card parses, and hostile text comes out as it is shown."""
    root = _parsed(CARDS[name])
    assert root.tag == "testsuites"
    if name == "hostile":
        service = root.find(".//property[@name='service']")
        assert service is not None
        assert service.get("value") == one_line(HOSTILE.inputs.document.service)
