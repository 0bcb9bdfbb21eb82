"""Connections of a service's pools: whose they are, and whether they are older than their pool lets them get."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Protocol

from pytest_backend_audit.analysis.pgbouncer import CONSOLE
from pytest_backend_audit.analysis.text import listed


class Pool(Protocol):
    """A pool as audit.yaml declares it."""

    @property
    def target(self) -> str:
        """The target that it connects to."""

    @property
    def application_name(self) -> str | None:
        """How its connections name themselves, with ``*``."""


@dataclass(frozen=True, slots=True)
class Session:
    """One connection, at the server or at the pooler before it."""

    role: str
    application_name: str
    age: float
    """Seconds since it was opened."""

    @property
    def who(self) -> str:
        """What names it in audit.yaml."""
        return f"{self.role}@{self.application_name or 'unnamed'}"


def sessions(
    rows: Iterable[Any], without: Iterable[int] = (), pools: Mapping[str, Pool] | None = None
) -> list[Session]:
    """The sessions of services: those of roles that look after the server don't come out of a service's pool.

    But those that bear the name of a declared pool do: on managed servers services often have the role that the
    provider made for the administrator.

    Args:
        rows: Of pg_stat_activity, with ``pid``, ``role``, ``application_name``, ``age`` (seconds), ``operator``.
        without: Process ids that a pooler opened.
        pools: Declared pools of one server, by name.
    """
    left = set(without)
    names = [pool.application_name for pool in (pools or {}).values()]
    return [
        Session(row.role, row.application_name or "", float(row.age))
        for row in rows
        if row.pid not in left and (not row.operator or any(_fits(row.application_name or "", name) for name in names))
    ]


def pooled(clients: Iterable[Mapping[str, Any]], names: Iterable[str]) -> list[Session]:
    """The pooler's clients.

    PgBouncer tells times in its own zone; its clock is read off the console's client, which has just asked.

    Args:
        clients: SHOW CLIENTS.
        names: Databases, as clients name them.
    """
    wanted, rows = set(names), list(clients)
    now = max((_time(row["request_time"]) for row in rows if row["database"] == CONSOLE), default=None)
    if now is None:  # every console lists its own client
        return []
    return [
        Session(row["user"], row.get("application_name") or "", (now - _time(row["connect_time"])).total_seconds())
        for row in rows
        if row["database"] in wanted
    ]


def by_pool(found: Iterable[Session], pools: Mapping[str, Pool]) -> tuple[dict[str, list[Session]], list[Session]]:
    """The sessions of each pool, and those of none.

    A pool without ``application_name`` has all that no other pool's name fits.

    Args:
        found: Sessions.
        pools: Declared pools of one server, by name.
    """
    belonging: dict[str, list[Session]] = {name: [] for name in pools}
    rest = next((name for name, pool in pools.items() if pool.application_name is None), None)
    stray: list[Session] = []
    for session in found:
        name = next((n for n, p in pools.items() if _fits(session.application_name, p.application_name)), rest)
        (stray if name is None else belonging[name]).append(session)
    return belonging, stray


def told(found: Sequence[Session]) -> str:
    """Whose connections they are, and how old the oldest is: ``orders_app@orders-1: 3; the oldest is 31 s old``."""
    counts = Counter(session.who for session in found)
    oldest = max((session.age for session in found), default=0.0)
    return f"{listed(f'{who}: {count}' for who, count in sorted(counts.items()))}; the oldest is {oldest:.0f} s old"


def _fits(name: str, pattern: str | None) -> bool:
    return pattern is not None and fnmatchcase(name, pattern)


def _time(text: str) -> datetime:
    # "2026-11-24 10:16:57 UTC": only differences are asked for, so the zone doesn't matter.
    return datetime.fromisoformat(" ".join(str(text).split()[:2]))
