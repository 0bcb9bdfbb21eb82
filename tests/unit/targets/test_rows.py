"""Statements and rows as evidence."""

import pytest

from pytest_backend_audit.targets.rows import Shape, digest, normalised, table, tidy, without_secrets


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT * FROM t WHERE a = 'Ada''s' AND b = 42", "SELECT * FROM t WHERE a = ? AND b = ?"),
        ("SELECT 1.5e3, -7, t2.c3 FROM t2", "SELECT ?, -?, t2.c3 FROM t2"),
        ("SELECT E'a\\'b', B'01', x'ff', $$it's$$, $tag$a $$ b$tag$", "SELECT ?, ?, ?, ?, ?"),
        ('SELECT "a 1", $1, %s, %(name)s FROM "T 2"', 'SELECT "a 1", $1, %s, %(name)s FROM "T 2"'),
        ("SELECT 1 -- it's 5 o'clock\nFROM t", "SELECT ? -- it's 5 o'clock\nFROM t"),
        ("SELECT /* 'no' 7 */ 2", "SELECT /* 'no' 7 */ ?"),
        ("LIMIT 1_000", "LIMIT ?"),
        ("SELECT 'never closed", "SELECT 'never closed"),
    ],
)
def test_literals_are_taken_out_of_statements(statement, shown):
    """They may hold personal data; names, comments and placeholders don't."""
    assert normalised(statement) == shown


def test_statements_are_shown_without_their_margin():
    """As they stand in a module they are indented."""
    assert tidy("\n    SELECT a\n        FROM t\n    ") == "SELECT a\n    FROM t"


def test_a_result_is_a_line_a_row():
    """A single value stands alone, a single column without a frame, and what would break a line is escaped."""
    assert table(Shape(("a",), 1), [["x\ny"]]) == "x\ny"
    assert table(Shape(("a",), 2), [["x"], [None]]) == "a\nx\nNULL"
    assert table(Shape(("a", "b"), 2), [["x\ny", "1|2"], [None, ""]]) == "a | b\nx\\ny | 1\\|2\nNULL | "
    assert table(Shape(("a", "b"), 0), []) == "a | b"


def test_a_column_with_a_secrets_name_is_hidden():
    """Whatever stands there; what is missing or empty is told, and numbers, dates and truths are no secrets."""
    shape = Shape(("id", "api_token", "has_password"), 3)
    rows = [["1", "abc", "t"], ["2", None, "f"], ["3", "", "t"]]
    assert list(without_secrets(shape, rows, [False, True, False])) == [["1", "[redacted]", "t"], *rows[1:]]
    assert list(without_secrets(shape, rows[:1])) == [["1", "[redacted]", "[redacted]"]]
    assert list(without_secrets(Shape(("id", "token_lifetime"), 1), [["1", "90"]])) == [["1", "90"]]


def test_long_values_and_long_results_are_cut_in_the_open():
    """The number of rows that are left out is told."""
    assert table(Shape(("a", "b"), 1), [["x" * 3000, ""]]).splitlines()[1] == "x" * 2000 + "... | "
    assert table(Shape(("a",), 1005), [["x"]] * 1000).endswith("\n... 5 more rows")


def test_a_digest_tells_results_apart_within_a_run_only():
    """Equal rows, equal digest; another key, another digest; NULL is not empty, and columns don't run together."""
    shape = Shape(("a", "b"), 1)
    one = digest(shape, [["x", None]], b"key")
    assert one == digest(shape, [["x", None]], b"key")
    others = [digest(shape, rows, b"key") for rows in ([["x", ""]], [["", "x"]], [["x"], [None]])]
    assert len({one, *others, digest(shape, [["x", None]], b"other")}) == 5
    assert one.startswith("columns: a, b\nrows: 1\nkeyed digest: ")
