"""A server's setting as each role gets it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Effective:
    """A setting's value, and for whom it holds."""

    name: str
    value: str | None
    """None where the audit's role can't see it."""
    role: str = ""
    """As SQL writes it; empty where it holds for everybody who has none of their own."""
    database: str = ""
    """As SQL writes it; empty where it does not hold in one database alone."""
    everywhere: bool = False
    """Whether it was set for all roles in all databases (ALTER ROLE ALL)."""
    hidden_by: str = ""
    """The audit's role, whose own setting hides everybody's."""

    def __str__(self) -> str:
        return f"{self.value} for {f'role {self.role}' if self.role else 'everybody'}"


def remedies(wrong: Sequence[Effective], value: str) -> str:
    """Statements that put a setting right, for the server and for each role that has it otherwise.

    Args:
        wrong: Where it is wrong.
        value: What the server is to have.
    """
    said = []
    for one in wrong:
        where = f" IN DATABASE {one.database}" if one.database else ""
        if one.role:
            said.append(f"ALTER ROLE {one.role}{where} RESET {one.name};")
        else:
            # RESET where a database has it: what the server has holds again, whatever that is.
            said.append(f"ALTER SYSTEM SET {one.name} = '{value}'; SELECT pg_reload_conf();")
            said.append(f"ALTER DATABASE {one.database} RESET {one.name};" if one.database else "")
            said.append(f"ALTER ROLE ALL RESET {one.name};" if one.everywhere else "")
    return " ".join(filter(None, said))


def hidden(found: Sequence[Effective]) -> str:
    """Why what everybody gets can't be told, with the cure; empty where it can."""
    unseen = [one for one in found if one.value is None]
    return " ".join(
        f"the audit's role {one.hidden_by} has a {one.name} of its own, which hides what everybody gets: "
        f"ALTER ROLE {one.hidden_by} RESET {one.name}; (or IN DATABASE, where it was set so)"
        for one in unseen
    )


def effective(rows: Sequence[Any]) -> list[Effective]:
    """The values of one setting that hold for services in the database at hand: everybody's, then single roles' own.

    Services are those roles that may log in here and don't look after the server: no superuser, no member of
    pg_monitor, and not the audit's role, unless somebody else is connected with it. Where no such role is, superusers
    that are connected count, and else everybody. Everybody's value is left out where each of these roles has its own.

    Args:
        rows: One a role, with ``name``, ``role`` (as SQL writes it), ``own`` (the audit's), ``superuser``, ``operator``
            (a member of pg_monitor), ``connected`` (with sessions that are no audit's), ``database`` (as SQL writes it,
            NULL where the value holds in all), ``of_role``, ``given`` (whether it was set for roles or databases, and
            not in the server's configuration) and ``value`` (NULL where it can't be seen).
    """
    own = next((row.role for row in rows if row.own), "")
    found = []
    for row in _of_services(rows):
        role = row.role if row.of_role else ""
        everywhere = row.given and not row.of_role and row.database is None
        unseen = own if row.value is None else ""
        found.append(Effective(row.name, row.value, role, row.database or "", everywhere, unseen))
    return sorted(dict.fromkeys(found), key=lambda one: one.role)


def _of_services(rows: Sequence[Any]) -> list[Any]:
    return (
        [row for row in rows if (row.connected if row.own else not row.operator)]
        or [row for row in rows if row.superuser and row.connected]
        or [row for row in rows if not row.own]
        or list(rows)
    )
