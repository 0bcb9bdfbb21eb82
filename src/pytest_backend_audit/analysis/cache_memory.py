"""How a cache does with its memory: fragmentation, peak, evictions, large keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a cache's memory may do."""

    fragmentation: float
    """Highest ratio of memory held to memory used."""
    ignored: float
    """Bytes held and not used under which the ratio says nothing."""
    peak: float
    """Highest peak, as a share of maxmemory, or of the machine's memory where the cache evicts."""
    evictions: float
    """Most keys evicted a second."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is out of bounds."""

    item: str
    said: str

    def __str__(self) -> str:
        return f"{self.item}: {self.said}"


def faults(memory: Mapping[str, Any], evicted: float, bounds: Bounds, *, evicts: bool) -> list[Fault]:
    """What is out of bounds, large keys aside.

    Args:
        memory: INFO memory.
        evicted: Keys evicted a second, over a window with traffic.
        bounds: What may be.
        evicts: Whether the cache makes room once it has reached its limit, where it stays from then on.
    """
    used, held = int(memory["used_memory"]), int(memory["used_memory_rss"])
    found = []
    if held - used > bounds.ignored and held > bounds.fragmentation * used:
        found.append(
            Fault(
                "fragmentation",
                f"{held // MIB} MiB are held for {used // MIB} MiB that are used, a ratio of {held / used:.2f}: "
                "CONFIG SET activedefrag yes, or MEMORY PURGE where the server can't",
            )
        )
    if used - held > bounds.ignored:
        found.append(Fault("swapping", f"{(used - held) // MIB} MiB of {used // MIB} MiB are not in memory"))
    limit = int(memory.get("maxmemory", 0))
    machine = int(memory.get("total_system_memory", 0))
    whole, of = (limit, "maxmemory") if limit and not evicts else (machine, "the machine's memory")
    peak = int(memory["used_memory_peak"])
    if whole and peak > bounds.peak * whole:
        found.append(Fault("peak", f"{peak // MIB} MiB were in use at the peak, {100 * peak / whole:.0f} % of {of}"))
    if evicted > bounds.evictions:
        found.append(Fault("evictions", f"{evicted:.1f} keys a second are evicted"))
    return found


def large(sizes: Iterable[tuple[str, int | None]], limit: float) -> list[Fault]:
    """Keys that take more memory than a limit, the largest first.

    Args:
        sizes: Key, as it may be shown, and MEMORY USAGE; None for one that is gone.
        limit: In bytes.
    """
    found = [(size, key) for key, size in sizes if size is not None and size > limit]
    return [Fault(key, f"takes {size / MIB:.1f} MiB") for size, key in sorted(found, reverse=True)]
