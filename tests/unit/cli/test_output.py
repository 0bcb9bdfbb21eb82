"""Tables and errors of the commands."""

from __future__ import annotations

import pytest

from pytest_backend_audit.cli.output import columns, fail, hanging


def test_columns_are_aligned_and_the_last_one_continues_below_itself() -> None:
    """What is left of the width is its own."""
    assert columns([("a", "one two three four five six"), ("bbb", "short")], 24) == [
        "a    one two three four",
        "     five six",
        "bbb  short",
    ]


def test_what_is_to_be_copied_stays_whole() -> None:
    """Options and paths break neither at hyphens nor anywhere else."""
    assert columns([("a", "add --audit-allow=writes or see /a/path/that/is/longer/than/it/all")], 30) == [
        "a  add --audit-allow=writes or",
        "   see",
        "   /a/path/that/is/longer/than/it/all",
    ]


def test_a_long_cell_has_a_line_of_its_own() -> None:
    """It must not take the last column's room away from all rows."""
    assert columns([("a-name-that-is-long-out-of-all-proportion", "reads"), ("b", "writes")], 40) == [
        "a-name-that-is-long-out-of-all-proportion",
        "                      reads",
        "b                     writes",
    ]


def test_widths_can_be_given_and_a_single_column_is_a_paragraph() -> None:
    """For rows that come one by one, and for sentences."""
    assert columns([("a", "b")], 30, widths=(4,)) == ["a     b"]
    assert columns([["one two three four five six seven"]], 20) == ["one two three four", "five six seven"]
    assert columns([], 20) == []


def test_what_follows_a_label_goes_on_below_where_it_began() -> None:
    """A sentence has no label; a path after one stays where one looks for it."""
    assert hanging("defects: one-defect, another-defect, a third", 24) == [
        "defects: one-defect,",
        "         another-defect,",
        "         a third",
    ]
    assert hanging("one two three four: five six", 16) == ["one two three", "four: five six"]
    assert hanging("report: /a/path/that/is/longer/than/it/all", 20) == ["report: /a/path/that/is/longer/than/it/all"]
    assert hanging("") == [""]


def test_errors_name_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    """One problem is a sentence; several stand on a line each, the first beside the command: no line says nothing."""
    assert fail("no such thing") == 2
    assert fail("a.yaml:1: x\na.yaml:2: y", 1) == 1
    assert capsys.readouterr() == ("", "backend-audit: no such thing\nbackend-audit: a.yaml:1: x\na.yaml:2: y\n")


def test_an_error_acts_on_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """It may quote a file that somebody else wrote; its lines stay lines."""
    assert fail("card.json: dimensions: \x1b]0;x\x07\u202e: twice\nb.json: none") == 2
    assert capsys.readouterr().err == (
        "backend-audit: card.json: dimensions: \\x1b]0;x\\x07\\u202e: twice\nb.json: none\n"
    )
