"""The standard's rows: which are covered, what uncovered ones cost, "assessed n of m"."""

from __future__ import annotations

import pytest
from unit.scoring.scoring_cases import (
    CODE,
    DOCUMENT,
    MEASURED,
    OUTPUT,
    SEALED,
    VERBAL,
    check,
    failed,
    inputs,
    passed,
    row,
    skipped,
    standard,
)

from pytest_backend_audit import scoring
from pytest_backend_audit.model import EvidenceKind

LADDER = standard(row("4.1", "plans", 2), row("4.1", "plans", 3), row("4.1", "plans", 4), ids=("4.1",))


def card_of(plan, attempts, rules=LADDER, **fields):
    """The card of a run with the standard loaded."""
    return scoring.score(inputs(plan, rules=rules, loaded=True, **fields), attempts, SEALED)


def states(card):
    """State of each row of the first dimension."""
    return [(r.level, r.state.value) for c in card.dimensions[0].criteria for r in c.rows]


def test_a_passed_check_covers_its_criterions_rows_at_and_below_its_level():
    """A pass at L3 covers L2 and L3; the L4 row stays without a check and limits the criterion to 2."""
    card = card_of([check("a", 3, criterion="plans")], [passed("a")])
    assert states(card) == [(2, "covered"), (3, "covered"), (4, "uncovered")]
    assert (card.dimensions[0].limit, card.dimensions[0].would_be) == (2, 2)
    assert (card.coverage.assessed, card.coverage.of) == (2, 3)


def test_any_other_outcome_covers_only_its_own_row():
    """A failure at L4 covers the L4 row alone, so the rows under it could not run."""
    card = card_of([check("a", 4, criterion="plans")], [failed("a")])
    assert states(card) == [(2, "uncovered"), (3, "uncovered"), (4, "covered")]
    assert card.dimensions[0].limit == 2


def test_a_row_whose_check_could_not_run_is_not_assessed():
    """A skipped check addresses its row, but the row doesn't count as assessed."""
    card = card_of([check("a", 3, criterion="plans"), check("b", 4, criterion="plans")], [passed("a"), skipped("b")])
    assert states(card) == [(2, "covered"), (3, "covered"), (4, "not-executed")]
    assert (card.coverage.assessed, card.coverage.of) == (2, 3)


def test_a_standard_that_nobody_addresses_proves_nothing():
    """Without any check all rows are uncovered, and the dimension is L1."""
    card = card_of([], [])
    assert states(card) == [(2, "uncovered"), (3, "uncovered"), (4, "uncovered")]
    assert (card.dimensions[0].would_be, card.dimensions[0].limit, card.dimensions[0].proven) == (1, 2, 1)
    assert (card.coverage.assessed, card.coverage.of) == (0, 3)


def test_rows_above_what_is_sought_set_no_limit():
    """Seeking 3 takes the L4 row out of what counts, and the dimension can't exceed 3."""
    card = card_of([check("a", 3, criterion="plans")], [passed("a")], policy={"sought": {"4.1": 3}})
    assert states(card) == [(2, "covered"), (3, "covered"), (4, "not-sought")]
    assert (card.dimensions[0].would_be, card.coverage.assessed, card.coverage.of) == (3, 2, 2)
    assert card.dimensions[0].limited_by == ("only L3 is sought",)
    assert [f.check for f in card.findings] == ["proof"]


def test_a_pass_above_what_is_sought_proves_nothing():
    """A check above the sought level leaves no trace, even if it ran."""
    plan = [check("a", 2), check("b", 5)]
    card = card_of(plan, [passed("a"), failed("b")], rules=standard(ids=("4.1",)), policy={"sought": {"4.1": 4}})
    assert [c.id for c in card.dimensions[0].criteria] == ["a"]
    assert card.dimensions[0].would_be == 2


def test_checks_outside_the_standard_count_and_are_listed():
    """A check without a criterion covers no row, is listed, and its failure limits the dimension."""
    plan = [check("a", 4, criterion="plans"), check("tests/audit/test_own.py::test_x", 3)]
    card = card_of(plan, [passed("a"), failed("tests/audit/test_own.py::test_x")])
    assert card.coverage.outside == ("tests/audit/test_own.py::test_x",)
    assert [(c.id, c.in_standard) for c in card.dimensions[0].criteria] == [
        ("plans", True),
        ("tests/audit/test_own.py::test_x", False),
    ]
    assert card.dimensions[0].limit == 2


def test_without_the_standard_nothing_is_outside_it():
    """On own criteria there are no rows, and no check stands outside."""
    card = scoring.score(inputs([check("a", 3)]), [passed("a")], SEALED)
    assert (card.coverage.of, card.coverage.outside) == (0, ())


def test_a_row_without_a_bundled_check_could_not_run_unless_somebodys_check_covers_it():
    """The list of rows whose bundled check is to come takes nothing out of the standard."""
    rules = standard(row("4.1", "plans", 2), row("4.1", "waf", 4), ids=("4.1",), pending=("4.1/waf/L4",))
    alone = card_of([check("a", 2, criterion="plans")], [passed("a")], rules=rules)
    assert (alone.coverage.assessed, alone.coverage.of, alone.coverage.pending) == (1, 2, 0)
    plan = [check("a", 2, criterion="plans"), check("b", 4, criterion="waf")]
    more = card_of(plan, [passed("a"), passed("b")], rules=rules)
    assert (more.coverage.assessed, more.coverage.of, more.coverage.pending) == (2, 2, 0)


def test_an_edition_leaves_rows_out_and_says_how_many():
    """Its criteria are still the standard's own, and the disposition says on how much of it it stands."""
    rules = standard(row("4.1", "plans", 2), ids=("4.1",), pending=("4.1/waf/L4", "4.1/sharding/L4"))
    plan = [check("a", 2, criterion="plans"), check("b", 4, criterion="waf")]
    card = card_of(plan, [passed("a"), passed("b")], rules=rules)
    assert (card.coverage.assessed, card.coverage.of, card.coverage.pending) == (1, 1, 2)
    assert card.coverage.outside == ()
    assert card.disposition.qualifier.split("; ")[0] == "on 1 of 3 rows"


def test_rows_of_a_narrowed_run_that_its_checks_would_have_covered_set_no_limit():
    """A check that was deselected leaves its rows not executed; only rows that nobody addresses limit."""
    plan = [check("a", 2, criterion="plans"), check("b", 4, criterion="plans")]
    card = card_of(plan, [passed("a")], selected=("a",), narrowing=("-k a",))
    assert states(card) == [(2, "covered"), (3, "not-executed"), (4, "not-executed")]
    assert (card.dimensions[0].limit, card.dimensions[0].would_be, card.total) == (5, 2, None)


def test_criteria_stand_in_the_standards_order_then_in_that_of_the_walk():
    """The standard's criteria come first, whatever the plan's order."""
    rules = standard(row("4.1", "b", 2), row("4.1", "a", 2), ids=("4.1",))
    plan = [check("z", 2), check("1", 2, criterion="a"), check("2", 2, criterion="b")]
    card = card_of(plan, [passed("z"), passed("1"), passed("2")], rules=rules)
    assert [c.id for c in card.dimensions[0].criteria] == ["b", "a", "z"]
    assert [c.check.id for c in card.checks] == ["2", "1", "z"]


@pytest.mark.parametrize(
    ("level", "evidence", "outcome"),
    [
        # Rows: L2 takes documents as well, L4 what is measured alone.
        (2, DOCUMENT, "passed"),
        (3, DOCUMENT, "passed"),
        (3, VERBAL, "weak"),
        (4, DOCUMENT, "weak"),
        (5, DOCUMENT, "weak"),
        (5, CODE, "weak"),
        (5, OUTPUT, "passed"),
    ],
)
def test_a_level_without_a_row_accepts_what_the_highest_row_below_it_does(level, evidence, outcome):
    """A pass covers the rows below too, so it needs evidence that the highest of them accepts."""
    rules = standard(
        row("4.1", "plans", 4),
        row("4.1", "plans", 2, MEASURED | {EvidenceKind.CODE, EvidenceKind.DOCUMENT}),
        row("4.1", "others", 5, frozenset({EvidenceKind.VERBAL})),
        ids=("4.1",),
    )
    card = card_of([check("a", level, criterion="plans")], [passed("a", evidence)], rules=rules)
    assert [r.outcome.value for r in card.checks] == [outcome]


@pytest.mark.parametrize(("evidence", "outcome"), [(DOCUMENT, "passed"), (VERBAL, "weak")])
def test_a_level_below_every_row_accepts_all_but_words(evidence, outcome):
    """Nothing says more about it; what a row above asks for does not count."""
    rules = standard(row("4.1", "plans", 3), ids=("4.1",))
    card = card_of([check("a", 2, criterion="plans")], [passed("a", evidence)], rules=rules)
    assert [r.outcome.value for r in card.checks] == [outcome]
