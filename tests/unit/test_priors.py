"""What of a check's past the prior audit knew, and what only an earlier run at the same commit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.scoring.scoring_cases import DISPOSITIONS, SEALED, check, inputs, passed, skipped

from pytest_backend_audit.comparison import NotComparableError, Side, compare
from pytest_backend_audit.filed import filed, standing_word
from pytest_backend_audit.ledger.speaking import outcome_in
from pytest_backend_audit.model import Card, FiledCard, Outcome, PriorCheck, Severity
from pytest_backend_audit.priors import joined, known_before, past
from pytest_backend_audit.reports.items import standing
from pytest_backend_audit.scoring import score
from pytest_backend_audit.scoring.verdict import comparable, regate

PRIOR = "prior audit 2026-08-01 of 1a2b3c4"
EARLIER = PriorCheck(Outcome.FAILED, 2, "earlier run 001-1a2b3c4")


@pytest.mark.parametrize(
    ("first", "then", "had", "known"),
    [
        (None, EARLIER, False, False),
        (PriorCheck(Outcome.PASSED, 5, PRIOR), None, True, False),
        (PriorCheck(Outcome.PASSED, 5, PRIOR), EARLIER, True, False),
        (PriorCheck(Outcome.FAILED, 3, PRIOR), EARLIER, True, True),
        (PriorCheck(Outcome.COULD_NOT_RUN, 2, PRIOR), None, True, True),
    ],
)
def test_an_earlier_run_makes_a_check_no_older(
    first: PriorCheck | None, then: PriorCheck | None, had: bool, known: bool
) -> None:
    """It may have the word about what failed; whether the prior audit had the check, and a pass of it, stays."""
    made = joined({"x::a": first} if first else {}, {"x::a": then} if then else {})["x::a"]
    assert (made.had, made.known) == (had, known)


def test_an_earlier_run_of_another_environment_hides_no_fall() -> None:
    """Only a check that the prior audit had, and this run left out, may be what held its dimension."""
    made = inputs((check("x::a", 3), check("x::c", 4)), prior={"x::c": EARLIER})
    assert comparable({"4.1": 3}, made.plan, past(made), ("x::c",)) == {"4.1": 3}
    before = {"x::c": PriorCheck(Outcome.PASSED, 5, PRIOR)}
    assert comparable({"4.1": 3}, made.plan, before, ("x::c",)) == {}


def test_a_moved_check_stays_known_in_the_second_run_of_a_commit() -> None:
    """The first one, in which it failed under its new id, makes it no check of the prior audit's."""
    before = {"old.py::a": PriorCheck(Outcome.FAILED, 2, PRIOR)}
    made = inputs((check("new.py::a", 3),), prior=joined(before, {"new.py::a": EARLIER}))
    assert known_before(made) == {"old.py::a", "new.py::a"}


@pytest.mark.parametrize(("level", "limit", "carried"), [(2, 1, PRIOR), (3, 2, "")])
def test_a_failure_is_kept_where_its_file_was_moved(level: int, limit: int, carried: str) -> None:
    """`git mv` mends nothing: what could not run since is filed as the failure that it was under its old name."""
    before = {"old.py::a": PriorCheck(Outcome.FAILED, limit, PRIOR)}
    made = score(inputs((check("new.py::a", level),), prior=before), (skipped("new.py::a"),), SEALED)
    [result] = made.checks
    assert (result.outcome, result.limit, result.carried) == (Outcome.COULD_NOT_RUN, limit, carried)
    [kept] = filed(made, numbers={}, sources=()).checks
    assert standing_word(kept) == (Outcome.FAILED, limit)
    assert outcome_in(made, "new.py::a", "") == "failed"
    assert [item.severity for item in standing(made)] == [Severity.HIGH]


def test_a_failure_at_this_commit_and_one_before_the_move_keep_the_lower_limit() -> None:
    """Whatever the check was called."""
    made = inputs(
        (check("new.py::a", 3),), prior={"old.py::a": PriorCheck(Outcome.FAILED, 1, PRIOR), "new.py::a": EARLIER}
    )
    assert past(made)["new.py::a"] == PriorCheck(Outcome.FAILED, 1, PRIOR, in_prior=True)


def test_a_moved_check_that_a_run_leaves_out_is_not_compared() -> None:
    """Neither by the gate nor by the comparison: it may be what held its dimension."""
    plan = (check("x.py::b", 2), check("new.py::a", 3))
    first = score(inputs((plan[0], check("old.py::a", 3))), (passed("x.py::b"), passed("old.py::a")), SEALED)
    before = {id_: PriorCheck(Outcome.PASSED, 5, PRIOR) for id_ in ("x.py::b", "old.py::a")}
    narrowed = inputs(
        plan, prior=before, prior_levels={"4.1": 3}, selected=("x.py::b",), narrowing=("1 check deselected by -k",)
    )
    now = score(narrowed, (passed("x.py::b"),), SEALED)
    assert now.levels["4.1"] < first.levels["4.1"]
    assert regate(now, DISPOSITIONS, None, no_worse=True).exit_status == 0
    side = Side(replace(card_of(now), left_out=now.left_out), partial=True)
    with pytest.raises(NotComparableError, match="there is no dimension that both looked at"):
        compare(side, Side(card_of(first)))


def card_of(made: Card) -> FiledCard:
    """What is filed of a card."""
    return filed(made, numbers={}, sources=())
