"""Who is connected to a database server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from pytest_backend_audit.analysis.text import listed

AUDIT = "backend-audit"
"""The application_name of audits' own sessions. Their role tells less: a service may have the same."""


def others(rows: Sequence[Any]) -> list[Any]:
    """The rows of sessions that are no audit's, with ``application_name``."""
    return [row for row in rows if row.application_name != AUDIT]


def hidden(rows: Sequence[Any]) -> int:
    """Sessions of which the server shows the audit's role nothing.

    Args:
        rows: Of pg_stat_activity grouped, with ``backend_type`` and ``sessions``.
    """
    return sum(row.sessions for row in rows if row.backend_type is None)


def clients(rows: Sequence[Any]) -> list[Any]:
    """The rows of client connections; the server's own processes and replication don't count against the maximum."""
    return [row for row in rows if row.backend_type == "client backend"]


def by(rows: Sequence[Any], column: str, nothing: str = "none") -> str:
    """Sessions by the values of a column, most first: ``orders-1: 8, orders-2: 7, none: 1``."""
    counts: dict[str, int] = {}
    for row in rows:
        name = str(getattr(row, column) or nothing)
        counts[name] = counts.get(name, 0) + row.sessions
    return listed(f"{name}: {count}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))


@dataclass(frozen=True, slots=True)
class Direct:
    """Sessions of one role and application that did not come through the pooler."""

    role: str
    application_name: str
    sessions: int

    @property
    def item(self) -> str:
        """What names them in audit.yaml."""
        return f"{self.role}@{self.application_name or 'unnamed'}"

    def __str__(self) -> str:
        return f"{self.item}: {self.sessions}"


def past_the_pooler(
    rows: Sequence[Any], pooled: Collection[int], roles: Collection[str], names: Collection[str] = ()
) -> list[Direct]:
    """Sessions of the service that did not come through the pooler.

    Those who look after the server (members of pg_monitor, superusers) may connect directly, unless their role also
    comes through the pooler, or the session bears a name of the service's: then a service uses it.

    Args:
        rows: With ``pid``, ``role``, ``application_name``, ``operator`` (whether the role looks after the server; the
            audit's role does so in the audit's own sessions only, which are not among the rows).
        pooled: Process ids of the pooler's server connections.
        roles: Roles that come through the pooler.
        names: How the service's sessions name themselves, with ``*``.
    """

    def serves(row: Any) -> bool:
        named = any(fnmatchcase(row.application_name or "", name) for name in names)
        return named or row.role in roles or not row.operator

    past = [row for row in rows if row.pid not in pooled and serves(row)]
    counts = Counter((row.role, row.application_name) for row in past)
    return [Direct(role, name, count) for (role, name), count in sorted(counts.items())]
