"""What a database's counters of reads say: of blocks from its cache, and of rows by scans and by indexes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pytest_backend_audit.analysis.text import percent

WANTED = "blocks wanted: "
FOUND = "blocks found: "


@dataclass(frozen=True, slots=True)
class Blocks:
    """Blocks of tables and indexes that were asked for over a window."""

    table: str
    """The table that they belong to, as are those of its indexes and of its TOAST table; ``all`` for the sum."""
    wanted: float
    found: float
    """Those of them that were in the server's cache."""

    @property
    def missed(self) -> float:
        """Those that were not."""
        return self.wanted - self.found

    @property
    def ratio(self) -> float:
        """Share that was in the cache; 1 where none were wanted."""
        return self.found / self.wanted if self.wanted else 1.0

    def __str__(self) -> str:
        return f"{self.table}: {percent(self.ratio)} of {self.wanted:g} blocks, {self.missed:g} were not in the cache"


def reading(rows: Iterable[tuple[str, int, int]]) -> dict[str, float]:
    """Counters for a window.

    Args:
        rows: Table, blocks wanted and blocks found so far.
    """
    made: dict[str, float] = {"blocks wanted": 0, "blocks found": 0}
    for table, wanted, found in rows:
        made[WANTED + table] = wanted
        made[FOUND + table] = found
        made["blocks wanted"] += wanted
        made["blocks found"] += found
    return made


def in_all(delta: Mapping[str, float]) -> Blocks:
    """The sum over all tables, from the rise of what `reading` gave."""
    return Blocks("all", delta["blocks wanted"], delta["blocks found"])


def by_table(delta: Mapping[str, float]) -> list[Blocks]:
    """Tables of which blocks were missed, the worst first."""
    found = [
        Blocks(name.removeprefix(WANTED), wanted, delta[FOUND + name.removeprefix(WANTED)])
        for name, wanted in delta.items()
        if name.startswith(WANTED)
    ]
    return sorted((b for b in found if b.missed > 0), key=lambda b: (-b.missed, b.table))
