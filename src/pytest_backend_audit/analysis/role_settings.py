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
    role: str = ""
    """As SQL writes it; empty where it holds for everybody."""
    database: str = ""
    """As SQL writes it; empty where it does not hold in one database alone."""

    def __str__(self) -> str:
        return f"{self.value} for {self.who}"


def remedies(wrong: Sequence[Effective], name: str, value: str) -> str:
    """Statements that put a setting right, for the server and for each role that has it otherwise.

    Args:
        wrong: Where it is wrong.
        name: The setting.
        value: What the server is to have.
    """
    said = []
    for one in wrong:
        if one.role:
            where = f" IN DATABASE {one.database}" if one.database else ""
            said.append(f"ALTER ROLE {one.role}{where} RESET {name};")
        else:
            # RESET where a database has it: what the server has holds again. Harmless where it has none.
            said.append(f"ALTER SYSTEM SET {name} = '{value}'; SELECT pg_reload_conf();")
            said.append(f"ALTER DATABASE {one.database} RESET {name};" if one.database else "")
    return " ".join(filter(None, said))


def effective(rows: Sequence[Any]) -> list[Effective]:
    """The values that hold in the database at hand: what everybody gets, then what single roles get instead.

    A role's setting in this database wins over its setting in all databases. What a database sets for everybody is in
    the server's own answer already.

    Args:
        rows: With ``role`` (NULL: everybody), ``database`` (NULL: all databases) and ``value``, names as SQL writes
            them. Everybody's database is the one that has the setting for everybody.
    """
    everybody = [Effective(row.value, "everybody", "", row.database or "") for row in rows if row.role is None]
    roles = {row.role: row for row in sorted(rows, key=lambda r: r.database is not None) if row.role is not None}
    return everybody + [
        Effective(row.value, f"role {role}", role, row.database or "") for role, row in sorted(roles.items())
    ]
