"""What PgBouncer's console says. Its columns differ from version to version, so rows are read by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CONSOLE = "pgbouncer"
"""The console's own database: not a pool."""


def named(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows as mappings."""
    return [dict(zip(columns, row, strict=True)) for row in rows]


def served(databases: Iterable[Mapping[str, Any]], database: str) -> list[Mapping[str, Any]]:
    """Rows of SHOW DATABASES that lead to a database of the server, by whatever name clients know it."""
    return [row for row in databases if row["name"] != CONSOLE and row["database"] in {database, "*"}]


def pools(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[Mapping[str, Any]]:
    """Rows of SHOW POOLS for these databases, as clients name them."""
    wanted = set(names)
    return [row for row in rows if row["database"] in wanted]


def waiting(rows: Iterable[Mapping[str, Any]]) -> int:
    """Clients of these pools that wait for a server connection."""
    return sum(int(row["cl_waiting"]) for row in rows)


def counters(rows: Iterable[Mapping[str, Any]], names: Iterable[str]) -> dict[str, float]:
    """What SHOW STATS counts for these databases together: ``transactions`` and ``waited`` (seconds).

    ``total_wait_time`` is in microseconds. Before 1.8 there was ``total_requests`` in place of transactions.
    """
    wanted = set(names)
    mine = [row for row in rows if row["database"] in wanted]
    return {
        "transactions": float(sum(row.get("total_xact_count", row.get("total_requests", 0)) for row in mine)),
        "waited": float(sum(row["total_wait_time"] for row in mine)) / 1e6,
    }


@dataclass(frozen=True, slots=True)
class Wait:
    """How long clients waited for a server connection over a window."""

    transactions: float
    waited: float

    @property
    def average(self) -> float:
        """Seconds a transaction; in transaction mode each asks for a server connection once."""
        return self.waited / self.transactions if self.transactions else 0.0
