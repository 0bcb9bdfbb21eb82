"""Of a check with several parts or cases: which attempt decides, what it recorded, and what else did not pass."""

from __future__ import annotations

from dataclasses import replace

from unit.scoring.scoring_cases import CODE, DOCUMENT, OUTPUT, attempt, check, failed, passed

from pytest_backend_audit import several
from pytest_backend_audit.model import Attempt, CheckResult, Status
from pytest_backend_audit.reports.facts import evidence_of
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
