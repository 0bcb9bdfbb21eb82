"""What PgBouncer's console says. Its columns differ from version to version, so rows are read by name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

CONSOLE = "pgbouncer"
"""The console's own database: not a pool."""
PREPARES = (1, 21)
"""Version from which it knows prepared statements in transaction mode."""


def named(cursor: Any) -> list[dict[str, Any]]:
    """The rows of a console's cursor as mappings."""
    columns = [column.name for column in cursor.description]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def served(databases: Iterable[Mapping[str, Any]], database: str) -> list[Mapping[str, Any]]:
    """Rows of SHOW DATABASES that lead to a database of the server, by whatever name clients know it."""
    return [row for row in databases if row["name"] != CONSOLE and row["database"] in {database, "*"}]


def places(
    databases: Iterable[Mapping[str, Any]],
    database: str,
    servers: Iterable[Mapping[str, Any]],
    pids: Collection[int],
) -> set[tuple[Any, Any]]:
    """Host and port, as the pooler knows them, of the server that has these sessions; none where no connection tells.

    A replica has a database of the same name: which one is which is seen by the processes that connections lead to.

    Args:
        databases: SHOW DATABASES.
        database: Its name at the server.
        servers: SHOW SERVERS.
        pids: Process ids of the server's sessions.
    """
    leading = {row["database"] for row in servers if int(row["remote_pid"]) in pids}
    return {(row["host"], row["port"]) for row in served(databases, database) if row["name"] in leading}


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


def lifetimes(config: Iterable[Mapping[str, Any]], databases: Iterable[Mapping[str, Any]] = ()) -> dict[str, float]:
    """Limits of connections to the server, in seconds: ``server_lifetime`` and ``server_idle_timeout``.

    Args:
        config: SHOW CONFIG. A lifetime of 0 closes each connection after one use; an idle timeout of 0 is none.
        databases: Rows of SHOW DATABASES, whose own lifetime new versions tell; the longest counts.
    """
    told = {row["key"]: row["value"] for row in config}
    own = [float(row["server_lifetime"]) for row in databases if row.get("server_lifetime") is not None]
    return {
        "server_lifetime": max(own, default=float(told["server_lifetime"])),
        "server_idle_timeout": float(told["server_idle_timeout"]),
    }


def oldest(limits: Mapping[str, float]) -> float:
    """Seconds that a connection to the server may get old.

    Those of a pool that were opened together are not closed together: between two of them PgBouncer lets the lifetime
    pass, divided by the pool's size, so that the last one gets nearly twice as old.

    Args:
        limits: As `lifetimes` gives them.
    """
    return 2 * limits["server_lifetime"] + limits["server_idle_timeout"]


def is_pgbouncer(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the console is PgBouncer's: others, such as PgCat's, speak its commands and count their own versions.

    Args:
        rows: SHOW VERSION.
    """
    return any(str(value).startswith("PgBouncer") for row in rows for value in row.values())


def version(rows: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Major and minor version: of ``PgBouncer 1.18.0`` 1 and 18.

    Args:
        rows: SHOW VERSION.

    Raises:
        ValueError: They tell none.
    """
    told = " ".join(str(value) for row in rows for value in row.values())
    found = re.search(r"(\d+)\.(\d+)", told)
    if found is None:
        raise ValueError(f"PgBouncer tells no version: {told!r}")
    return int(found[1]), int(found[2])


def prepared(config: Iterable[Mapping[str, Any]]) -> int:
    """How many prepared statements it keeps for each connection to the server; 0 where it knows none.

    Args:
        config: SHOW CONFIG.
    """
    return next((int(row["value"]) for row in config if row["key"] == "max_prepared_statements"), 0)


@dataclass(frozen=True, slots=True)
class Client:
    """One client of the pooler, in the columns of a session of the server."""

    role: str
    address: str
    application_name: str | None
    sessions: int = 1


def instead_of_servers(
    sessions: Iterable[Any], servers: Iterable[Mapping[str, Any]], clients: Iterable[Mapping[str, Any]]
) -> list[Any]:
    """Sessions of the server, with the pooler's clients in the place of those that the pooler opened.

    Before 1.18 PgBouncer doesn't tell its clients' names; then the sessions stay as they are.

    Args:
        sessions: Of the server, with ``pid``.
        servers: SHOW SERVERS.
        clients: SHOW CLIENTS.
    """
    clients = list(clients)  # the console's own client is among them
    if not all("application_name" in row for row in clients):
        return list(sessions)
    opened = {int(row["remote_pid"]) for row in servers}
    own = [
        Client(row["user"], row["addr"], row["application_name"] or None)
        for row in clients
        if row["database"] != CONSOLE
    ]
    return [session for session in sessions if session.pid not in opened] + own


@dataclass(frozen=True, slots=True)
class Wait:
    """How long clients waited for a server connection over a window."""

    transactions: float
    waited: float

    @property
    def average(self) -> float:
        """Seconds a transaction; in transaction mode each asks for a server connection once."""
        return self.waited / self.transactions if self.transactions else 0.0
