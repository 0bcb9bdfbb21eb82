"""What a run that has no time for all leaves to the next one. Pure."""

from __future__ import annotations

from turns import spared

NODES = [
    "tests/plugin/test_a.py::test_it[plain]",
    "tests/plugin/test_a.py::test_it[n2]",
    "tests/plugin/test_a.py::test_only[n2]",
    "tests/plugin/test_b.py::test_it[x-plain-y]",
    "tests/plugin/test_b.py::test_it[x-n2-y]",
    "tests/plugin/test_b.py::test_other[n22]",
]


def test_every_other_file_rests_in_turn() -> None:
    """Two runs in a row have all; a test without a plain variant is in each."""
    assert spared(NODES, 0) == {"tests/plugin/test_b.py::test_it[x-n2-y]"}
    assert spared(NODES, 1) == {"tests/plugin/test_a.py::test_it[n2]"}
