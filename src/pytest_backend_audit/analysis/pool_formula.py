"""Whether a pool's size follows from who uses it, and whether all pools together fit the database."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pytest_backend_audit.analysis.pgbouncer import CONSOLE


class Pool(Protocol):
    """A pool as audit.yaml declares it."""

    @property
    def size(self) -> int:
        """Most connections of one process."""

    @property
    def processes(self) -> int:
        """Processes of one instance."""

    @property
    def instances(self) -> int:
        """Instances of the service."""

    @property
    def workers(self) -> int | None:
        """Factor of the formula."""

    @property
    def threads(self) -> int | None:
        """Factor of the formula."""

    @property
    def factor(self) -> float | None:
        """Factor of the formula; 1 unless declared."""


@dataclass(frozen=True, slots=True)
class Need:
    """Connections to the server that somebody may come to hold."""

    who: str
    connections: int

    def __str__(self) -> str:
        return f"{self.who} {self.connections}"


def formula(pool: Pool) -> str:
    """The formula with the pool's numbers, as a message shows it: ``workers 4 x threads 2 x factor 1.5 = 12``."""
    if pool.workers is None or pool.threads is None:
        return ""
    factor = 1.0 if pool.factor is None else pool.factor
    return f"workers {pool.workers} x threads {pool.threads} x factor {factor:g} = {_product(pool):g}"


def follows(size: float, pool: Pool) -> bool:
    """Whether a size is what the formula gives, rounded either way."""
    made = _product(pool)
    return size in {math.floor(made + 1e-9), math.ceil(made - 1e-9)}


def declared(pools: Mapping[str, Pool]) -> list[Need]:
    """What all instances' pools may come to hold, when they connect directly."""
    return [Need(f"pool {name}", p.size * p.processes * p.instances) for name, p in pools.items()]


def through_pooler(
    databases: Iterable[Mapping[str, Any]],
    pools: Iterable[Mapping[str, Any]],
    database: str,
    places: Collection[tuple[Any, Any]] = (),
) -> list[Need]:
    """What PgBouncer may come to hold at the server that serves a database.

    Each pair of database and user has a pool of its own; ``max_connections`` of SHOW DATABASES bounds all of a
    database's, and 0 there is no bound.

    Args:
        databases: SHOW DATABASES.
        pools: SHOW POOLS.
        database: The one at whose server it is looked.
        places: Host and port of that server, where they are known; else of all that have such a database.
    """
    rows, users = [row for row in databases if row["name"] != CONSOLE], list(pools)
    servers = set(places) or {(row["host"], row["port"]) for row in rows if row["database"] in {database, "*"}}
    found = []
    for row in rows:
        if (row["host"], row["port"]) not in servers:
            continue
        pairs = max(1, sum(1 for user in users if user["database"] == row["name"]))
        reserve = row.get("reserve_pool_size", row.get("reserve_pool"))  # the first since 1.24
        most = (int(row["pool_size"]) + int(reserve or 0)) * pairs
        bound = int(row.get("max_connections") or 0)
        found.append(Need(f"PgBouncer for {row['name']}", min(most, bound) if bound else most))
    return found


def _product(pool: Pool) -> float:
    return (pool.workers or 0) * (pool.threads or 0) * (1.0 if pool.factor is None else pool.factor)
