"""Hostile and wide texts."""

from __future__ import annotations

import pytest

from pytest_backend_audit.reports.text import bounded, clean, columns, cut, first_line, one_line, wrap


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, naïve, 漢字", "plain, naïve, 漢字"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\x00b\x7fc", "a\\x00b\\x7fc"),
        ("\x9b31m", "\\x9b31m"),
        ("\u202eabc\u2066", "\\u202eabc\\u2066"),
        ("\u200f\u061c", "\\u200f\\u061c"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("\u2028", "\\u2028"),
        ("no\u00a0break", "no\u00a0break"),
    ],
)
def test_clean_shows_hidden_characters_as_numbers(text: str, shown: str) -> None:
    """Controls, direction marks, zero-width marks and surrogates become their number; the rest stays."""
    assert clean(text) == shown


def test_lines() -> None:
    """One line joins lines; the first line skips blank ones."""
    assert one_line("  a\n\n b\t c ") == "a b c"
    assert first_line("\n  \n  assert 1 == 2\nmore") == "assert 1 == 2"
    assert first_line("") == ""


def test_columns_of_wide_and_combining_characters() -> None:
    """Ideographs take two columns, combining marks none."""
    assert columns("漢字") == 4
    assert columns("e\u0301") == 1


@pytest.mark.parametrize(
    ("text", "room", "made"),
    [("abcdef", 6, "abcdef"), ("abcdef", 4, "abc…"), ("漢字漢字", 5, "漢字…"), ("漢字漢字", 4, "漢…"), ("abc", 0, "")],
)
def test_cut_never_takes_more_room(text: str, room: int, made: str) -> None:
    """A wide character that would stick out is left away whole."""
    assert cut(text, room) == made
    assert columns(cut(text, room)) <= room


def test_wrap_breaks_at_spaces_and_cuts_the_last_line() -> None:
    """As many lines as allowed; what is left over is shown as cut."""
    assert wrap("one two three four", 9, 2) == ["one two", "three fo…"]
    assert wrap("one", 9, 2) == ["one"]
    assert wrap("", 9, 2) == [""]


def test_bounded_counts_what_it_leaves_out() -> None:
    """The rest is counted in characters."""
    assert bounded("abcdef", 4) == ("abcd", 2)
    assert bounded("abc", 4) == ("abc", 0)
