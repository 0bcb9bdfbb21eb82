"""Counters of reads."""

from __future__ import annotations

from types import SimpleNamespace

from pytest_backend_audit.analysis.reads import (
    Blocks,
    all_read,
    by_table,
    in_all,
    reading,
    rows_by_table,
    rows_reading,
)


def test_blocks_of_a_window_add_up_and_the_worst_table_comes_first() -> None:
    """What was found everywhere is not listed; a table that came meanwhile counts from nothing."""
    before = reading([("public.a", 100, 100), ("public.b", 50, 10)])
    after = reading([("public.a", 200, 199), ("public.b", 60, 10), ("public.c", 8, 8)])
    delta = {name: value - before.get(name, 0) for name, value in after.items()}
    assert in_all(delta) == Blocks("all", 118, 107)
    assert [str(b) for b in by_table(delta)] == [
        "public.b: 0 % of 10 blocks, 10 were not in the cache",
        "public.a: 99 % of 100 blocks, 1 were not in the cache",
    ]


def test_no_blocks_at_all_are_no_shortage() -> None:
    """It is the window that asks for enough of them."""
    assert in_all(reading([])).ratio == 1.0


def test_rows_of_a_window_are_told_by_table_and_the_most_scanned_comes_first() -> None:
    """A table that nobody read is left out."""
    counted = [
        SimpleNamespace(table="public.a", scans=1, scanned=100, by_index=50),
        SimpleNamespace(table="public.b", scans=0, scanned=0, by_index=7),
        SimpleNamespace(table="public.c", scans=2, scanned=0, by_index=0),
    ]
    reading = rows_reading(counted)
    assert reading["rows read"] == 157
    found = rows_by_table(reading)
    assert [(r.table, r.share) for r in found] == [("public.a", 100 / 150), ("public.b", 0.0)]
    assert str(found[0]) == "public.a: 66.6 % of 150 rows read, in 1 sequential scans"


def test_a_window_is_whole_when_each_table_was_read_enough() -> None:
    """One that was read a little, or not at all, may yet be scanned."""

    def counted(*rows: int) -> dict[str, float]:
        return rows_reading(
            SimpleNamespace(table=f"public.t{n}", scans=0, scanned=0, by_index=r) for n, r in enumerate(rows)
        )

    assert all_read(counted(100, 100), 2, 100)
    assert not all_read(counted(100, 99), 2, 100)
    assert not all_read(counted(300, 0), 2, 100)
