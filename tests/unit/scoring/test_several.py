"""Of a check with several parts or cases: which attempt decides, what it recorded, and what else did not pass."""

from __future__ import annotations

from dataclasses import replace

from unit.scoring.scoring_cases import (
    CODE,
    DOCUMENT,
    OUTPUT,
    SEALED,
    VERBAL,
    attempt,
    check,
    failed,
    inputs,
    passed,
    standard,
)

from pytest_backend_audit import several
from pytest_backend_audit.model import Attempt, CheckResult, Evidence, Status
from pytest_backend_audit.reports.facts import evidence_of
from pytest_backend_audit.scoring import score
from pytest_backend_audit.scoring.outcomes import SOLID, Execution, settle


def settled(*attempts: Attempt) -> CheckResult:
    """The result of one run's attempts at a check of level 3."""
    return settle(check("t.py::a", 3), SOLID, [Execution("", attempts)])


def part(name: str, reason: str, status: Status = Status.FAILED, whole: str = "t.py::a", **fields: str) -> Attempt:
    """A part that did not pass: it has no evidence of its own."""
    return attempt("t.py::a", status, instance=f"{whole} {name}", reason=reason, **fields)


def test_a_part_has_the_evidence_of_its_own_test():
    """Of the same case and the same go at it, also behind xdist's group; never that of another case that went well."""
    for whole in ("t.py::a[2]", "t.py::a[2]@group"):
        for name in ("subtest 1", "part 2", "teardown"):
            tried = (
                passed("t.py::a", CODE, instance="t.py::a[1]"),
                passed("t.py::a", DOCUMENT, instance=whole, started="2026-08-31T10:00:00Z"),
                passed("t.py::a", OUTPUT, instance=whole, started="2026-08-31T10:00:09Z"),
                part(name, "bare", whole=whole, started="2026-08-31T10:00:09Z"),
            )
            assert several.evidence(settled(*tried)) == (OUTPUT,)


def test_evidence_of_its_own_stands():
    """What decides and has recorded something is quoted with that; where nobody recorded anything there is nothing."""
    own = replace(failed("t.py::a", instance="t.py::a subtest 1"), evidence=(CODE,))
    assert several.evidence(settled(passed("t.py::a", OUTPUT, instance="t.py::a"), own)) == (CODE,)
    assert several.evidence(settled(part("subtest 1", "bare"))) == ()
    assert several.evidence(settled()) == ()


def test_what_a_test_with_a_failed_part_recorded_is_shown_before_that_of_cases_that_passed():
    """As reports do with what an attempt recorded that failed itself."""
    tried = (
        passed("t.py::a", CODE, instance="t.py::a[1]"),
        passed("t.py::a", OUTPUT, instance="t.py::a[2]"),
        part("subtest 1", "bare", whole="t.py::a[2]"),
    )
    assert evidence_of(settled(*tried)) == [OUTPUT, CODE]


def case(name: str, status: Status = Status.FAILED, reason: str = "", *pieces: Evidence) -> Attempt:
    """One of a check's cases."""
    return attempt("t.py::a", status, *(pieces or (OUTPUT,)), instance=f"t.py::a[{name}]", reason=reason)


def test_cases_that_did_not_pass_are_named_with_what_each_says():
    """First the one that decides; a reason that begins a list has the list's first item, as in a title."""
    result = settled(
        case("customers", Status.PASSED),
        case("invoices", Status.COULD_NOT_RUN, "no right"),
        case("orders", Status.FAILED, "2 columns are wide:\n- note\n- body"),
        case("refunds", Status.BROKEN, "KeyError: 'x'\nsecond line"),
    )
    assert several.told(result) == [
        "3 of 4 cases did not pass: [orders], [refunds], [invoices]",
        "[orders]: 2 columns are wide: note and 1 more",
        "[refunds]: KeyError: 'x'",
        "[invoices]: no right",
    ]
    assert several.besides(result) == "2 more cases"


def test_a_case_without_evidence_says_so():
    """It passed, and counts as not passed; so does one with nothing but words."""
    bare = attempt("t.py::a", instance="t.py::a[1]")
    assert several.told(settled(bare, case("2", Status.PASSED, "", VERBAL), case("3", Status.PASSED))) == [
        "2 of 3 cases did not pass: [1], [2]",
        "[1]: no evidence",
        "[2]: weak evidence",
    ]


def test_one_case_that_did_not_pass_is_not_told_twice():
    """The reason tells it; neither is one that passes, or a check without cases."""
    for tried in ((case("1"), case("2", Status.PASSED)), (case("1", Status.PASSED),), (failed("t.py::a"),), ()):
        assert (several.told(settled(*tried)), several.besides(settled(*tried))) == ([], "")


def test_many_cases_are_counted_and_long_ones_cut():
    """Five have a line of at most 160 characters, and a name of at most 40."""
    lines = several.told(settled(*(case(f"{n}{'x' * 80}", reason="y" * 300) for n in range(8))))
    names = [f"[{n}{'x' * 37}…" for n in range(5)]
    assert lines == [
        f"8 of 8 cases did not pass: {', '.join(names)} and 3 more",
        *(f"{n}: {'y' * 117}…" for n in names),
    ]
    assert {len(line) for line in lines[1:]} == {160}


def test_parts_that_did_not_pass_are_named():
    """Of a test without cases, and of the one case that did not pass; the second stands before the tenth."""
    for whole, of in (("t.py::a", ""), ("t.py::a[2]", " of [2]")):
        parts = [part(f"subtest {n}", f"{n} is bare", whole=whole) for n in (10, 2, 1)]
        end = part("teardown", "not clean", Status.BROKEN, whole)
        result = settled(case("1", Status.PASSED), passed("t.py::a", instance=whole), *parts, end)
        assert several.told(result) == [
            f"4 parts{of} did not pass: subtest 1, subtest 2, subtest 10, teardown",
            "subtest 1: 1 is bare",
            "subtest 2: 2 is bare",
            "subtest 10: 10 is bare",
            "teardown: not clean",
        ]
        assert several.besides(result) == "3 more parts"


def test_a_test_that_failed_beside_its_parts_is_named_too():
    """As one whose teardown breaks as well."""
    result = settled(failed("t.py::a", instance="t.py::a"), part("teardown", "", Status.BROKEN))
    assert several.told(result) == [
        "2 parts did not pass: the test itself, teardown",
        "the test itself: 3 foreign keys without an index",
        "teardown: no reason given",
    ]
    assert several.besides(result) == "1 more part"


def test_another_go_at_a_test_is_no_part_of_it():
    """A rerun that fails again says it again."""
    tried = (
        replace(failed("t.py::a", "twice"), started="2026-08-31T10:00:00Z"),
        replace(failed("t.py::a", "twice"), started="2026-08-31T10:00:09Z"),
    )
    assert several.told(settled(*tried)) == []


def test_what_another_environment_answered_did_pass():
    """A case that could not run in one of them is none of those that did not pass; one that failed there is."""
    runs = [
        Execution("prod", (case("1", Status.COULD_NOT_RUN, "no right"), case("2", reason="bare"), case("3"))),
        Execution("stage", (case("1", Status.PASSED), case("2", Status.PASSED))),
    ]
    assert several.told(settle(check("t.py::a", 3), SOLID, runs, merged=True)) == [
        "2 of 3 cases did not pass: [2], [3]",
        "[2]: bare",
        "[3]: no reason given",
    ]


def test_evidence_of_a_finding_begins_with_the_cases():
    """The reason of the one that decides follows in full, and what it recorded; the title is the same as without."""
    tried = [case("1", reason="bare\nlimit 0"), case("2", reason="bald")]
    rules = standard(ids=("4.1",))
    (told,) = score(inputs([check("t.py::a", 3)], rules=rules), tried, SEALED).findings
    assert told.title == "a L3 failed: bare"
    assert told.evidence.splitlines() == [
        "2 of 2 cases did not pass: [1], [2]",
        "[1]: bare",
        "[2]: bald",
        "bare",
        "limit 0",
        "output: SHOW log_min_duration_statement",
        "250ms",
    ]
