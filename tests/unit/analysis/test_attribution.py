"""Whose a server's counts are: ours, or everybody else's."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.attribution import (
    Counts,
    blurred,
    by_each,
    confirmed,
    parts,
    persistent,
    summed,
    too_many,
    undecided,
)


def part(calls: int, seconds: float, others: int, other_seconds: float):
    """Our part of one statement's calls."""
    [found] = parts(Counts({"SELECT 1": calls}, seconds), Counts({"SELECT 1": others}, other_seconds))
    return found


@pytest.mark.parametrize(
    ("calls", "others", "certain", "open_"),
    [
        (40, 0, True, False),  # nobody else sends it
        (40, 5, True, False),  # others send it an eighth as often
        (40, 40, False, True),  # others alone could have done it
        (19, 40, False, False),  # ours can't be over the limit, whoever sent them
        (22, 1, False, True),  # 20 is inside of what chance does
    ],
)
def test_a_count_is_over_the_limit_only_where_chance_and_others_cannot_explain_it(
    calls: int, others: int, certain: bool, open_: bool
) -> None:
    """Of a limit of 20, over windows of equal length."""
    found = [part(calls, 1.0, others, 1.0)]
    assert (bool(too_many(found, 20)), bool(undecided(found, 20))) == (certain, open_)


def test_a_longer_window_of_others_is_scaled_to_ours() -> None:
    """As often a second as they came."""
    found = part(50, 0.5, 60, 2.0)
    assert (found.calls, found.others, round(found.least, 2)) == (50, 15.0, 22.01)
    assert str(found) == "50 x SELECT 1 (others send 15.0 in that time)"


def test_the_largest_comes_first_and_long_statements_are_cut() -> None:
    """White space in one line."""
    found = parts(Counts({"SELECT\n  a": 2, "b" * 200: 7}, 1.0), Counts({"elsewhere": 9}, 1.0))
    assert [str(one) for one in found] == [f"7 x {'b' * 160}", "2 x SELECT a"]


def test_rounds_taken_together_tell_more() -> None:
    """What one leaves open, three decide; what others hide in all of them stays open."""
    one = [part(8, 1.0, 2, 1.0)]
    assert (too_many(one, 2), too_many(summed([one] * 3), 6) != []) == ([], True)
    hidden = summed([[part(40, 1.0, 38, 1.0)]] * 3)
    assert (too_many(hidden, 6), blurred(hidden, 6, 30) != [], blurred(hidden, 6, 60)) == ([], True, [])


def test_a_clump_of_others_statements_is_not_confirmed() -> None:
    """Twenty of a page that loads its rows one by one fell into one round, and none beside it."""
    clump, quiet, over = [part(20, 0.1, 0, 0.5)], [part(0, 0.1, 20, 0.5)], [part(12, 0.1, 0, 0.5)]
    assert too_many(clump, 1) == clump
    assert (confirmed([clump], 1), confirmed([clump, quiet], 1)) == ([], [])
    assert confirmed([clump, quiet, over], 1) == over
    other = parts(Counts({"SELECT 2": 20}, 0.1), Counts({}, 0.5))
    assert confirmed([clump, other], 1) == []


def test_what_is_a_little_over_in_each_round_is_so_in_all_of_them_together() -> None:
    """One round alone tells nothing, nor do several of which one had none."""
    one = [part(8, 1.0, 4, 2.0)]
    assert too_many(one, 2) == []
    assert [str(p) for p in persistent([one] * 3, 2)] == ["24 x SELECT 1 (others send 6.0 in that time)"]
    assert (persistent([one], 2), persistent([[part(24, 1.0, 0, 2.0)], [part(0, 1.0, 0, 2.0)]], 2)) == ([], [])


def test_a_clump_of_others_in_one_round_is_not_ours() -> None:
    """Others send seven in each round, and in one of them twenty more: the other round tells that it was them."""
    clump, usual = part(27, 1.0, 14, 2.0), part(7, 1.0, 14, 2.0)
    assert too_many(summed([[clump], [usual]]), 4)
    assert persistent([[clump], [usual]], 2) == []
    assert persistent([[clump], [clump]], 2)


def test_comments_do_not_tell_statements_apart() -> None:
    """A request's id is in each."""
    [found] = parts(Counts({"SELECT 1 /*id=a*/": 2, "SELECT 1 /*id=b*/": 3}, 1.0), Counts({"SELECT 1": 1}, 1.0))
    assert (found.name, found.calls, found.others) == ("SELECT 1", 5, 1.0)


def test_requests_of_which_some_ask_nothing() -> None:
    """Five that sent no statement five times can't each have asked the database."""
    assert by_each(parts(Counts({"SELECT 1": 5}, 1.0), Counts({}, 1.0)), 5) is True
    assert by_each(parts(Counts({"SELECT 1": 4, "SELECT 2": 4}, 1.0), Counts({}, 1.0)), 5) is False
    assert by_each([], 5) is False
