"""Statements that a piece of work costs the database, counted by the server (pg_stat_statements) or in this process."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.analysis.statements import shortened
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.targets.inprocess import in_process
from pytest_backend_audit.targets.rows import normalised

if TYPE_CHECKING:
    from pytest_backend_audit.runtime import Runtime

STEERING = "BEGIN|START|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|SET|RESET|SHOW|DISCARD|DEALLOCATE|PREPARE"
"""How statements begin that only steer a session or transaction: they count in none of the ways to count."""
_STEERS = re.compile(rf"\s*(?:{STEERING})\b", re.IGNORECASE)
_WHOLE = 100_000
"""Characters of a statement that are told apart."""
# Of this database, without the audit's own statements and those that only steer. The audit's are told by their role,
# since nothing else tells them: the first row says how many sessions have that role and are no audit's.
CALLS = rf"""
SELECT '' AS id, current_user::text AS query, count(*) AS calls
FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name <> 'backend-audit'
UNION ALL
SELECT s.queryid::text || ':' || s.userid::text AS id, s.query, sum(s.calls)::bigint AS calls
FROM {{schema}}.pg_stat_statements s
JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datname = current_database()
WHERE s.userid <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user)
  AND s.query !~* '^\s*({STEERING})\y'
GROUP BY 1, 2
"""  # noqa: S608 - a constant
# It need not be on the search_path.
SCHEMA = """
SELECT quote_ident(n.nspname) FROM pg_catalog.pg_extension x
JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname = 'pg_stat_statements'
"""


@dataclass(slots=True)
class Counted:
    """What a block cost; filled in when it has ended."""

    by_query: dict[str, int] = field(default_factory=dict)
    """Statement, as the server normalises it -> calls."""

    @property
    def statements(self) -> int:
        """Calls of all statements."""
        return sum(self.by_query.values())


class QueryBudget:
    """Counts: ``with audit_query_budget(limit=3): audit_http.get("/v1/orders")``."""

    def __init__(self, runtime: Runtime, connect: Callable[[], Any]) -> None:
        self._runtime = runtime
        self._connect = connect

    @contextmanager
    def __call__(self, limit: int | None = None, what: str = "the block", of: Any = None) -> Iterator[Counted]:
        """Count statements while the block runs; BEGIN, SAVEPOINT, SET and their like don't count.

        Args:
            limit: Most that it may cost; None only counts.
            what: What is counted, for evidence and the message.
            of: Whose statements. None: those of all other roles in the database, by the server. Django's
                ``connection`` or ``connections``: what they send in this thread. A SQLAlchemy engine or connection, or
                the class ``sqlalchemy.Engine``: what they send in this process.

        Raises:
            pytest.fail.Exception: It cost more than `limit`; the message lists the statements.
            CouldNotRun: The server can't count: pg_stat_statements is not there, or was reset meanwhile, or somebody
                else has the audit's role. Django's log has overflowed. Or nothing at all was seen in this process,
                though a limit says that something may be.
            TypeError: `of` is nothing whose statements can be counted.
        """
        counted = Counted()
        if of is None:
            by = "pg_stat_statements"
            before = self._calls()
            yield counted
            self._take(counted, before, self._calls())
        else:
            source = in_process(of)
            by = source.by
            with source.watched(lambda statement, times: _add(counted, statement, times)):
                yield counted
            if limit and not counted.statements:
                raise CouldNotRun(
                    f"{what} sent no statement through what was counted ({by}): does it run in another thread or "
                    "process, or on another connection? Of what needs no statement say limit=0"
                )
        self._judge(counted, limit, what, by)

    def _take(self, counted: Counted, before: dict[str, tuple[str, int]], after: dict[str, tuple[str, int]]) -> None:
        if any(after.get(i, ("", 0))[1] < calls for i, (_, calls) in before.items()):
            raise CouldNotRun("pg_stat_statements was reset, or dropped statements, while the block ran: try again")
        for id_, (query, calls) in after.items():
            risen = calls - before.get(id_, ("", 0))[1]
            if risen:
                counted.by_query[query] = counted.by_query.get(query, 0) + risen

    def _judge(self, counted: Counted, limit: int | None, what: str, by: str) -> None:
        lines = [f"{n} x {' '.join(q.split())}" for q, n in sorted(counted.by_query.items(), key=lambda i: -i[1])]
        self._runtime.recorder.record(
            EvidenceKind.OUTPUT,
            f"statements of {what} ({by})",
            "\n".join(lines) or "none",
            target="postgres" if by == "pg_stat_statements" else by,
            facts={"statements": counted.statements, "limit": limit},
        )
        if limit is not None and counted.statements > limit:
            top = "; ".join(line[:200] for line in lines[:5])
            pytest.fail(f"{what} cost {counted.statements} statements, the budget is {limit}: {top}", pytrace=False)

    def _calls(self) -> dict[str, tuple[str, int]]:
        import psycopg  # noqa: PLC0415 - loaded with the first connection

        with self._runtime.recorder.paused():
            connection = self._connect()
            try:
                schemas = connection.execute(SCHEMA).fetchall()
                rows = connection.execute(CALLS.format(schema=schemas[0][0])).fetchall() if schemas else []
            except psycopg.errors.ObjectNotInPrerequisiteState:
                schemas = []
            if not schemas:
                raise CouldNotRun(
                    "pg_stat_statements is not available: load it by shared_preload_libraries and CREATE EXTENSION"
                )
        found = {row[0]: (row[1], int(row[2])) for row in rows}
        role, strangers = found.pop("", ("", 0))
        if strangers:
            raise CouldNotRun(
                f"{strangers} sessions that are not the audit's have its role {role}: their statements can't be told "
                "from the audit's; give the audit a role of its own"
            )
        return found


def _add(counted: Counted, statement: str, times: int) -> None:
    """Count a statement as the server would: without its literals, and without comments, which differ by request."""
    query = shortened(normalised(statement), _WHOLE)
    if not _STEERS.match(query):
        counted.by_query[query] = counted.by_query.get(query, 0) + times
