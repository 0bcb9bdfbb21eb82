"""What waits in the service's queues, and for how long: of those that are tables of its database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.common import origin_of, settings_of

if TYPE_CHECKING:
    from pytest_backend_audit.config.targets import QueueTable
    from pytest_backend_audit.runtime import Runtime

# The names come back as the server writes them in statements, quoted where they have to be.
NAMES = """
SELECT to_regclass(%s)::text AS found, array_agg(wanted.name ORDER BY wanted.place) AS asked,
    array_agg(quote_ident(a.attname) ORDER BY wanted.place) AS columns,
    max(a.atttypid::regtype::text) FILTER (WHERE wanted.place = 1) AS type
FROM unnest(%s::text[]) WITH ORDINALITY AS wanted (name, place)
LEFT JOIN pg_catalog.pg_attribute a
    ON a.attrelid = to_regclass(%s) AND a.attname = wanted.name AND a.attnum > 0 AND NOT a.attisdropped
"""
WITH_ZONE = "timestamp with time zone"
WAITING = """
SELECT count(*)::bigint AS depth,
    coalesce(extract(epoch FROM clock_timestamp() - min({created})), 0)::float8 AS oldest
FROM {table}{where}
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits in one queue at a moment."""

    queue: str
    depth: int
    """Messages."""
    oldest: float
    """Seconds since the oldest of them was put there; 0 for none."""

    def __str__(self) -> str:
        age = f", the oldest for {self.oldest:.1f} s" if self.depth else ""
        return f"{self.queue}: {self.depth} wait{age}"


class Queues:
    """Reads queues by the names that audit.yaml gives them: ``audit_queues.read("outbox").depth``."""

    def __init__(self, runtime: Runtime, connect: Callable[[], Any]) -> None:
        """Nothing is read yet.

        Args:
            runtime: The audit.
            connect: Gives the connection to targets.postgres.
        """
        self._runtime = runtime
        self._connect = connect

    @property
    def names(self) -> tuple[str, ...]:
        """All queues that audit.yaml declares.

        Raises:
            CouldNotRun: It declares none.
        """
        return tuple(settings_of(self._runtime, "queues").tables)

    def read(self, name: str) -> Waiting:
        """What waits in a queue now.

        Raises:
            CouldNotRun: audit.yaml has no queue of that name, or the database lacks its table or a column of it.
            psycopg.Error: The database does not answer, or the audit's role may not read the table.
        """
        if name not in self.names:
            raise CouldNotRun(f"targets.queues has no {name}; it has: {', '.join(self.names)} ({self._origin()})")
        declared: QueueTable = settings_of(self._runtime, "queues").tables[name]
        connection = self._connect()
        wanted = [declared.created, *([declared.done] if declared.done else [])]
        table, asked, columns, type_ = connection.execute(NAMES, [declared.table, wanted, declared.table]).fetchone()
        missing = [f"column {column}" for column, there in zip(asked, columns, strict=True) if there is None]
        if table is None or missing:
            what = f"{', '.join(missing)} in {table}" if table else f"table {declared.table}"
            raise CouldNotRun(f"targets.queues.tables.{name}: there is no {what} ({self._origin(name)})")
        if type_ != WITH_ZONE:
            raise CouldNotRun(
                f"targets.queues.tables.{name}: column {declared.created} of {table} is {type_}, of which nobody can "
                f"tell how long ago it is: name one that is {WITH_ZONE} ({self._origin(name)})"
            )
        known = dict(zip(asked, columns, strict=True))
        where = f" WHERE {known[declared.done]} IS NULL" if declared.done else ""
        statement = WAITING.format(created=known[declared.created], table=table, where=where)
        depth, oldest = connection.execute(statement).fetchone()
        return Waiting(name, int(depth), float(oldest))

    def _origin(self, *path: str) -> str:
        return origin_of(self._runtime, "targets", "queues", *(("tables", *path) if path else ()))


def look(runtime: Runtime, _: object) -> list[Waiting]:
    """Read all of them, for `backend-audit doctor`.

    Raises:
        CouldNotRun: One can't be read.
    """
    from pytest_backend_audit.targets.postgres import open_postgres  # noqa: PLC0415 - the driver loads with it

    queues = Queues(runtime, lambda: open_postgres(runtime, settings_of(runtime, "postgres")))
    return [queues.read(name) for name in queues.names]
