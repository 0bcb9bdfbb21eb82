"""The check of pools' lifetimes, of services that differ from the reference one."""

from __future__ import annotations

import contextlib
import time
from collections import namedtuple
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.stranger import Service

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.connections import _seeing, pool_lifetimes
from pytest_backend_audit.testing import LiteralPostgres, run_check

CHECK = pool_lifetimes.test_no_connection_outlives_its_pools_limits
METRICS = "    metrics: [http://a/metrics]\n"
POOLS = "  postgres: {dsn: 'host=db'}\npools:\n  main: {size: 4, max_lifetime: 60, idle_timeout: 30}\n"
Row = namedtuple("Row", "pid role application_name backend_type sessions age operator")
Up = namedtuple("Up", "up")
YOUNG = Row(1, "app", "web", "client backend", 1, 91.0, False)
OLD = Row(2, "app", "web", "client backend", 1, 92.0, False)
OPERATOR = Row(3, "dba", "psql", "client backend", 1, 9000.0, True)
UNSEEN = Row(4, "app", None, None, 1, None, False)


def judge(
    audit_yaml,
    *rows: Row,
    more: str = POOLS,
    metrics: str = METRICS,
    page: str = "",
    up: float = 3600,
    server: float = 7200,
):
    """The check, of these sessions, of an instance with this page, or that runs for so long, and of such a server."""
    around = audit_yaml(metrics, more)
    page = page or f"process_start_time_seconds {time.time() - up}\n"
    return run_check(
        CHECK, audit_postgres=LiteralPostgres({"pg_postmaster_start_time": [Up(server)]}, otherwise=rows),
        audit_declared=around.declared, request=None,
        audit_http=Service(lambda _: httpx.Response(200, text=page)).client(), audit_acknowledged=around.acknowledged,
    )  # fmt: skip


def test_connections_inside_their_limits_pass(audit_yaml) -> None:
    """Operators may stay for as long as they like; a session may be as old as both limits, and a little slack."""
    assert judge(audit_yaml, YOUNG, OPERATOR).status is Status.PASSED


def test_one_that_is_too_old_is_named(audit_yaml) -> None:
    """With the limits and their place, so that it can be mended or acknowledged."""
    ran = judge(audit_yaml, YOUNG, OLD, OPERATOR)
    assert (ran.status, ran.reason) == (
        Status.FAILED,
        "1 of 2 connections of the pool main are older than it allows: app@web: 1; the oldest is 92 s old; declared "
        "are max_lifetime 60 s and idle_timeout 30 s (audit.yaml:9); to acknowledge: pool-lifetimes:app@web",
    )
    known = "acknowledged: [{item: 'pool-lifetimes:app@web', reason: a, who: A, ticket: T, expires: 2026-02-01}]\n"
    assert judge(audit_yaml, YOUNG, OLD, more=POOLS + known).status is Status.PASSED


def test_a_limit_that_is_not_declared_is_not_set(audit_yaml) -> None:
    """Each by its name."""
    ran = judge(audit_yaml, YOUNG, more=POOLS.replace(", idle_timeout: 30", "") + "  other: {size: 1}\n")
    assert ran.status is Status.FAILED
    assert ran.reason.startswith(
        "3 of 4 limits of pools are not set: main.idle_timeout, other.max_lifetime, other.idle_timeout (audit.yaml:8); "
        "to acknowledge: pool-lifetimes:main.idle_timeout"
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"more": ""}, "pools is not configured (audit.yaml): declare it, for instance pools: {orders: {size: 8, "),
        ({"metrics": ""}, "targets.http.metrics is not configured (audit.yaml:4): declare it, for instance metrics: ["),
        ({"up": 30}, "the youngest instance has run for 30 s, and its connections may live for 94 s: audit when it"),
        ({"server": 40}, "the database server has run for 40 s, and its connections may live for 94 s: audit when it"),
        ({"page": "up 1\n"}, "http://a/metrics has no process_start_time_seconds: without it nobody knows whether"),
        ({"page": "<p>"}, "http://a/metrics answers text/plain"),
    ],
)
def test_what_proves_nothing_could_not_run(audit_yaml, given: dict[str, object], reason: str) -> None:
    """Youth, silence, and a file that says nothing."""
    ran = judge(audit_yaml, YOUNG, **given)
    assert (ran.status, ran.reason[: len(reason)]) == (Status.COULD_NOT_RUN, reason)


def test_nobody_connected_or_visible_could_not_run(audit_yaml, monkeypatch) -> None:
    """Each with the way out."""
    monkeypatch.setattr(_seeing, "PAUSE", 0)
    assert judge(audit_yaml, OPERATOR).reason == (
        "nobody is connected out of the pool main: audit while the service is used"
    )
    assert judge(audit_yaml, UNSEEN).reason == ("1 sessions are hidden from the audit's role: GRANT pg_monitor to it")


class Console:
    """The console of a PgBouncer whose connections to the server have these process ids."""

    def __init__(self, *opened: int) -> None:
        self.told = {
            "SHOW CONFIG": [
                {"key": "server_lifetime", "value": "6"},
                {"key": "server_idle_timeout", "value": "1"},
            ],
            "SHOW DATABASES": [{"name": "orders", "database": "orders"}],
            "SHOW SERVERS": [{"remote_pid": pid} for pid in opened],
        }

    def execute(self, command: str) -> SimpleNamespace:
        """What it answers."""
        found = self.told[command]
        columns = [SimpleNamespace(name=name) for name in found[0]]
        return SimpleNamespace(description=columns, fetchall=lambda: [tuple(row.values()) for row in found])


@pytest.mark.parametrize(
    ("ages", "said"),
    [
        ((11.5, 5.4, 4.6, 3.8, 3.0, 2.2, 1.3, 0.5), ""),
        (
            (14.6, 5.4),
            "1 of 2 sessions that PgBouncer opened are older than it allows: up to 15 s; server_lifetime is 6 s, "
            "server_idle_timeout is 1 s, and it closes what it opened together over twice server_lifetime",
        ),
    ],
)
def test_a_pooler_closes_what_it_opened_together_one_by_one(ages: tuple[float, ...], said: str) -> None:
    """The first ages are those of a real one: eight connections in use, and a server_lifetime of six seconds."""
    rows = [Row(pid, "app", "web", "client backend", 1, age, False) for pid, age in enumerate(ages)]
    server = LiteralPostgres(otherwise=rows)
    server.info = SimpleNamespace(dbname="orders")
    with pytest.raises(AssertionError) if said else contextlib.nullcontext() as caught:
        pool_lifetimes._hold_the_pooler_to_its_limits(server, Console(*range(len(ages))))
    assert str(caught.value).splitlines()[0] == said if caught else said == ""
