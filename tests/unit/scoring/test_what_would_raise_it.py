"""The fewest checks that lift the total or the disposition."""

from __future__ import annotations

from dataclasses import replace

from unit.scoring.scoring_cases import (
    NAMES,
    SEALED,
    all_at,
    check,
    failed,
    inputs,
    passed,
    row,
    skipped,
    standard,
)

from pytest_backend_audit import scoring
from pytest_backend_audit.model import Raise


def card_of(plan, attempts, ids=("4.1", "4.2"), rows=(), **fields):
    """The card of a small standard of two dimensions."""
    rules = standard(*rows, ids=ids)
    return scoring.score(inputs(plan, rules=rules, loaded=bool(rows), **fields), attempts, SEALED, signed_off=True)


def test_the_one_failed_check_that_holds_a_dimension_down_comes_first():
    """4.2 needs one check, 4.1 two; what takes fewer comes first."""
    plan = [check("a", 2), check("b", 3), check("c", 3), check("x", 2, "4.2"), check("y", 3, "4.2")]
    card = card_of(plan, [passed("a"), failed("b"), skipped("c"), passed("x"), failed("y")])
    assert card.total == 4
    assert card.raises == (
        Raise("4.2", 3, ("y",), "total 4 to 5", "pass y in 4.2 Connection Management"),
        Raise("4.1", 3, ("b", "c"), "total 4 to 5", "pass b, c in 4.1 Query Performance"),
    )


def test_a_lower_sought_level_counts_as_a_way():
    """L5 could not run and holds the dimension at 2: seeking 4 takes no check at all."""
    plan = [check(f"a{n}", n) for n in (2, 3, 4, 5)]
    card = card_of(plan, [passed("a2"), passed("a3"), passed("a4"), skipped("a5")], ids=("4.1",))
    assert card.raises == (
        Raise(
            "4.1",
            4,
            (),
            "once signed, total 2 to 4",
            "seek 4 instead of 5 in 4.1 Query Performance (audit.yaml: sought)",
        ),
        Raise("4.1", 5, ("a5",), "once signed, total 2 to 5", "pass a5 in 4.1 Query Performance"),
    )


def test_rows_without_a_check_are_one_check_for_each_criterion():
    """One new check at the highest open row covers those under it; a mended one at that level does too."""
    rows = (row("4.1", "plans", 2), row("4.1", "plans", 3), row("4.1", "logging", 2), row("4.1", "logging", 3))
    plan = [check("a", 3, criterion="logging")]
    card = card_of(plan, [failed("a")], ids=("4.1",), rows=rows)
    assert card.dimensions[0].would_be == 1
    assert card.raises[0].checks == ("a",)
    assert card.raises[0].to_level == 2
    higher = card_of(plan, [passed("a")], ids=("4.1",), rows=rows)
    assert higher.raises == (Raise("4.1", 3, ("plans L3",), "total 2 to 3", "pass plans L3 in 4.1 Query Performance"),)


def test_a_missing_pass_is_named_by_its_level():
    """Nothing fails, and L4 is not proven: a check at L4 is what is lacking."""
    card = card_of([check("a", 3)], [passed("a")], ids=("4.1",))
    assert card.raises == (
        Raise("4.1", 4, ("a check at L4",), "once signed, total 3 to 4", "pass a check at L4 in 4.1 Query Performance"),
    )


def test_a_check_above_what_is_wanted_need_not_be_mended():
    """From 3, the failed L5 check limits to 4 and is not in the way of 4."""
    card = card_of([check("a", 3), check("b", 5)], [passed("a"), failed("b")], ids=("4.1",))
    assert card.raises[0].checks == ("a check at L4",)


def test_a_disposition_that_rises_is_named():
    """Mending Security's failed check lifts total and tier; the override for its L1 falls away."""
    made, attempts = all_at(3)
    tried = [failed(a.check) if a.check == "4.7-2" else a for a in attempts]
    card = scoring.score(made, tried, SEALED)
    assert (card.total, card.disposition.id) == (22, "not-production-grade")
    assert card.raises[0] == Raise(
        "4.7",
        3,
        ("4.7-2",),
        "total 22 to 24, disposition to Conditional production",
        "pass 4.7-2 in 4.7 Security",
    )
    assert [r.dimension for r in card.raises] == ["4.7", *(d for d in NAMES if d != "4.7")]


def test_a_weight_too_small_to_move_the_total_is_no_way():
    """A lift must show: a dimension of weight 0.01 does not move the total by its next level."""
    plan = [check("a", 3), check("x", 3, "4.2")]
    card = card_of(plan, [passed("a"), passed("x")], policy={"weights": {"4.2": "0.01"}})
    assert [r.dimension for r in card.raises] == ["4.1"]


def test_many_checks_are_counted_in_the_sentence():
    """Three are named, the rest are counted; the list has them all."""
    plan = [check("p", 2), *(check(f"f{n}", 3) for n in range(5))]
    card = card_of(plan, [passed("p"), *(failed(f"f{n}") for n in range(5))], ids=("4.1",))
    assert card.raises[0].checks == ("f0", "f1", "f2", "f3", "f4")
    assert card.raises[0].how == "pass f0, f1, f2 and 2 more in 4.1 Query Performance"


def test_what_lifts_the_disposition_comes_before_what_takes_fewer_checks():
    """One check in 4.1 lifts the total by one; two in 4.7 lift the override that costs a tier."""
    names = dict.fromkeys(NAMES, 3)
    plan = [check(f"a{id_}", level, id_) for id_ in names for level in (2, 3) if id_ != "4.7"]
    plan = [replace(c, id=f"{c.id}-{c.level}") for c in plan] + [check("s2", 2, "4.7"), check("t2", 2, "4.7")]
    attempts = [passed(c.id) for c in plan[:-2]] + [failed("s2"), failed("t2")]
    card = scoring.score(inputs(plan), attempts, SEALED, signed_off=True)
    assert [(r.dimension, len(r.checks)) for r in card.raises][:2] == [("4.7", 2), ("4.1", 1)]
