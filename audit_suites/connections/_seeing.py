"""What checks of connections share: who is connected, and what the instances' metrics pages say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from pytest_backend_audit import CouldNotRun
from pytest_backend_audit.analysis import pgbouncer
from pytest_backend_audit.analysis.metrics import NoMetricsError, read_page
from pytest_backend_audit.analysis.pools import Session, pooled, sessions
from pytest_backend_audit.analysis.sessions import hidden, others
from pytest_backend_audit.analysis.text import listed

T = TypeVar("T")
SERVED = ("postgres", "pgbouncer")
"""Targets whose connections end, directly or not, at the server that is looked at."""
LOOKS, PAUSE = 12, 0.2
"""How often to look for connections, where nobody has one, and the seconds between."""
SESSIONS = """
SELECT pid, usename AS role, application_name, backend_type, 1 AS sessions,
       extract(epoch FROM clock_timestamp() - backend_start)::float8 AS age,
       pg_has_role(usesysid, 'pg_monitor', 'MEMBER') AND usename <> current_user AS operator
FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND application_name <> 'backend-audit'
  AND coalesce(backend_type, 'client backend') = 'client backend'
"""


def declared_pools(declared: Any) -> dict[str, Any]:
    """The pools of audit.yaml that lead to the database.

    Raises:
        CouldNotRun: None is declared.
    """
    pools = {name: pool for name, pool in declared("pools").items() if pool.target in SERVED}
    if not pools:
        raise CouldNotRun(f"no pool of the target postgres is declared in pools ({declared.origin('pools')})")
    return pools


def console_of(declared: Any, request: Any) -> Any | None:
    """PgBouncer's console, where audit.yaml names one."""
    return request.getfixturevalue("audit_pgbouncer") if declared.configured("pgbouncer") else None


def show(console: Any, what: str) -> list[dict[str, Any]]:
    """Rows of a SHOW command."""
    return pgbouncer.named(console.execute(f"SHOW {what}"))


def rows_of(server: Any) -> list[Any]:
    """Every session of the database but the audits'.

    Sessions of the audit's role that are not an audit's count as a service's, whatever the role may do.

    Raises:
        CouldNotRun: The audit's role does not see them.
    """
    rows: list[Any] = server.execute(SESSIONS).fetchall()
    if unseen := hidden(rows):
        raise CouldNotRun(f"{unseen} sessions are hidden from the audit's role: GRANT pg_monitor to it")
    return rows


def seen_with(console: Any, server: Any) -> tuple[list[Any], set[int]]:
    """Every session of the database but the audits', and the process ids of those that the pooler opened."""
    opened = {int(row["remote_pid"]) for row in show(console, "SERVERS")}
    rows = rows_of(server)
    return rows, opened | {int(row["remote_pid"]) for row in show(console, "SERVERS")}  # one may have come meanwhile


def leading_to(console: Any, server: Any, rows: Iterable[Any]) -> set[tuple[Any, Any]]:
    """Host and port by which the pooler reaches the server of these sessions; none where nothing tells."""
    pids = {row.pid for row in rows}
    return pgbouncer.places(show(console, "DATABASES"), server.info.dbname, show(console, "SERVERS"), pids)


def served_here(console: Any, server: Any, rows: Iterable[Any]) -> list[Any]:
    """The pooler's databases that lead to the database of these sessions."""
    here = leading_to(console, server, rows)
    leading = pgbouncer.served(show(console, "DATABASES"), server.info.dbname)
    return [row for row in leading if not here or (row["host"], row["port"]) in here]


def connected(server: Any, console: Any | None, pools: Mapping[str, Any]) -> list[Session]:
    """The connections of services: the pooler's clients, and who connects past it.

    Args:
        server: ``audit_postgres``.
        console: Of the pooler, where there is one.
        pools: Declared pools: who bears the name of one is a service, whatever its role may do.

    Raises:
        CouldNotRun: Pools are told by their names, and the pooler tells none.
    """
    if console is None:
        return sessions(rows_of(server), pools=pools)
    rows, opened = seen_with(console, server)
    names = [row["name"] for row in served_here(console, server, rows)]
    clients = show(console, "CLIENTS")
    named = [name for name, pool in pools.items() if pool.application_name is not None]
    if named and not all("application_name" in row for row in clients):
        raise CouldNotRun(
            f"PgBouncer tells no names of its clients, by which those of the pool {listed(named)} are known: use 1.18 "
            "or later, or leave application_name out where the pool is the only one (audit.yaml, pools)"
        )
    return others(pooled(clients, names)) + sessions(rows, without=opened, pools=pools)


def looked(look: Callable[[], T], seen: Callable[[T], object], looks: int = LOOKS) -> T:
    """What a look shows, the last of several where none shows anybody.

    Services that connect anew for each request, as Django does unless it is told otherwise, are connected in some
    moments only.

    Args:
        look: Looks once.
        seen: Whether that showed anybody.
        looks: How often to look, at most.
    """
    found = look()
    for _ in range(looks - 1):
        if seen(found):
            break
        time.sleep(PAUSE)
        found = look()
    return found


def metrics_pages(
    http: Any, declared: Any, wrong: type[BaseException] = CouldNotRun
) -> dict[str, tuple[list[Any], str]]:
    """The metric families of each instance, by its page's URL, and the Date that came with them.

    Args:
        http: The client.
        declared: What audit.yaml says.
        wrong: What to raise where one is no metrics page: CouldNotRun, or AssertionError where that is the fault.
    """
    found = {}
    for url in declared("targets.http.metrics"):
        answer = http.get(url)
        try:
            families = read_page(answer.status_code, answer.headers.get("content-type", ""), answer.text)
        except NoMetricsError as error:
            raise wrong(f"{url} {error} ({declared.origin('targets.http.metrics')})") from None
        found[url] = (families, answer.headers.get("date", ""))
    return found
