"""A cache's memory, out of its bounds in one way or another."""

from __future__ import annotations

import pytest

from pytest_backend_audit.analysis.cache_memory import MIB, Bounds, faults, large

BOUNDS = Bounds(fragmentation=1.5, ignored=100 * MIB, peak=0.95, evictions=100)


def memory(used: int = 500, held: int = 520, peak: int = 600, limit: int = 1024) -> dict[str, int]:
    """INFO memory, in MiB."""
    told = {"used_memory": used, "used_memory_rss": held, "used_memory_peak": peak, "maxmemory": limit}
    return {name: value * MIB for name, value in told.items()} | {"total_system_memory": 2048 * MIB}


@pytest.mark.parametrize(
    ("told", "evicted", "said"),
    [
        (memory(), 100, []),
        (memory(used=2, held=12), 0, []),  # six times what is used, and next to nothing
        (
            memory(held=900), 0,
            ["fragmentation: 900 MiB are held for 500 MiB that are used, a ratio of 1.80: CONFIG SET activedefrag yes, "
             "or MEMORY PURGE where the server can't"],
        ),
        (memory(held=300), 0, ["swapping: 200 MiB of 500 MiB are not in memory"]),
        (memory(peak=1000), 0, ["peak: 1000 MiB were in use at the peak, 98 % of maxmemory"]),
        (memory(peak=2000, limit=0), 0, ["peak: 2000 MiB were in use at the peak, 98 % of the machine's memory"]),
        (memory(), 100.5, ["evictions: 100.5 keys a second are evicted"]),
    ],
)  # fmt: skip
def test_what_is_out_of_bounds_is_told_with_its_numbers(told: dict[str, int], evicted: float, said: list[str]) -> None:
    """A ratio counts only where something is wasted."""
    assert [str(fault) for fault in faults(told, evicted, BOUNDS, evicts=False)] == said


def test_a_cache_that_evicts_may_be_full() -> None:
    """As it is for as long as it is used: what can run out is the machine's memory."""
    assert faults(memory(used=1023, held=1050, peak=1025), 5, BOUNDS, evicts=True) == []
    [found] = faults(memory(peak=2000), 5, BOUNDS, evicts=True)
    assert str(found) == "peak: 2000 MiB were in use at the peak, 98 % of the machine's memory"


def test_large_keys_are_told_largest_first() -> None:
    """One that is gone meanwhile has no size."""
    found = large([("a", MIB), ("b", 3 * MIB), ("c", None), ("d", 50 * MIB)], MIB)
    assert [str(fault) for fault in found] == ["d: takes 50.0 MiB", "b: takes 3.0 MiB"]
