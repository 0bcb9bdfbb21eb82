"""A server's setting as each role gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Effective:
    """A setting's value, and for whom it holds."""

    value: str
    who: str

    def __str__(self) -> str:
        return f"{self.value} for {self.who}"


def effective(rows: Sequence[Any]) -> list[Effective]:
    """The values that hold in the database at hand: what everybody gets, then what single roles get instead.

    A role's setting in this database wins over its setting in all databases. What a database sets for everybody is in
    the server's own answer already.

    Args:
        rows: With ``role`` (NULL: everybody), ``database`` (NULL: all databases) and ``value``.
    """
    everybody = [Effective(row.value, "everybody") for row in rows if row.role is None]
    roles = {row.role: row.value for row in sorted(rows, key=lambda r: r.database is not None) if row.role is not None}
    return everybody + [Effective(value, f"role {role}") for role, value in sorted(roles.items())]
