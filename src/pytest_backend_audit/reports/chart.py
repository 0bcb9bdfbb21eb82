"""Where the cells of the levels' picture stand. Units are those of the picture's view box."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_backend_audit.reports.text import cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_backend_audit.model import DimensionResult

LEFT = 128
"""Room for the names of the levels."""
CELL, GAP = 22, 5
STEP = 25
"""From one level to the next."""
LABEL = 5
"""Columns of a dimension's id below its column."""


@dataclass(frozen=True, slots=True)
class Column:
    """One dimension."""

    label: str
    x: int
    level: int
    would_be: int
    sought_y: int | None
    """Height of the line at a sought level below 5; None where all of it is sought."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The picture: a column a dimension, a cell a level."""

    columns: tuple[Column, ...]
    width: int
    height: int = 5 * STEP + 24
    left: int = LEFT
    cell: int = CELL
    step: int = STEP

    @property
    def grid(self) -> tuple[tuple[int, int], ...]:
        """Top and number of each level, from the highest."""
        return tuple((2 + (5 - number) * STEP, number) for number in range(5, 0, -1))

    @property
    def words(self) -> str:
        """What the marks besides the filled cells mean; empty where there are none."""
        said = (
            ["dashed: recorded once a second reviewer has signed"]
            if any(c.would_be > c.level for c in self.columns)
            else []
        )
        said += ["line: not sought above it"] if any(c.sought_y is not None for c in self.columns) else []
        return "; ".join(said).capitalize()

    @classmethod
    def of(cls, dimensions: Sequence[DimensionResult]) -> Chart:
        """The picture of these dimensions."""
        columns = tuple(
            Column(
                label=cut(d.id, LABEL),
                x=LEFT + place * (CELL + GAP),
                level=d.level,
                would_be=d.would_be,
                sought_y=(5 - d.sought) * STEP if d.sought < 5 else None,
            )
            for place, d in enumerate(dimensions)
        )
        return cls(columns, LEFT + len(columns) * (CELL + GAP))
