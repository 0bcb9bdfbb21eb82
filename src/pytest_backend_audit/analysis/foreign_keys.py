"""Whether foreign keys are served by an index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_NOT_NULL = re.compile(r"\((.+?) IS NOT NULL\)")
EQUALITY = frozenset({"btree", "hash", "gist"})
"""Access methods that find rows by equal values of a column, as the check of a foreign key does.

GiST does where its operator class knows of equality: that of an EXCLUDE, and of a key WITHOUT OVERLAPS."""


@dataclass(frozen=True, slots=True)
class Index:
    """An index as the catalogue has it."""

    name: str
    columns: tuple[str | None, ...]
    """Key columns in order, quoted where need be; None stands for an expression. INCLUDE columns are not among them."""
    usable: bool
    """Valid, ready and live."""
    method: str = "btree"
    predicate: str | None = None
    alike: tuple[bool | None, ...] = ()
    """For each key column whether it compares as the foreign key does, in collation and operator class; empty where all
    do. None or False for what is no column of the key."""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key on one table that holds rows: of a partitioned table, on one partition."""

    constraint: str
    table: str
    """With its schema, quoted where need be."""
    columns: tuple[str, ...]
    indexes: tuple[Index, ...]
    partitioned: bool = False
    """Whether it is a partitioned table that has no partition yet."""
    period: bool = False
    """Whether the last column is one of ranges, of which the key asks that they are contained."""

    @property
    def item(self) -> str:
        """What names it in audit.yaml: ``public.orders.customer_id``."""
        return f"{self.table}.{'+'.join(self.columns)}"

    @property
    def cure(self) -> str:
        """The statement that gives it its index, without stopping writes where there may be any."""
        # The server makes none of a partitioned table CONCURRENTLY.
        making = "CREATE INDEX" if self.partitioned else "CREATE INDEX CONCURRENTLY"
        method = " USING gist" if self.period else ""
        return f"{making} ON {self.table}{method} ({', '.join(self.columns)});"

    def __str__(self) -> str:
        begin = [index for index in self.indexes if _begins(index, self.columns)]
        unusable = [index.name for index in begin if not index.usable]
        unlike = [index.name for index in begin if index.usable and not _alike(index, self.columns)]
        note = f" ({', '.join(unusable)} would do, but is invalid)" if unusable else ""
        note += f" ({', '.join(unlike)} has another collation or operator class than the key)" if unlike else ""
        return f"{self.constraint} on {self.table} ({', '.join(self.columns)}){note}: {self.cure}"


def read(rows: Sequence[Any]) -> list[ForeignKey]:
    """Foreign keys from rows.

    Args:
        rows: With the columns ``constraint``, ``table``, ``columns``, ``indexes`` (JSON objects), ``partitioned`` and
            ``period``.
    """
    return [
        ForeignKey(
            row.constraint,
            row.table,
            tuple(row.columns),
            tuple(
                Index(**{**index, "columns": tuple(index["columns"]), "alike": tuple(index.get("alike", ()))})
                for index in row.indexes
            ),
            row.partitioned,
            row.period,
        )
        for row in rows
    ]


def bare(keys: Sequence[ForeignKey]) -> list[ForeignKey]:
    """Those that no index serves."""
    return [key for key in keys if not any(serves(index, key.columns) for index in key.indexes)]


def serves(index: Index, columns: Sequence[str]) -> bool:
    """Whether an index finds the rows with given values of all these columns.

    They lead it, in any order; it compares them as the key does; it can be used; and it holds all rows, or all but
    those with NULL in one of the columns, which refer to nothing.
    """
    if not index.usable or index.method not in EQUALITY or not _begins(index, columns) or not _alike(index, columns):
        return False
    # A hash index has one column; a partial one serves where its condition only leaves out NULLs.
    return index.predicate is None or _leaves_out_nulls_only(index.predicate, columns)


def _begins(index: Index, columns: Sequence[str]) -> bool:
    return set(index.columns[: len(columns)]) == set(columns)


def _alike(index: Index, columns: Sequence[str]) -> bool:
    return all(index.alike[: len(columns)])


def _leaves_out_nulls_only(predicate: str, columns: Sequence[str]) -> bool:
    named = _NOT_NULL.findall(predicate.removeprefix("(") if predicate.startswith("((") else predicate)
    rebuilt = " AND ".join(f"({name} IS NOT NULL)" for name in named)
    return bool(named) and set(named) <= set(columns) and predicate in {rebuilt, f"({rebuilt})"}
