"""What goes into the documentation of what the witnesses saw."""

from __future__ import annotations

from pytest_backend_audit.model import Evidence, EvidenceKind
from witnesses import told


def piece(title: str, body: str = "") -> Evidence:
    """A piece of evidence."""
    return Evidence(EvidenceKind.OUTPUT, title, body)


def test_the_folders_of_a_run_are_left_out() -> None:
    """They say nothing to a reader, and differ from run to run."""
    said = "declared 8 (/tmp/pytest-of-root/pytest-12/test_x0/audit.yaml:47), in /tmp/orders-stack-zil/pgbouncer/a.ini"
    assert told.message(said) == "declared 8 (.../audit.yaml:47), in .../a.ini"


def test_what_was_asked_is_counted_and_the_shortest_answer_shown() -> None:
    """A line for each kind, the commonest first; a statement becomes one line."""
    pieces = [
        piece("GET /metrics", "a 1\n" * 20),
        piece("SHOW\n  POOLS", "name | mode\norders | transaction"),
        piece("GET /metrics", "a 2\n" * 20),
        piece("ss -Htanp"),
    ]
    assert told.evidence(pieces).splitlines() == [
        "2 x GET /metrics",
        "SHOW POOLS",
        "ss -Htanp",
        "",
        "SHOW POOLS gave",
        "    name | mode",
        "    orders | transaction",
    ]


def test_what_is_long_is_cut_and_counted() -> None:
    """Kinds, lines and columns."""
    pieces = [piece(f"SELECT {n}") for n in range(5)] + [piece("SELECT 5" + "x" * 200, "y\n" * 10)]
    lines = told.evidence(pieces).splitlines()
    assert lines[4] == "and 2 others"
    assert lines[6] == "SELECT 5" + "x" * 101 + "… gave"
    assert lines[-2:] == ["    y", "    and 2 more lines"]


def test_nothing_came_back() -> None:
    """A command without output is evidence too."""
    assert told.evidence([piece("true")]) == "true"
