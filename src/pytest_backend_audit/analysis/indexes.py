"""What is wrong with a database's indexes: invalid ones, duplicates, large ones that nobody uses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.analysis.text import listed


@dataclass(frozen=True, slots=True)
class Fault:
    """One index that should go, or be built again."""

    item: str
    """The index with its schema: what names it in audit.yaml."""
    said: str

    def __str__(self) -> str:
        return self.said


def invalid(rows: Sequence[Any]) -> list[Fault]:
    """Indexes that take writes, or block them, and serve no query: mostly what a failed concurrent build leaves behind.

    Args:
        rows: With ``index``, ``table``, ``usable``, ``being_built``, ``partitioned`` (whether it is of a partitioned
            table) and ``without`` (the partitions of that which have no valid part of it).
    """
    return [
        Fault(row.index, f"{row.index} on {row.table} is invalid: {_mending(row)}")
        for row in rows
        if not row.usable and not row.being_built
    ]


def _mending(row: Any) -> str:
    if not row.partitioned:
        return f"REINDEX INDEX CONCURRENTLY {row.index}; or drop it"
    # Building it again would not make it valid, as long as a partition has no part in it.
    return (
        f"no valid index of {listed(row.without, 3)} is a part of it: CREATE INDEX CONCURRENTLY on each, then ALTER "
        f"INDEX {row.index} ATTACH PARTITION each of these; or drop it"
    )


def _dropping(row: Any) -> str:
    # The server drops none of a partitioned table CONCURRENTLY.
    return f"DROP INDEX {'' if row.partitioned else 'CONCURRENTLY '}{row.index};"


def duplicates(rows: Sequence[Any]) -> list[Fault]:
    """Usable indexes of one table that do nothing which another one doesn't.

    Two are equal when table, method, keys with their operator classes, collations and directions, included columns,
    expressions and condition are. A unique one can stand in for a plain one, not the other way round. An index that
    belongs to a partitioned one is left to that.

    Args:
        rows: With ``index``, ``table``, ``usable``, ``signature``, ``is_unique``, ``backs`` (the constraint or replica
            identity that needs it, or NULL), ``partitioned``, ``of_partitioned`` and ``oid``.
    """
    alike: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if row.usable:
            alike[row.signature].append(row)
    found: list[Fault] = []
    for group in alike.values():
        kept: list[Any] = []
        for row in sorted(group, key=lambda r: (r.backs is None, not r.of_partitioned, not r.is_unique, r.oid)):
            equal = next((other for other in kept if other.is_unique or not row.is_unique), None)
            if equal is None or row.backs is not None or row.of_partitioned:
                kept.append(row)
                continue
            said = f"{row.index} on {row.table} equals {equal.index}: {_dropping(row)}"
            found.append(Fault(row.index, said))
    return found


def unused(rows: Sequence[Any], at_least: float) -> list[Fault]:
    """Large indexes that no query has used since the statistics began.

    Those that a constraint, a replica identity or a foreign key needs work without being counted as used. A partitioned
    index stands for its partitions'.

    Args:
        rows: With ``index``, ``table``, ``usable``, ``is_unique``, ``backs``, ``partitioned``, ``of_partitioned``,
            ``serves_foreign_key``, ``scans`` and ``bytes``.
        at_least: Bytes from which an index is large.
    """
    return [
        Fault(
            row.index,
            f"{row.index} on {row.table} was never used and takes {row.bytes / 2**20:.1f} MiB: " + _dropping(row),
        )
        for row in rows
        if row.usable and not row.is_unique and row.backs is None and not row.serves_foreign_key
        if not row.of_partitioned
        if row.scans == 0 and row.bytes >= at_least
    ]
