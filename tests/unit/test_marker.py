"""The marker: which marks are ours, what their arguments may be, and what a docstring tells."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_backend_audit import audit
from pytest_backend_audit.marker import is_ours, read_mark, read_page
from pytest_backend_audit.model import Need, Page

GOOD = {"dimension": "4.1", "level": 3}


def test_audit_is_the_marker() -> None:
    """The public name and pytest.mark make equal marks."""
    ours = audit(dimension="4.1", level=3, criterion="hit-rate", needs=("load",))
    assert ours.mark == pytest.mark.audit(dimension="4.1", level=3, criterion="hit-rate", needs=("load",)).mark


@pytest.mark.parametrize(
    ("kwargs", "ours"),
    [
        ({}, False),
        ({"reason": "quarterly"}, False),
        ({"name": "x", "owner": "y"}, False),
        ({"dimension": "4.1"}, True),
        ({"level": 3, "reason": "x"}, True),
        ({"criterion": "x"}, True),
        ({"needs": ()}, True),
        ({"dimenson": "4.1"}, True),
        ({"levle": 3}, True),
        ({"criteria": "x"}, True),
        ({"need": ("load",)}, True),
    ],
)
def test_only_marks_with_our_keywords_are_ours(kwargs: dict[str, Any], ours: bool) -> None:
    """Another team's ``audit`` mark is left alone; a misspelling of ours is not."""
    assert is_ours(pytest.mark.audit("x", **kwargs).mark) is ours


@pytest.mark.parametrize(
    ("kwargs", "criterion", "needs"),
    [
        ({}, None, ()),
        ({"criterion": None, "needs": []}, None, ()),
        ({"criterion": "hit-rate"}, "hit-rate", ()),
        ({"criterion": "4xx-rate"}, "4xx-rate", ()),
        ({"needs": ("probes", "load", "load")}, None, (Need.LOAD, Need.PROBES)),
        ({"needs": {Need.FAULTS}}, None, (Need.FAULTS,)),
    ],
)
def test_good_arguments(kwargs: dict[str, Any], criterion: str | None, needs: tuple[Need, ...]) -> None:
    """Needs come in one order, each once."""
    values, problems = read_mark((), {**GOOD, **kwargs})
    assert problems == []
    assert values == {"dimension": "4.1", "level": 3, "criterion": criterion, "needs": needs}


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_levels_are_1_to_5(level: int) -> None:
    """All five, and no other."""
    values, problems = read_mark((), {**GOOD, "level": level})
    assert (values or {}).get("level") == level
    assert problems == []


@pytest.mark.parametrize(
    ("args", "kwargs", "problem"),
    [
        (("4.1", 3), GOOD, "takes keywords only, found '4.1'; write audit(dimension=..., level=...)"),
        ((), {"level": 3}, "dimension is missing; it is a text such as '4.2'"),
        ((), {**GOOD, "dimension": 4.1}, "dimension is 4.1; it is a text such as '4.2'"),
        ((), {**GOOD, "dimension": ""}, "dimension is ''; it is a text such as '4.2'"),
        ((), {"dimension": "4.1"}, "level is missing; it is a whole number from 1 to 5"),
        ((), {**GOOD, "level": 0}, "level is 0; it is a whole number from 1 to 5"),
        ((), {**GOOD, "level": 6}, "level is 6; it is a whole number from 1 to 5"),
        ((), {**GOOD, "level": "3"}, "level is '3'; it is a whole number from 1 to 5"),
        ((), {**GOOD, "level": 3.0}, "level is 3.0; it is a whole number from 1 to 5"),
        ((), {**GOOD, "level": True}, "level is True; it is a whole number from 1 to 5"),
        (
            (),
            {**GOOD, "criterion": "Hit Rate"},
            "criterion is 'Hit Rate'; it is a name such as 'hit-rate' (lower case, digits, dashes)",
        ),
        (
            (),
            {**GOOD, "criterion": "hit-rate\n"},
            "criterion is 'hit-rate\\n'; it is a name such as 'hit-rate' (lower case, digits, dashes)",
        ),
        ((), {**GOOD, "criterion": 7}, "criterion is 7; it is a name such as 'hit-rate' (lower case, digits, dashes)"),
        ((), {**GOOD, "needs": "load"}, "needs is 'load'; it is a tuple such as ('load',)"),
        ((), {**GOOD, "needs": 5}, "needs is 5; it is a tuple such as ('load',)"),
        ((), {**GOOD, "needs": ("fire",)}, "needs holds 'fire'; allowed are load, writes, faults, probes"),
        ((), {**GOOD, "needs": (["load"],)}, "needs holds ['load']; allowed are load, writes, faults, probes"),
        ((), {**GOOD, "critrion": "x"}, "unknown keyword 'critrion'; did you mean criterion?"),
        ((), {**GOOD, "owner": "x"}, "unknown keyword 'owner'; allowed are dimension, level, criterion, needs"),
    ],
)
def test_wrong_arguments(args: tuple[Any, ...], kwargs: dict[str, Any], problem: str) -> None:
    """Each with what was found and what is allowed."""
    assert read_mark(args, kwargs) == (None, [problem])


def test_a_generator_of_needs_is_refused() -> None:
    """It could be read once only, and a mark is read for each instance of its test."""
    values, problems = read_mark((), {**GOOD, "needs": (n for n in ("load",))})
    assert values is None
    assert [p.partition(" <")[0] for p in problems] == ["needs is"]


def test_all_mistakes_show_at_once() -> None:
    """Nobody mends a suite one run at a time."""
    values, problems = read_mark((), {"levle": 3, "needs": ("fire", "water")})
    assert values is None
    assert problems == [
        "unknown keyword 'levle'; did you mean level?",
        "dimension is missing; it is a text such as '4.2'",
        "level is missing; it is a whole number from 1 to 5",
        "needs holds 'fire'; allowed are load, writes, faults, probes",
        "needs holds 'water'; allowed are load, writes, faults, probes",
    ]


MODULE = """Foreign keys lead an index.

    Something more about it.

    Impact: deletes and joins scan
        whole tables.
    Remediation: create the index
    concurrently.
    Verification: EXPLAIN shows it.
    Effort: Small
    """


def test_a_docstring_is_read_in_parts() -> None:
    """The first paragraph is the claim, four headings open the rest, white space is joined."""
    assert read_page(None, MODULE) == Page(
        claim="Foreign keys lead an index.",
        impact="deletes and joins scan whole tables.",
        remediation="create the index concurrently.",
        verification="EXPLAIN shows it.",
        effort="S",
    )


def test_parts_may_stand_on_one_line() -> None:
    """Each begins a sentence; a word with a colon inside of one is a word."""
    page = read_page(
        """Keys lead an index.

        Impact: slow deletes. Remediation: see Verification: of the runbook. Effort: S""",
        None,
    )
    assert (page.impact, page.remediation, page.verification) == (
        "slow deletes.",
        "see Verification: of the runbook.",
        "",
    )
    assert page.effort == "S"


def test_the_functions_parts_win() -> None:
    """A file with a ladder states once what its checks share; what is empty wins over nothing."""
    page = read_page("Every one does.\n\n    Impact:\n    Effort: L (a migration)", MODULE)
    assert page == Page(
        claim="Every one does.",
        impact="deletes and joins scan whole tables.",
        remediation="create the index concurrently.",
        verification="EXPLAIN shows it.",
        effort="L",
    )


@pytest.mark.parametrize(
    ("said", "effort"),
    [("S", "S"), ("medium", "M"), ("Large, with care", "L"), ("2 days", ""), ("Little", ""), ("Months", ""), ("", "")],
)
def test_effort_is_s_m_or_l(said: str, effort: str) -> None:
    """Anything else is "not stated"."""
    assert read_page(f"Claim.\n\n    Effort: {said}\n", None).effort == effort


@pytest.mark.parametrize("nothing", [None, "", "   \n  "])
def test_no_docstring_is_not_stated(nothing: str | None) -> None:
    """All parts are empty then."""
    assert read_page(nothing, nothing) == Page()


def test_a_heading_in_the_middle_of_a_line_is_text() -> None:
    """Only a line's start opens a part."""
    assert read_page("Claim about Impact: none.", None) == Page(claim="Claim about Impact: none.")
