"""From collected marks to a plan: checks, their order, and what is wrong."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from unit.scoring.scoring_cases import row, standard

from pytest_backend_audit.model import Check, Need, Page
from pytest_backend_audit.plan import Marked, Phase, build

STANDARD = standard(
    row("4.1", "query-logging", 2),
    row("4.1", "query-logging", 3),
    row("4.1", "foreign-key-indexes", 3),
    row("4.3", "hit-rate", 2),
    pending=("4.1/index-hygiene/L4", "4.10/elsewhere/L2"),
)


def marked(name: str, *marks: dict[str, Any], parameters: str = "", **fields: Any) -> Marked:
    """One collected test."""
    return Marked(
        nodeid=f"test_x.py::{name}{parameters}",
        base=f"test_x.py::{name}",
        location=f"test_x.py:{len(name)}",
        page=Page(claim=name),
        bundled=False,
        marks=tuple(((), mark) for mark in marks),
        **fields,
    )


def mark(dimension: str = "4.1", level: int = 3, **more: Any) -> dict[str, Any]:
    """Keywords of a mark."""
    return {"dimension": dimension, "level": level, **more}


def test_a_mark_becomes_a_check() -> None:
    """With everything that the mark and the collector know."""
    plan = build([marked("a", mark(criterion="query-logging", needs=("load",)))], STANDARD, loaded=True)
    assert plan.problems == ()
    assert plan.checks == (
        Check(
            id="test_x.py::a",
            dimension="4.1",
            level=3,
            criterion="query-logging",
            needs=(Need.LOAD,),
            location="test_x.py:1",
            page=Page(claim="a"),
        ),
    )
    assert plan.of_node == {"test_x.py::a": ("test_x.py::a",)}


def test_the_walk_is_in_the_standards_order() -> None:
    """Dimension, criterion, level; then what the standard does not know; disturbing checks last."""
    tests = [
        marked("disturbs", mark(criterion="query-logging", level=2, needs=("writes",))),
        marked("own", mark()),
        marked("rate", mark("4.3", 2, criterion="hit-rate")),
        marked("keys", mark(criterion="foreign-key-indexes")),
        marked("log3", mark(criterion="query-logging")),
        marked("log2", mark(level=2, criterion="query-logging")),
    ]
    wanted = ["log2", "log3", "keys", "own", "rate", "disturbs"]
    for order in itertools.permutations(tests):
        plan = build(order, STANDARD, loaded=True)
        assert [c.id.rpartition("::")[2] for c in plan.checks] == wanted


def test_instances_are_one_check() -> None:
    """A function's parameter sets share their check."""
    tests = [marked("a", mark(), parameters=f"[{n}]") for n in range(3)]
    plan = build(tests, STANDARD, loaded=True)
    assert [c.id for c in plan.checks] == ["test_x.py::a"]
    assert plan.of_node == {f"test_x.py::a[{n}]": ("test_x.py::a",) for n in range(3)}
    assert plan.problems == ()


def test_parameter_sets_that_disagree() -> None:
    """One check has one level; the place is told once."""
    tests = [marked("a", parameters=f"[{n}]", parameter_marks=(((), mark(level=n)),)) for n in (2, 3, 3)]
    assert build(tests, STANDARD, loaded=True).problems == (
        "test_x.py:1: audit marks of test_x.py::a's parameter sets disagree; "
        "one check has one dimension, level, criterion and needs",
    )


def test_a_parameter_sets_mark_must_agree_with_the_functions() -> None:
    """The same again is fine, another one is not."""
    same = marked("a", mark(), parameter_marks=(((), mark()),))
    other = marked("a", mark(), parameter_marks=(((), mark(level=4)),))
    assert build([same], STANDARD, loaded=True).problems == ()
    assert build([other], STANDARD, loaded=True).problems == (
        "test_x.py:1: the audit mark of a parameter set differs from its function's; they must agree",
    )


def test_two_marks_are_two_checks() -> None:
    """Each named by its criterion."""
    both = marked("a", mark(criterion="query-logging"), mark("4.3", 2, criterion="hit-rate"))
    plan = build([both], STANDARD, loaded=True)
    assert plan.problems == ()
    assert plan.of_node == {"test_x.py::a": ("test_x.py::a@query-logging", "test_x.py::a@hit-rate")}
    assert [(c.id, c.dimension, c.level) for c in plan.checks] == [
        ("test_x.py::a@query-logging", "4.1", 3),
        ("test_x.py::a@hit-rate", "4.3", 2),
    ]


@pytest.mark.parametrize("second", [mark(criterion="query-logging", level=2), mark(level=2)])
def test_two_marks_must_name_different_criteria(second: dict[str, Any]) -> None:
    """Neither the same one twice, nor one without."""
    plan = build([marked("a", mark(criterion="query-logging"), second)], STANDARD, loaded=True)
    assert plan.problems == ("test_x.py:1: two audit marks on one function must name different criteria",)


@pytest.mark.parametrize(
    ("keywords", "problem"),
    [
        (
            mark("4.9"),
            "dimension is '4.9'; the standard has 4.1, 4.2, 4.3, 4.4, 4.5, 4.6, 4.7, 4.8",
        ),
        (
            mark(criterion="foreign-key-index"),
            "criterion 'foreign-key-index' is not in the standard; did you mean foreign-key-indexes? "
            "`backend-audit standard show --dimension 4.1` lists them, and audit.yaml `criteria:` declares your own",
        ),
        (
            mark(criterion="zzz"),
            "criterion 'zzz' is not in the standard; "
            "`backend-audit standard show --dimension 4.1` lists them, and audit.yaml `criteria:` declares your own",
        ),
        (mark(criterion="hit-rate"), "criterion 'hit-rate' belongs to dimension 4.3, not 4.1"),
        (
            mark(criterion="elsewhere"),
            "criterion 'elsewhere' is not in the standard; "
            "`backend-audit standard show --dimension 4.1` lists them, and audit.yaml `criteria:` declares your own",
        ),
        (mark(level=9), "level is 9; it is a whole number from 1 to 5"),
    ],
)
def test_marks_that_make_no_sense(keywords: dict[str, Any], problem: str) -> None:
    """With file, line and the way out."""
    assert build([marked("a", keywords)], STANDARD, loaded=True).problems == (f"test_x.py:1: audit mark: {problem}",)


@pytest.mark.parametrize("criterion", ["index-hygiene", "ours", "query-logging", None])
def test_criteria_that_are_known(criterion: str | None) -> None:
    """The standard's, those whose bundled check is still to come, and those that audit.yaml declares."""
    plan = build([marked("a", mark(criterion=criterion))], STANDARD, loaded=True, declared=("ours",))
    assert plan.problems == ()


def test_any_criterion_will_do_without_the_standard() -> None:
    """A suite's own criteria need no declaration; dimensions are still the standard's."""
    assert build([marked("a", mark(criterion="anything"))], STANDARD, loaded=False).problems == ()
    assert len(build([marked("a", mark("9.9"))], STANDARD, loaded=False).problems) == 1


def test_tests_run_in_phases() -> None:
    """Windows of bundled checks before all that reads; what nobody knows after what is known; disturbers alone."""
    tests = [
        marked("window", mark(), shipped=True, watches=True),
        marked("bundled", mark(), shipped=True),
        marked("own", mark()),
        marked("own_window", mark(), watches=True),
        marked("load", mark(needs=("load",)), parameters="[1]"),
        marked("load", mark(needs=("load",)), parameters="[2]", shipped=True, watches=True),
        marked("two", mark(criterion="query-logging"), mark("4.3", 2, criterion="hit-rate", needs=("faults",))),
    ]
    found = {
        node.removeprefix("test_x.py::"): phase for node, phase in build(tests, STANDARD, loaded=True).phases.items()
    }
    assert found == {
        "window": Phase.WATCHING,
        "bundled": Phase.BUNDLED,
        "own": Phase.OWN,
        "own_window": Phase.ALONE,
        "load[1]": Phase.ALONE,
        "load[2]": Phase.ALONE,
        "two": Phase.ALONE,
    }


def test_nothing_collected_is_an_empty_plan() -> None:
    """No checks, no problems."""
    plan = build([], STANDARD, loaded=True)
    assert (plan.checks, plan.of_node, plan.problems, plan.phases) == ((), {}, (), {})
