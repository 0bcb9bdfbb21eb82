"""Total, matrix, required actions, and the cap for a missing second reviewer."""

from __future__ import annotations

from datetime import date

import pytest
from unit.scoring.scoring_cases import DISPOSITIONS, NAMES, SEALED, all_at, check, failed, inputs, skipped

from pytest_backend_audit import scoring, totals
from pytest_backend_audit.model import Action, Mode, Seal
from pytest_backend_audit.scoring import disposition
from pytest_backend_audit.scoring.dates import day, later


@pytest.mark.parametrize(
    ("levels", "weights", "total"),
    [
        ({"a": 3, "b": 3}, {}, 6),
        ({"a": 3, "b": 4}, {}, 7),
        ({"a": 3, "b": 4}, {"a": "3"}, 6),
        ({"a": 1, "b": 5}, {"a": "0.1", "b": "0.1"}, 6),
        ({"a": 1, "b": 2, "c": 3}, {"a": "0.1", "b": "0.1", "c": "0.1"}, 6),
        ({"a": 5, "b": 1}, {"a": "100", "b": "0.01"}, 9),
        ({"a": 2, "b": 3}, {"a": "0.1", "b": "0.3"}, 5),
        ({}, {}, 0),
    ],
)
def test_the_total_is_exact(levels, weights, total):
    """floor(n x sum(w x level) / sum(w)) on the numbers as they are written, where floats would fall short."""
    assert totals.total(levels, weights) == total


@pytest.mark.parametrize("text", ["0", "-1", "100.1", "ten", "1/0", "", "1e-1", "1e99999999"])
def test_a_weight_must_be_above_0_and_up_to_100(text):
    """Anything else is refused by name."""
    with pytest.raises(ValueError, match=r"^weights: 4.1: .* is not a number above 0 and up to 100$"):
        totals.total({"4.1": 3}, {"4.1": text})


@pytest.mark.parametrize(
    ("points", "minimum", "id_"),
    [
        (40, 4, "production-ready"),
        (36, 4, "production-ready"),
        (36, 3, "production-with-watchlist"),
        (35, 4, "production-with-watchlist"),
        (28, 3, "production-with-watchlist"),
        (28, 2, "conditional-production"),
        (27, 3, "conditional-production"),
        (20, 2, "conditional-production"),
        (20, 1, "significant-technical-debt"),
        (19, 2, "significant-technical-debt"),
        (12, 1, "significant-technical-debt"),
        (11, 1, "not-production-grade"),
        (40, 1, "significant-technical-debt"),
        (8, 1, "not-production-grade"),
    ],
)
def test_a_disposition_needs_both_its_floor_and_its_minimum(points, minimum, id_):
    """The first row from the top whose floor and minimum are both met."""
    assert DISPOSITIONS[disposition.row(DISPOSITIONS, points, minimum)].id == id_


@pytest.mark.parametrize(
    ("start", "days", "months", "end"),
    [
        ("2026-08-31", None, 3, "2026-11-30"),
        ("2026-11-30", None, 3, "2027-02-28"),
        ("2027-11-30", None, 3, "2028-02-29"),
        ("2026-12-15", None, 6, "2027-06-15"),
        ("2026-08-31", 14, None, "2026-09-14"),
        ("2026-08-31", 90, None, "2026-11-29"),
    ],
)
def test_dates_move_by_calendar_months_and_clamp_at_their_end(start, days, months, end):
    """A quarter is three calendar months; a day that the month lacks becomes its last."""
    assert later(date.fromisoformat(start), days=days, months=months).isoformat() == end


def test_a_day_is_that_of_utc():
    """An instant with another offset falls on its day in UTC."""
    assert day("2026-08-31T01:00:00+02:00") == date(2026, 8, 30)
    assert day("2026-08-31T23:59:59.5Z") == date(2026, 8, 31)


def card_at(levels, *, signed_off=False, seal=SEALED, **fields):
    """The card of a service with passes up to these levels."""
    made, attempts = all_at(levels, **fields)
    return scoring.score(made, attempts, seal, signed_off=signed_off)


def test_a_signed_card_of_fives_is_production_ready():
    """Forty points, minimum 5, and the action dated six months on."""
    card = card_at(5, signed_off=True, loaded=True)
    assert (card.total, card.maximum, card.minimum, card.disposition.id) == (40, 40, 5, "production-ready")
    assert card.disposition.actions == (Action("Keep improving and look again", "2027-02-28"),)
    assert card.disposition.qualifier == ""
    assert card.findings == ()


def test_without_the_reviewer_fives_are_recorded_as_threes():
    """Unsigned levels from 4 up count as 3; the card says what they would be."""
    card = card_at(5)
    assert [(d.level, d.would_be) for d in card.dimensions] == [(3, 5)] * 8
    assert (card.total, card.disposition.id) == (24, "conditional-production")
    assert card.raises == ()


def test_a_sign_off_of_some_dimensions_lifts_those_only():
    """Dimensions that the sign-off doesn't name stay at 3."""
    card = card_at(4, signed_off=frozenset({"4.1", "4.5"}))
    assert [d.level for d in card.dimensions] == [4, 3, 3, 3, 4, 3, 3, 3]
    assert card.lowest == ("4.2", "4.3", "4.4", "4.6", "4.7", "4.8")


def test_the_watchlist_has_its_actions_as_dates():
    """Three calendar months from Aug 31 end on Nov 30; ninety days end on Nov 29, which is when findings are due."""
    card = card_at({**dict.fromkeys(NAMES, 4), "4.1": 3}, signed_off=True)
    assert card.disposition.id == "production-with-watchlist"
    assert [a.due for a in card.disposition.actions] == ["2026-11-30", "2026-11-29"]
    assert [(f.check, f.due) for f in card.findings] == [("proof", "2026-11-29")]


def test_a_whole_rehearsal_has_a_total_and_no_disposition():
    """Levels, total and what would raise it, but nothing that a gate or a file could use."""
    card = card_at(3, mode=Mode.REHEARSAL)
    assert (card.total, card.minimum, card.disposition) == (24, 3, None)
    assert card.no_disposition == "a rehearsal has no disposition (--audit-sha makes the audit formal)"
    assert card.raises[0].lifts == "once signed, total 24 to 25"


@pytest.mark.parametrize(
    ("seal", "narrowing", "why"),
    [
        (SEALED, ("-k orders",), "the run is partial: -k orders"),
        (None, (), "the run is partial: the journal ends without a seal: the run did not end"),
        (Seal("", 2, interrupted="SIGINT"), (), "the run is partial: SIGINT"),
        (Seal("", 0, invalid="the service changed its build"), (), "the run is invalid: the service changed its build"),
    ],
)
def test_partial_and_invalid_runs_have_levels_only(seal, narrowing, why):
    """No total, minimum, disposition, overrides or advice; the levels are there."""
    card = card_at(3, seal=seal, narrowing=narrowing)
    assert [d.would_be for d in card.dimensions] == [3] * 8
    assert (card.total, card.minimum, card.lowest, card.blocking, card.overrides) == (None, None, (), (), ())
    assert (card.disposition, card.no_disposition, card.raises) == (None, why, ())


def test_own_criteria_give_a_disposition_that_says_so():
    """Without audit.yaml there is a disposition, marked as resting on own criteria."""
    card = card_at(3, kind="")
    assert card.basis == "own criteria, the standard is not loaded"
    assert card.disposition.qualifier == "own criteria, the standard is not loaded"


@pytest.mark.parametrize(
    ("kind", "qualifier"),
    [("prod", ""), ("canary", ""), ("stage", "proven outside prod (stage)"), ("local", "proven outside prod (local)")],
)
def test_a_card_proven_outside_prod_says_so(kind, qualifier):
    """Prod and canary need no remark; stage and local stand beside the disposition."""
    card = card_at(3, kind=kind, loaded=True)
    assert card.disposition.qualifier == qualifier
    assert card.basis == "Backend Systems Audit Scorecard"


def test_weights_move_the_total():
    """Security at 2 with a tenfold weight pulls the total down."""
    card = card_at({**dict.fromkeys(NAMES, 3), "4.7": 2}, policy={"weights": {"4.7": "10"}})
    assert card.total == 19
    assert [d.weight for d in card.dimensions] == ["1", "1", "1", "1", "1", "1", "10", "1"]


def test_a_matrix_without_a_row_for_the_total_gives_no_disposition():
    """A standard of one's own may leave a hole; the card says which total fell into it."""
    whole = inputs([]).standard
    data = {**whole, "dispositions": whole["dispositions"][:1]}
    card = scoring.score(inputs([], standard=data), [], SEALED)
    assert (card.disposition, card.no_disposition) == (
        None,
        "no row of the matrix takes a total of 8 with a minimum of L1",
    )


def test_what_limits_a_dimension_is_named():
    """The lowest criteria, or the level that nothing proves, or that no more is sought."""
    card = card_at({**dict.fromkeys(NAMES, 5), "4.1": 3, "4.2": 1}, policy={"sought": {"4.3": 4}})
    assert [d.limited_by for d in card.dimensions[:4]] == [
        ("nothing proves L4",),
        ("nothing proves L2",),
        ("only L4 is sought",),
        (),
    ]


def test_a_criterion_that_failed_above_the_level_is_named_as_well():
    """Nothing passed, so the level is 1; the failed check, whose limit is 2, is what would have proven something."""
    card = scoring.score(inputs([check("a", 3)]), [failed("a")], SEALED)
    assert (card.dimensions[0].level, card.dimensions[0].limited_by) == (1, ("nothing proves L2", "a"))
    both = scoring.score(inputs([check("a", 2), check("b", 2)]), [failed("a"), failed("b")], SEALED)
    assert both.dimensions[0].limited_by == ("a", "b", "nothing proves L2")


def test_what_failed_is_named_before_what_nobody_looked_at():
    """Of criteria with the same limit, as a card has room for the first few."""
    card = scoring.score(inputs([check("a", 3), check("b", 3)]), [skipped("a"), failed("b")], SEALED)
    assert card.dimensions[0].limited_by == ("nothing proves L2", "b", "a")
