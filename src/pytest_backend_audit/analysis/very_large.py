"""Tables of very many rows, and whether a text speaks of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Large:
    """A table that has, or one of whose partitions has, more rows than the bound."""

    name: str
    """With its schema, quoted where need be: what names it in audit.yaml."""
    bare: str
    """Without either."""
    rows: int
    """As the server estimates them; of a partitioned table those of its largest partition."""
    partition: str = ""
    """That partition, with its schema; empty where the table has none."""
    partitions: int = 0
    """How many of its partitions are above the bound."""

    def __str__(self) -> str:
        if not self.partition:
            return f"{self.name}: about {self.rows} rows"
        more = f", as have {self.partitions - 1} more of its partitions" if self.partitions > 1 else ""
        return f"{self.name}: its partition {self.partition} has about {self.rows} rows{more}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A table of which nobody knows how many rows it has."""

    name: str
    at_most: int
    """Rows that its blocks have room for."""

    def __str__(self) -> str:
        return f"{self.name}: at most {self.at_most} rows fit into it: ANALYZE {self.name};"


def grouped(rows: Sequence[Any], most: float) -> list[Large]:
    """The tables above the bound, the largest first; partitions under the table that they are of.

    Args:
        rows: The check's statement's, the largest first: ``name``, ``bare``, ``root``, ``root_bare``, ``rows``.
        most: The bound.
    """
    above: dict[str, list[Any]] = {}
    for row in rows:
        if row.rows > most:
            above.setdefault(row.root, []).append(row)
    return [
        Large(root, first.root_bare, first.rows)
        if first.name == root
        else Large(root, first.root_bare, first.rows, first.name, len(parts))
        for root, parts in above.items()
        for first in parts[:1]
    ]


def doubtful(rows: Sequence[Any], most: float) -> list[Unknown]:
    """Tables without statistics that could be above the bound.

    Args:
        rows: As for `grouped`, with ``at_most``: rows that a table has room for, 0 where it was analysed.
        most: The bound.
    """
    return [Unknown(row.name, row.at_most) for row in rows if row.rows <= most < row.at_most]


def names(text: str, table: Large) -> bool:
    """Whether a text speaks of a table: by its name with the schema, or by its bare name marked as code.

    A bare word is not enough: tables are called ``orders`` and ``events``, and so are many other things.
    """
    quoted = [re.escape(part) for part in (table.name, table.partition) if part]
    marked = [rf"`{re.escape(table.bare)}`", rf"``{re.escape(table.bare)}``"]
    return re.search(rf"(?<![\w.\"])(?:{'|'.join([*quoted, *marked])})(?![\w\"])", text) is not None
