"""The remediation queue."""

from __future__ import annotations

import hashlib
import json

import pytest
from unit.scoring.scoring_cases import (
    CODE,
    OUTPUT,
    SEALED,
    VERBAL,
    all_at,
    attempt,
    broken,
    check,
    failed,
    inputs,
    passed,
    row,
    skipped,
    standard,
)

from pytest_backend_audit import scoring
from pytest_backend_audit.findings import fingerprint
from pytest_backend_audit.model import Evidence, EvidenceKind, Finding, Outcome, Page, PriorCheck, Severity, Status

PAGE = Page(
    claim="Foreign keys lead an index.",
    impact="Deleting a customer locks the orders table.",
    remediation="Create the index concurrently.",
    verification="Run the check again.",
    effort="S",
)


def queue(plan, attempts, *rows, **fields):
    """The findings of dimension 4.1 alone, as a standard of one dimension has them."""
    rules = standard(*rows, ids=(fields.pop("id_", "4.1"),))
    return scoring.score(inputs(plan, rules=rules, loaded=bool(rows), **fields), attempts, SEALED).findings


def test_a_finding_has_all_twelve_fields():
    """Everything the standard's section 7 asks for, from the check, its page, audit.yaml and the disposition."""
    plan = [check("audit/fk.py::test_fk", 3, "4.1", "fk", page=PAGE, location="audit/fk.py:12"), check("ok", 2)]
    tried = [failed("audit/fk.py::test_fk", "3 foreign keys without an index: a, b, c\nlimit 0"), passed("ok")]
    mark = hashlib.sha256(json.dumps(["backend-systems", "4.1", "fk", "audit/fk.py::test_fk"]).encode()).hexdigest()
    made, attempts = all_at(3, policy={"owners": {"4.1": "Ada"}})
    made = inputs([*made.plan, *plan], policy={"owners": {"4.1": "Ada"}, "weights": {"4.1": "100"}})
    card = scoring.score(made, [*attempts, *tried], SEALED)
    assert card.disposition.id == "significant-technical-debt"
    assert card.findings[0] == Finding(
        id=mark[:8],
        fingerprint=mark,
        dimension="4.1",
        dimension_name="Query Performance",
        severity=Severity.HIGH,
        observed=2,
        target=3,
        title="fk L3 failed: 3 foreign keys without an index: a, b, c",
        evidence="3 foreign keys without an index: a, b, c\nlimit 0\noutput: SHOW log_min_duration_statement\n250ms",
        impact="Deleting a customer locks the orders table.",
        effort="S",
        remediation="Create the index concurrently.",
        owner="Ada",
        due="2026-09-14",
        verification="Run the check again.",
        criterion="fk",
        check="audit/fk.py::test_fk",
        outcome="failed",
        location="audit/fk.py:12",
    )


def test_what_a_page_does_not_say_is_not_stated():
    """Impact, effort, remediation, verification and owner are never empty; a due date is, if there is none."""
    found = queue([check("t.py::test_x", 3)], [skipped("t.py::test_x", "no pooler")], policy={"weights": {"4.1": "1"}})
    told = found[0]
    assert [told.impact, told.effort, told.remediation, told.verification, told.owner] == ["not stated"] * 5
    assert (told.due, told.title, told.evidence) == ("", "test_x L3 could not run: no pooler", "no pooler")


@pytest.mark.parametrize(
    ("tried", "level", "severity", "blocking"),
    [
        (failed("a"), 2, "high", "critical"),
        (failed("a"), 3, "high", "high"),
        (failed("a"), 4, "medium", "medium"),
        (failed("a"), 5, "low", "low"),
        (skipped("a"), 2, "medium", "medium"),
        (skipped("a"), 3, "medium", "medium"),
        (skipped("a"), 4, "low", "low"),
        (attempt("a"), 4, "high", "critical"),
        (broken("a"), 2, "high", "critical"),
        (broken("a"), 3, "low", "low"),
        (passed("a", VERBAL), 3, "low", "low"),
    ],
)
def test_severity_follows_from_limit_level_and_dimension(tried, level, severity, blocking):
    """Critical is a limit of 1 where L1 blocks, high is that elsewhere and failed L2 and L3, and so on down."""
    for id_, expected in (("4.1", severity), ("4.7", blocking)):
        found = queue([check("a", level, id_)], [tried], id_=id_)
        assert [(f.check, f.severity.value) for f in found] == [("a", expected)]


def test_each_outcome_but_passed_makes_one_finding():
    """Failed, broken, could not run, weak and unsupported checks make one each; a passed one none."""
    plan = [check(id_, 5) for id_ in ("pass", "fail", "broken", "skip", "weak", "none", "never")]
    tried = [
        passed("pass"),
        failed("fail"),
        broken("broken"),
        skipped("skip"),
        passed("weak", VERBAL),
        attempt("none"),
    ]
    found = queue(plan, tried)
    assert [(f.check, f.outcome, f.severity.value) for f in found] == [
        ("none", "unsupported", "high"),
        ("fail", "failed", "low"),
        ("broken", "broken", "low"),
        ("skip", "could-not-run", "low"),
        ("weak", "weak", "low"),
        ("never", "could-not-run", "low"),
    ]
    assert [f.title for f in found] == [
        "none L5 has no evidence: passed, but recorded no evidence",
        "fail L5 failed: 3 foreign keys without an index",
        "broken L5 is broken: KeyError: 'x'",
        "skip L5 could not run: no server",
        "weak L5 has weak evidence: passed, but all its evidence is verbal",
        "never L5 could not run: not reached",
    ]


def test_all_uncovered_rows_of_a_dimension_make_one_finding():
    """They are named together, with the reason for which a bundled check was left out."""
    rows = (row("4.1", "fk", 3), row("4.1", "plans", 4), row("4.1", "logging", 2))
    plan = [check("a", 2, criterion="logging")]
    found = queue(plan, [passed("a")], *rows, policy={"leave_out": {"fk": "our ORM makes them"}})
    assert len(found) == 1
    told = found[0]
    assert (told.check, told.criterion, told.outcome, told.severity) == (
        "coverage",
        "",
        "could-not-run",
        Severity.MEDIUM,
    )
    assert told.title == "2 rows of Query Performance without a check"
    assert told.evidence == ("could not run: no check addresses fk L3, plans L4\nfk is left out: our ORM makes them")
    assert (told.observed, told.target) == (2, 3)
    assert told.fingerprint == fingerprint("backend-systems", "4.1", "", "coverage")


def test_uncovered_rows_from_level_four_are_low():
    """One row, above L3."""
    plan = [check("a", 2, criterion="logging")]
    found = queue(plan, [passed("a")], row("4.1", "plans", 4), row("4.1", "logging", 2))
    assert [(f.title, f.severity.value) for f in found] == [("1 row of Query Performance without a check", "low")]


@pytest.mark.parametrize(
    ("top", "id_", "title", "severity"),
    [
        (3, "4.1", "nothing proves L4 of Query Performance", "low"),
        (2, "4.1", "nothing proves L3 of Query Performance", "low"),
        (1, "4.1", "nothing proves L2 of Query Performance", "high"),
        (1, "4.7", "nothing proves L2 of Security", "critical"),
    ],
)
def test_a_dimension_up_to_three_without_any_finding_gets_one(top, id_, title, severity):
    """The standard asks for a finding for every dimension at 3 or below."""
    plan = [check(f"a{n}", n, id_) for n in range(2, top + 1)]
    found = queue(plan, [passed(c.id) for c in plan], id_=id_)
    assert [(f.check, f.title, f.severity.value, f.observed, f.target) for f in found] == [
        ("proof", title, severity, top, top + 1)
    ]


def test_a_dimension_that_only_the_missing_signature_holds_at_three_has_none():
    """Findings look at the level before the reviewer's cap."""
    made, attempts = all_at(4)
    assert scoring.score(made, attempts, SEALED).findings == ()


def test_a_target_is_never_above_what_is_sought():
    """Seeking 3, a dimension at 3 aims at 3."""
    found = queue([check("a", 3)], [passed("a")], policy={"sought": {"4.1": 3}})
    assert [(f.observed, f.target, f.title) for f in found] == [(3, 3, "Query Performance: only L3 is sought")]


def test_a_partial_run_has_findings_of_its_checks_only():
    """What it did not set out to look at is not its finding."""
    rows = (row("4.1", "fk", 3), row("4.1", "plans", 4))
    plan = [check("a", 3, criterion="fk"), check("b", 3)]
    found = queue(plan, [failed("a")], *rows, narrowing=("-k a",), selected=("a",))
    assert [f.check for f in found] == ["a"]


def test_findings_stand_by_severity_then_in_the_order_of_the_walk():
    """Worst first; among equals the standard's order of dimensions, then that of the plan."""
    plan = [
        check("z", 3, "4.2"),
        check("y", 3, "4.1"),
        check("x", 3, "4.1"),
        check("w", 4, "4.1"),
        check("v", 2, "4.7"),
    ]
    made = inputs(plan, rules=standard(ids=("4.1", "4.2", "4.7")))
    card = scoring.score(made, [failed(c.id) for c in plan], SEALED)
    assert [f.check for f in card.findings] == ["v", "y", "x", "z", "w"]


def test_a_carried_failure_says_where_it_comes_from():
    """A check that could not run, and failed before, tells both and has the severity of its limit."""
    prior = {"a": PriorCheck(Outcome.FAILED, 1, "prior audit 2026-05-01")}
    found = queue([check("a", 2)], [skipped("a")], prior=prior)
    assert found[0].severity is Severity.HIGH
    assert found[0].evidence == "no server\nit could not run this time, and failed in prior audit 2026-05-01"


def test_long_evidence_is_cut_and_counted():
    """Three pieces are quoted, each bounded; the rest is counted. A title stays on one line."""
    pieces = [*([CODE] * 4), OUTPUT]
    long = attempt("a", Status.FAILED, *pieces, reason="x" * 2000)
    told = queue([check("a", 3)], [long])[0]
    lines = told.evidence.split("\n")
    assert (len(lines[0]), lines[0][-1]) == (1000, "…")
    assert lines[1:] == ["code: orders/api.py:12"] * 3 + ["and 2 more pieces of evidence"]
    assert (len(told.title), told.title[-1]) == (160, "…")


def test_what_the_reason_names_is_quoted_first():
    """Three refused requests before it told the opposite of what the check had found."""
    refused = [Evidence(EvidenceKind.OUTPUT, f"GET /v1/orders/{n}", "401") for n in range(3)]
    open_ = Evidence(EvidenceKind.OUTPUT, "GET /v1/admin", "200")
    reason = "1 of 4 operations asks for no credentials: GET /v1/admin answered 200"
    told = queue([check("a", 3)], [attempt("a", Status.FAILED, *refused, open_, reason=reason)])[0]
    assert told.evidence.split("\n") == [
        reason,
        "output: GET /v1/admin",
        "200",
        "output: GET /v1/orders/0",
        "401",
        "output: GET /v1/orders/1",
        "401",
        "and 1 more pieces of evidence",
    ]


def test_evidence_is_that_of_the_attempt_that_failed():
    """Of several instances, whichever came first: a critical finding doesn't open with what went well."""
    tried = [
        attempt("a", Status.PASSED, CODE, instance="a[1]"),
        attempt("a", Status.COULD_NOT_RUN, VERBAL, reason="no server", instance="a[2]"),
        attempt("a", Status.FAILED, OUTPUT, reason="bare", instance="a[3]"),
    ]
    [told] = queue([check("a", 2, "4.6")], tried, id_="4.6")
    assert told.severity is Severity.CRITICAL
    assert told.evidence == "bare\noutput: SHOW log_min_duration_statement\n250ms"


def test_a_fingerprint_stays_the_same_whatever_the_outcome():
    """The same check of the same criterion is the same finding, failed or skipped; another criterion is another."""
    first = queue([check("a", 3, criterion="fk")], [failed("a")])[0]
    again = queue([check("a", 4, criterion="fk")], [skipped("a")])[0]
    other = queue([check("a", 3, criterion="pk")], [failed("a")])[0]
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.id == first.fingerprint[:8]
