"""From attempts to the outcome and limit of one check."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.scoring.scoring_cases import (
    CODE,
    DOCUMENT,
    MEASURED,
    OUTPUT,
    VERBAL,
    attempt,
    broken,
    check,
    failed,
    passed,
    skipped,
)

from pytest_backend_audit.model import Evidence, EvidenceKind, Outcome, Status
from pytest_backend_audit.scoring.outcomes import SOLID, Execution, settle

O = Outcome  # noqa: E741 - a table reads better narrow


def settled(*attempts, level=3, accepts=SOLID):
    """The result of one check from its attempts in one run."""
    return settle(check("a", level), accepts, [Execution("prod", attempts)])


@pytest.mark.parametrize(
    ("tried", "outcome", "limits"),
    [
        (passed("a"), O.PASSED, [5, 5, 5, 5, 5]),
        (passed("a", VERBAL), O.WEAK, [2, 2, 2, 2, 2]),
        (attempt("a"), O.UNSUPPORTED, [1, 1, 1, 1, 1]),
        (failed("a"), O.FAILED, [1, 1, 2, 3, 4]),
        (skipped("a"), O.COULD_NOT_RUN, [2, 2, 2, 2, 2]),
        (broken("a"), O.BROKEN, [1, 1, 2, 2, 2]),
    ],
)
def test_an_outcome_limits_as_the_design_says(tried, outcome, limits):
    """Each outcome, at each level from 1 to 5, puts the limit of the design's table."""
    results = [settled(tried, level=level) for level in range(1, 6)]
    assert [r.outcome for r in results] == [outcome] * 5
    assert [r.limit for r in results] == limits


@pytest.mark.parametrize(
    ("first", "second", "level", "label", "limit"),
    [
        (failed("a"), broken("a"), 3, O.FAILED, 2),
        (broken("a"), skipped("a"), 4, O.BROKEN, 2),
        (skipped("a"), passed("a", VERBAL), 4, O.COULD_NOT_RUN, 2),
        (failed("a"), attempt("a"), 2, O.FAILED, 1),
        (attempt("a"), broken("a"), 2, O.BROKEN, 1),
        (passed("a", VERBAL), passed("a"), 4, O.WEAK, 2),
        (failed("a"), skipped("a"), 5, O.COULD_NOT_RUN, 2),
        (failed("a"), passed("a"), 5, O.FAILED, 4),
    ],
)
def test_the_lowest_limit_decides_and_ties_follow_the_order_of_outcomes(first, second, level, label, limit):
    """Of two instances the lower limit gives label and limit, whichever came first; a tie goes to the worse label."""
    for attempts in ((first, second), (second, first)):
        result = settled(*attempts, level=level)
        assert (result.outcome, result.limit) == (label, limit)


def test_a_rerun_that_passes_does_not_undo_the_failure():
    """An earlier failed attempt of the call makes the check failed, and its message is the reason."""
    again = [failed("a", reason="p99 was 812 ms", started="1"), passed("a", started="2")]
    result = settled(*again)
    assert (result.outcome, result.reason, len(result.attempts)) == (O.FAILED, "p99 was 812 ms", 2)


@pytest.mark.parametrize(
    ("evidence", "accepts", "outcome", "reason"),
    [
        ([CODE], MEASURED, O.WEAK, "passed, but its evidence (code reference) is not of a kind that is accepted here "
                                   "(output, dashboard, postmortem, load result)"),
        ([CODE, OUTPUT], MEASURED, O.PASSED, ""),
        ([CODE], MEASURED | {EvidenceKind.CODE}, O.PASSED, ""),
        ([DOCUMENT], SOLID, O.PASSED, ""),
        ([VERBAL], SOLID, O.WEAK, "passed, but all its evidence is verbal"),
        ([VERBAL, DOCUMENT], SOLID, O.PASSED, ""),
        ([VERBAL], SOLID | {EvidenceKind.VERBAL}, O.WEAK, "passed, but all its evidence is verbal"),
        ([], SOLID, O.UNSUPPORTED, "passed, but recorded no evidence"),
    ],
)  # fmt: skip
def test_a_pass_is_worth_what_its_evidence_is_worth(evidence, accepts, outcome, reason):
    """A pass needs one piece of evidence of an accepted kind; verbal evidence never is one."""
    result = settled(attempt("a", Status.PASSED, *evidence), accepts=accepts)
    assert (result.outcome, result.reason) == (outcome, reason)


@pytest.mark.parametrize("kind", list(EvidenceKind))
def test_each_kind_but_the_verbal_one_carries_a_pass_where_no_row_says_more(kind):
    """Without a row all kinds are accepted but verbal."""
    expected = O.WEAK if kind is EvidenceKind.VERBAL else O.PASSED
    assert settled(passed("a", Evidence(kind, "seen"))).outcome is expected


def test_a_check_that_was_not_reached_could_not_run():
    """A selected check without any attempt could not run, with the reason "not reached"."""
    result = settled(level=4)
    assert (result.outcome, result.limit, result.reason, result.executed) == (O.COULD_NOT_RUN, 2, "not reached", False)


def test_executed_means_that_there_is_an_answer_about_the_service():
    """Passed, weak, unsupported and failed are executed; could not run and broken are not."""
    tried = [passed("a"), passed("a", VERBAL), attempt("a"), failed("a"), skipped("a"), broken("a")]
    assert [settled(t).executed for t in tried] == [True, True, True, True, False, False]


def test_notes_and_acknowledged_items_of_all_attempts_are_kept_once():
    """Remarks and exceptions of every attempt stand on the result, each once."""
    result = settled(
        passed("a", instance="a[1]", notes=("stale xfail",), acknowledged=("fk:t1",)),
        passed("a", instance="a[2]", notes=("stale xfail",), acknowledged=("fk:t2",)),
    )
    assert (result.notes, result.acknowledged) == (("stale xfail",), ("fk:t1", "fk:t2"))


WHOLE = tuple(replace(passed("a"), instance=f"t.py::a[{n}]") for n in "12")


@pytest.mark.parametrize(
    ("prod", "shown"),
    [
        (Execution("prod", WHOLE), ("prod", "stage")),
        (Execution("prod", WHOLE[:1]), ("prod", "stage")),
        (Execution("prod", WHOLE[:1], left=("t.py::a[2]",)), ("stage",)),
        (Execution("prod", WHOLE[:1], hidden=True), ("stage",)),
        (Execution("prod", WHOLE, hidden=True), ("prod", "stage")),
        (Execution("prod", (WHOLE[0], replace(skipped("a"), instance="t.py::a[2]"))), ("stage",)),
    ],
    ids=["all", "all that it collected", "one was left", "it may not know one", "knows all", "one could not run"],
)
def test_where_a_pass_comes_from(prod: Execution, shown: tuple[str, ...]):
    """From the environments that answered each case that they have; parameters may be an environment's own."""
    result = settle(check("a", 3), SOLID, [prod, Execution("stage", WHOLE)], merged=True)
    assert (result.outcome, result.environments) == (Outcome.PASSED, shown)


def test_two_runs_of_an_environment_together_answer_it():
    """Each narrowed to one of the cases, or one of them whole, and the other anew."""
    runs = [Execution("prod", WHOLE[:1], hidden=True), Execution("prod", WHOLE[1:], hidden=True)]
    assert settle(check("a", 3), SOLID, [*runs, Execution("stage", WHOLE)], merged=True).environments == (
        "prod",
        "stage",
    )


def test_what_became_of_each_case():
    """By environment, with the name cut where it is long; an answer takes the place of what could not run there."""
    long = "x" * 200
    runs = [
        Execution("prod", (replace(skipped("a"), instance="t.py::a[1]"), replace(failed("a"), instance="t.py::a[2]"))),
        Execution("prod", (replace(passed("a"), instance="t.py::a[1]"),)),
        Execution("stage", (replace(passed("a", VERBAL), instance=f"t.py::a[{long}]"), passed("a"))),
    ]
    cases = settle(check("a", 3), SOLID, runs, merged=True).cases
    (name,) = cases["stage"]
    assert cases == {"prod": {"[1]": O.PASSED, "[2]": O.FAILED}, "stage": {name: O.WEAK}}
    assert (len(name), name[:10], name[-1]) == (100, "[xxxxxxxxx", "]")
    empty = Execution("prod", (replace(skipped("a"), instance="t.py::a[NOTSET]"),))
    assert settle(check("a", 3), SOLID, [empty]).cases == {}  # pytest's word for no parameters at all


def test_what_became_of_a_check_in_each_environment():
    """By itself: a failure of one is none of another, and a pass of some instances is no pass."""
    other = replace(skipped("a"), instance="t.py::a[replica]")
    runs = [
        Execution("stage", (WHOLE[0], other)),
        Execution("prod", WHOLE),
        Execution("canary", (WHOLE[0],), left=("t.py::a[2]",)),
        Execution("demo", (WHOLE[0], replace(failed("a"), instance="t.py::a[2]"))),
    ]
    result = settle(check("a", 3), SOLID, runs, merged=True)
    assert list(result.alone.items()) == [
        ("canary", O.COULD_NOT_RUN),
        ("demo", O.FAILED),
        ("prod", O.PASSED),
        ("stage", O.COULD_NOT_RUN),
    ]
    assert settle(check("a", 3), SOLID, runs).alone == {}
