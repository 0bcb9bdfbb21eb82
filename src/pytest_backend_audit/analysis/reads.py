"""What a database's counters of reads say: of blocks from its cache, and of rows by scans and by indexes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table that were read over a window."""

    table: str
    scans: float
    """Sequential scans."""
    scanned: float
    """Rows that these read."""
    by_index: float
    """Rows, or entries, that indexes gave."""

    @property
    def share(self) -> float:
        """Share that was read by sequential scans; 0 where nothing was read."""
        return self.scanned / (self.scanned + self.by_index) if self.scanned else 0.0

    def __str__(self) -> str:
        return (
            f"{self.table}: {percent(self.share)} of {self.scanned + self.by_index:.0f} rows read, "
            f"in {self.scans:.0f} sequential scans"
        )


_KINDS = ("sequential scans of ", "rows scanned of ", "rows by index of ")


def rows_reading(rows: Iterable[Any]) -> dict[str, float]:
    """Counters for a window, from rows with ``table``, ``scans``, ``scanned`` and ``by_index``."""
    made: dict[str, float] = {"rows read": 0}
    for row in rows:
        made |= dict(zip((kind + row.table for kind in _KINDS), (row.scans, row.scanned, row.by_index), strict=True))
        made["rows read"] += row.scanned + row.by_index
    return made


def rows_by_table(delta: Mapping[str, float]) -> list[Rows]:
    """Tables that were read, most rows by sequential scans first, from the rise of what `rows_reading` gave."""
    tables = [name.removeprefix(_KINDS[0]) for name in delta if name.startswith(_KINDS[0])]
    found = [Rows(table, *(delta[kind + table] for kind in _KINDS)) for table in tables]
    return sorted((r for r in found if r.scanned or r.by_index), key=lambda r: (-r.scanned, r.table))


def all_read(delta: Mapping[str, float], tables: int, rows: float) -> bool:
    """Whether so many rows of each of so many tables were read, so that none has to be waited for."""
    return sum(read.scanned + read.by_index >= rows for read in rows_by_table(delta)) >= tables
