"""What of a check's past the prior audit knew, and what only an earlier run at the same commit."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.scoring.scoring_cases import SEALED, check, inputs, skipped

from pytest_backend_audit.history import joined
from pytest_backend_audit.model import Outcome, PriorCheck
from pytest_backend_audit.scoring import score
from pytest_backend_audit.scoring.verdict import comparable
from pytest_backend_audit.worse import known_before

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
    assert comparable(made, {"4.1": 3}, ("x::c",)) == {"4.1": 3}
    before = {"x::c": PriorCheck(Outcome.PASSED, 5, PRIOR)}
    assert comparable(replace(made, prior=before), {"4.1": 3}, ("x::c",)) == {}


def test_a_moved_check_stays_known_in_the_second_run_of_a_commit() -> None:
    """The first one, in which it failed under its new id, makes it no check of the prior audit's."""
    before = {"old.py::a": PriorCheck(Outcome.FAILED, 2, PRIOR)}
    made = inputs((check("new.py::a", 3),), prior=joined(before, {"new.py::a": EARLIER}))
    assert known_before(made) == {"old.py::a", "new.py::a"}


def test_a_failure_is_kept_where_its_file_was_moved() -> None:
    """`git mv` mends nothing: what could not run since keeps the limit of its failure, as under its old name."""
    before = {"old.py::a": PriorCheck(Outcome.FAILED, 1, PRIOR)}
    made = inputs((check("new.py::a", 2),), prior=before)
    [result] = score(made, (skipped("new.py::a"),), SEALED).checks
    assert (result.outcome, result.limit, result.carried) == (Outcome.COULD_NOT_RUN, 1, PRIOR)
    assert comparable(made, {"4.1": 2}, ("new.py::a",)) == {}
