"""Hot paths use prepared statements.

Over a window with traffic, the statements that are called most are looked at, against the busiest one: how often the
server planned them (pg_stat_statements with track_planning). A statement that its client has prepared is planned a few
times on each connection and then runs by the plan that is kept; one that is not is planned at each call. After a deploy
each connection is young: where too many were planned, a window with five times as many calls follows and decides.
Statements that read no table, such as a pool's ``SELECT 1``, have no plan worth keeping and are left out. A pooler in
transaction mode has to know prepared statements for that, as PgBouncer does from 1.21 on: where all sessions of the
service come through an older one, nobody may prepare anything, and the check could not run.

Impact: Parsing and planning a lookup by key takes the server as long as running it: hot paths pay twice, in latency and
in the database's CPU.

Remediation: Let the client prepare (psycopg: prepare_threshold; asyncpg: statement_cache_size; pgx:
default_query_exec_mode=cache_statement; JDBC: prepareThreshold); through PgBouncer 1.21 or later set
max_prepared_statements. A comment that differs from request to request makes each statement a new one: give the route
instead. Where the server goes on making a plan for each call of a prepared statement, one plan may do for all values
(plan_cache_mode = force_generic_plan for the role), connections may end too soon, or values differ so much that it is
to be acknowledged.

Verification: SELECT query, calls, plans FROM pg_stat_statements ORDER BY calls DESC LIMIT 10, a busy minute apart.

Effort: S
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis import pgbouncer
from pytest_backend_audit.analysis.prepared import BUSIEST, COUNT, Called, hot, never_planned, reading, uncounted
from pytest_backend_audit.analysis.sessions import past_the_pooler
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites.connections._seeing import console_of, rows_of, show
from pytest_backend_audit.suites.query_performance._plans import must_be_apart, state, trouble

TRACKED = "SELECT setting, source FROM pg_catalog.pg_settings WHERE name = 'pg_stat_statements.track_planning'"
LONGER = 5
"""Times as many calls, in the window that decides: clients prepare after some calls on each connection."""
LONGEST = 60.0
"""Seconds in which they must come; where they don't, the first window decides."""
# Of this database, and not the audit's own; what the server plans at all, and from tables.
COUNTED = r"""
SELECT s.queryid::text AS id, min(s.query) AS query, sum(s.calls)::bigint AS calls, sum(s.plans)::bigint AS plans
FROM {schema}.pg_stat_statements s
JOIN pg_catalog.pg_database d ON d.oid = s.dbid AND d.datname = current_database()
WHERE s.userid <> (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = current_user) AND s.toplevel
  AND s.query ~* '^(\s|\(|--[^\n]*\n|/\*([^*]|\*+[^*/])*\*+/)*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE)\M'
  AND s.query ~* '\m(FROM|INTO|UPDATE|TABLE)\M'
GROUP BY s.queryid
"""


@dataclass(frozen=True)
class Pooler:
    """The pooler before the database."""

    version: tuple[int, int] | None = None
    """None where there is none, or some of the service's sessions don't come through it."""
    pools: tuple[str, ...] = ()
    """Of its pools those that are in transaction mode, or hand connections over by the statement."""
    kept: int = 0
    """Prepared statements of a connection that it knows."""

    @property
    def name(self) -> str:
        """For a message."""
        return f"PgBouncer {self.version[0]}.{self.version[1]}" if self.version else ""


@pytest.fixture
def pooler(audit_postgres: Any, audit_declared: Any, request: pytest.FixtureRequest) -> Pooler:
    """The pooler, where all of the service's sessions come through it."""
    console = console_of(audit_declared, request)
    if console is None:
        return Pooler()
    told = show(console, "VERSION")
    if not pgbouncer.is_pgbouncer(told):
        return Pooler()
    names = [row["name"] for row in pgbouncer.served(show(console, "DATABASES"), audit_postgres.info.dbname)]
    pools = pgbouncer.pools(show(console, "POOLS"), names)
    opened = {int(row["remote_pid"]) for row in show(console, "SERVERS")}
    sessions = rows_of(audit_postgres)
    opened |= {int(row["remote_pid"]) for row in show(console, "SERVERS")}  # one may have come or gone meanwhile
    if not pools or past_the_pooler(sessions, opened, {row["user"] for row in pools}):
        return Pooler()
    shared = tuple(f"{row['database']}/{row['user']}" for row in pools if row["pool_mode"] != "session")
    return Pooler(pgbouncer.version(told), shared, pgbouncer.prepared(show(console, "CONFIG")))


@audit(dimension="4.1", criterion="prepared-statements", level=4)
def test_hot_paths_are_prepared(
    audit_postgres: Any, audit_window: Any, audit_settings: Any, audit_acknowledged: Any, pooler: Pooler
) -> None:
    """Hot paths use prepared statements."""
    enough, share = audit_settings.value("prepared-window-calls"), audit_settings.value("hot-statement-share")
    most = audit_settings.value("planned-call-share")
    if pooler.version and pooler.version < pgbouncer.PREPARES and pooler.pools:
        raise CouldNotRun(
            f"{pooler.name} ({pooler.pools[0]}) prepares nothing in transaction mode: use {pgbouncer.PREPARES[0]}."
            f"{pgbouncer.PREPARES[1]} or later, with max_prepared_statements"
        )
    told = state(audit_postgres)
    if wrong := trouble(told):
        raise CouldNotRun(wrong)
    if not told.sees_all:
        raise CouldNotRun("the role may not see other roles' statements: GRANT pg_read_all_stats (or pg_monitor) to it")
    must_be_apart(audit_postgres)
    if wrong := uncounted(audit_postgres.execute(TRACKED).fetchone()):
        raise CouldNotRun(wrong)
    counted = COUNTED.format(schema=told.schema)

    def watch(calls: float, within: float) -> tuple[list[Called], Any]:
        begun = reading(audit_postgres.execute(counted).fetchall(), {})
        with audit_window(
            lambda: reading(audit_postgres.execute(counted).fetchall(), begun),
            traffic=[BUSIEST],
            at_least=calls,
            within=within,
            what="calls of the busiest statement",
        ) as window:
            pass
        texts = {row.id: row.query for row in audit_postgres.execute(counted)}
        return hot(window.delta, share.number, texts), window

    found, window = watch(enough.number, LONGEST / 2)
    if never_planned(audit_postgres.execute(counted).fetchall()):
        raise CouldNotRun(f"no plan of any of the service's statements was ever counted: {COUNT}")
    if any(statement.planned > most.number for statement in found):
        with suppress(CouldNotRun):
            found, window = watch(LONGER * enough.number, LONGEST)
    left = audit_acknowledged([s for s in found if s.planned > most.number], key="item")
    kept = f"; {pooler.name} has max_prepared_statements = {pooler.kept}" if pooler.version and pooler.pools else ""
    assert not left, (
        f"{len(left)} of {len(found)} hot statements are planned again and again: they are not prepared, or the server "
        f"makes a custom plan for each call (hot: at least {share} of the busiest one's {window.delta[BUSIEST]:g} "
        f"calls in {window.seconds:.0f} s; planned: more than {most} of its calls){kept}:"
        f"{lines(left)}\nto acknowledge: {left.names}"
    )
