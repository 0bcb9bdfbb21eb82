"""The checks of a pool's size and of its gauges, of services that differ from the reference one."""

from __future__ import annotations

import json
import re
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.stranger import Service

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.connections import _seeing
from pytest_backend_audit.suites.connections.pool_formula import (
    test_pools_follow_from_their_users_and_fit_the_server as formula,
)
from pytest_backend_audit.suites.connections.pool_metrics import (
    test_each_pool_exports_active_idle_and_waiting as gauges,
)
from pytest_backend_audit.suites.connections.pool_size import test_each_pool_has_the_size_that_was_set as size
from pytest_backend_audit.targets.source import Match
from pytest_backend_audit.testing import LiteralPostgres, run_check

Row = namedtuple("Row", "pid role application_name backend_type sessions age operator")
METRICS = "    metrics: [http://a/metrics, http://b/metrics]\n"
POOLS = "  postgres: {dsn: 'host=db'}\npools:\n  main: {size: 4, processes: 2}\n"
PAGE = 'pool_connections{{state="active"}} {active}\npool_connections{{state="idle"}} {idle}\npool_waiting 0\n{more}'


def page(active: int = 1, idle: int = 1, more: str = "pool_max 4\n") -> httpx.Response:
    """A metrics page."""
    return httpx.Response(200, text=PAGE.format(active=active, idle=idle, more=more))


def client(second: httpx.Response) -> httpx.Client:
    """Of two instances, the first of which is sound."""
    return Service(lambda r: page() if r.url.host == "a" else second).client()


def judge_gauges(audit_yaml, second: httpx.Response, more: str = ""):
    """The check of gauges."""
    around = audit_yaml(METRICS, POOLS + more)
    return run_check(
        gauges, audit_http=client(second), audit_declared=around.declared, audit_acknowledged=around.acknowledged
    )


def test_pools_with_their_gauges_pass(audit_yaml) -> None:
    """On each page."""
    assert judge_gauges(audit_yaml, page()).status is Status.PASSED


def test_a_gauge_that_one_instance_lacks_is_named(audit_yaml) -> None:
    """With its page; it can be acknowledged by the pool."""
    second = httpx.Response(200, text='pool_connections{state="idle"} 1\n')
    ran = judge_gauges(audit_yaml, second)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "1 of 1 pools don't export all of active, idle, waiting",
        "  - main: no active, waiting at http://b/metrics",
        "  to acknowledge: pool-metrics:main",
    ]
    known = "acknowledged: [{item: 'pool-metrics:main', reason: a, who: A, ticket: T, expires: 2026-02-01}]\n"
    assert judge_gauges(audit_yaml, second, known).status is Status.PASSED


def test_a_second_pool_needs_gauges_of_its_own(audit_yaml) -> None:
    """What one pool exports is not counted twice."""
    ran = judge_gauges(audit_yaml, page(), "  jobs: {size: 1}\n")
    assert ran.reason.startswith(
        "1 of 2 pools don't export all of active, idle, waiting\n  - jobs: no active, idle, wai"
    )


def test_an_html_page_exports_nothing(audit_yaml) -> None:
    """Whatever its status."""
    ran = judge_gauges(audit_yaml, httpx.Response(200, html="<p>Welcome</p>"))
    assert ran.status is Status.FAILED
    assert ran.reason.startswith("http://b/metrics answers text/html that does not parse as metrics: ")


def test_gauges_that_are_always_zero_show_nothing(audit_yaml) -> None:
    """A pool without a single connection in any instance."""
    around = audit_yaml(METRICS, POOLS)
    ran = run_check(
        gauges, audit_http=Service(lambda _: page(0, 0)).client(), audit_declared=around.declared,
        audit_acknowledged=around.acknowledged,
    )  # fmt: skip
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "main: all 2 pages say that the pool has no connection at all: audit while the service is used",
    )


class Tree:
    """For ``audit_source``."""

    def __init__(self, *found: str) -> None:
        self.found = [Match(path, 3, text) for path, _, text in (line.partition(": ") for line in found)]

    def grep(self, regex: str, glob: str) -> list[Match]:
        """Lines that match."""
        return [m for m in self.found if m.path.endswith(glob.removeprefix("**/*")) and re.search(regex, m.text)]


def asking(second: httpx.Response | None, *tree: str) -> SimpleNamespace:
    """For ``request``: the client and the tree, for whoever asks; no client where the service speaks no HTTP."""
    given = {"audit_source": Tree(*tree)} | ({"audit_http": client(second)} if second is not None else {})
    return SimpleNamespace(getfixturevalue=given.__getitem__)


def judge_size(audit_yaml, *names: str, second: httpx.Response, tree: tuple[str, ...] = (), more: str = ""):
    """The check of sizes, of sessions with these names."""
    around = audit_yaml(METRICS, POOLS + more)
    rows = [Row(pid, "app", name, "client backend", 1, 5.0, False) for pid, name in enumerate(names)]
    return run_check(
        size, audit_postgres=LiteralPostgres(otherwise=rows),
        audit_declared=around.declared, audit_acknowledged=around.acknowledged,
        request=asking(second, *tree),
    )  # fmt: skip


@pytest.mark.parametrize("told", [4, 8])
def test_a_size_that_holds_passes(audit_yaml, told: int) -> None:
    """That of a process, or of all of an instance's."""
    assert judge_size(audit_yaml, "web", second=page(more=f"pool_max {told}\n")).status is Status.PASSED


def test_another_size_and_too_many_connections_are_told(audit_yaml) -> None:
    """Each with the declared size and its place."""
    ran = judge_size(audit_yaml, *["web"] * 9, second=page(more="pool_max 10\n"))
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "1 of 1 pools don't have the size that is declared",
        "  - main: declared is 4 (audit.yaml:9), http://b/metrics says that it has at most 10",
        "  - main: declared is 4 (audit.yaml:9), it has 9 connections, and 8 may be",
        "  to acknowledge: pool-size:main",
    ]


def test_a_connection_of_no_declared_pool_is_told(audit_yaml) -> None:
    """By role and application."""
    named = "    application_name: web-*\n"
    more = POOLS.replace("{size: 4, processes: 2}", "\n    size: 4\n    processes: 2\n" + named)
    around = audit_yaml(METRICS, more)
    rows = [Row(n, "app", name, "client backend", 1, 5.0, False) for n, name in enumerate(["web-1", "cron", "cron"])]
    ran = run_check(
        size, audit_postgres=LiteralPostgres(otherwise=rows),
        audit_declared=around.declared, audit_acknowledged=around.acknowledged, request=None,
    )  # fmt: skip
    assert (ran.status, ran.reason) == (
        Status.FAILED,
        "2 connections belong to no declared pool: app@cron; add theirs to pools (audit.yaml:8); to acknowledge: "
        "pool-size:app@cron",
    )


@pytest.mark.parametrize(
    ("line", "sets"),
    [
        ("app.py:     max_size=8,", True),
        ("app.py: engine = create_engine(dsn, poolclass=QueuePool, pool_size=5)", True),
        ("app.py: cfg.catalog_pool_size = 8", True),
        ("db.go: db.SetMaxOpenConns(25)", True),
        ("application.yml:       maximum-pool-size: 8", True),
        (".env: DB_POOL_SIZE=8", True),
        ("app.py: settlement_pool_size = 8", True),
        ("deploy.yaml:   --pool-size=8", True),
        ("app.py: @lru_cache(maxsize=128)", False),
        ("app.py: # max_size=8", False),
        ("db.go: // db.SetMaxOpenConns(25)", False),
        ("application.yml: # maximum-pool-size: 10", False),
        ("app.py: prices = TTLCache(maxsize=1000, ttl=60)", False),
        ("tests/test_app.py: pool = ConnectionPool(dsn, max_size=1)", False),
        ("app.py: jobs = Queue(maxsize=10)", False),
        ("settings.py: THREAD_POOL_SIZE = 4", False),
        ("settings.yaml: log_max_size: 10", False),
    ],
)
def test_where_no_page_tells_a_size_the_tree_has_to(audit_yaml, line: str, sets: bool) -> None:
    """Else the library's default holds. Nobody is asked by HTTP: a worker speaks none."""
    around = audit_yaml("", POOLS)

    def judge(*tree: str):
        return run_check(
            size, audit_postgres=LiteralPostgres(otherwise=[Row(1, "app", "web", "client backend", 1, 5.0, False)]),
            audit_declared=around.declared, audit_acknowledged=around.acknowledged,
            request=asking(None, *tree),
        )  # fmt: skip

    assert judge(line).status is (Status.PASSED if sets else Status.FAILED)
    ran = judge()
    assert ran.status is Status.FAILED
    assert ran.reason.startswith("no size is set for main: no metrics page tells its maximum, and no line of the tree")


def test_nobody_connected_shows_nothing(audit_yaml, monkeypatch) -> None:
    """The size of an empty pool is not seen."""
    monkeypatch.setattr(_seeing, "PAUSE", 0)
    ran = judge_size(audit_yaml, second=page())
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "nobody is connected out of main: audit while the service is used",
    )


def test_the_pools_of_a_service_that_speaks_no_http_follow_the_formula_too(audit_yaml) -> None:
    """An audit of an ingester could not look, for want of targets.http."""
    server = namedtuple("Server", "most kept_back login slots neighbours")(20, 3, 60.0, 2, [])

    def judge(size: int):
        around = audit_yaml(
            "", f"  postgres: {{dsn: 'host=db'}}\npools:\n  main: {{size: {size}, workers: 1, threads: 4}}\n"
        )
        return run_check(
            formula, audit_postgres=LiteralPostgres(otherwise=[server]), audit_declared=around.declared,
            audit_settings=around.settings, audit_acknowledged=around.acknowledged, request=asking(None),
        )  # fmt: skip

    assert judge(4).status is Status.PASSED
    assert (
        judge(5).reason.splitlines()[1].startswith("  - main: workers 1 x threads 4 x factor 1 = 4, and not declared 5")
    )


SAID = json.loads((Path(__file__).parents[1] / "analysis" / "data" / "pgbouncer-1.18.json").read_text())


@pytest.mark.parametrize(
    ("named", "column", "reason"),
    [
        (", application_name: 'orders-*'", True, ""),
        ("", False, ""),
        (
            ", application_name: 'orders-*'",
            False,
            "PgBouncer tells no names of its clients, by which those of the pool main are known: use 1.18 or later, or "
            "leave application_name out where the pool is the only one (audit.yaml, pools)",
        ),
    ],
)
def test_a_pooler_that_tells_no_names_does_not_tell_pools(audit_yaml, named: str, column: bool, reason: str) -> None:
    """Before 1.18: all clients were of no declared pool by that."""

    def execute(command: str) -> SimpleNamespace:
        said = SAID[command.removeprefix("SHOW ")]
        kept = [n for n, name in enumerate(said["columns"]) if column or name != "application_name"]
        return SimpleNamespace(
            description=[SimpleNamespace(name=said["columns"][n]) for n in kept],
            fetchall=lambda: [tuple(row[n] for n in kept) for row in said["rows"]],
        )

    pools = f"pools:\n  main: {{size: 40{named}}}\n"
    around = audit_yaml("", f"  postgres: {{dsn: 'host=db'}}\n  pgbouncer: {{dsn: 'host=pooler'}}\n{pools}")
    server = LiteralPostgres(otherwise=[])
    server.info = SimpleNamespace(dbname="orders")
    given = {"audit_pgbouncer": SimpleNamespace(execute=execute), "audit_source": Tree("app.py: max_size=40")}
    ran = run_check(
        size, audit_postgres=server, audit_declared=around.declared, audit_acknowledged=around.acknowledged,
        request=SimpleNamespace(getfixturevalue=given.__getitem__),
    )  # fmt: skip
    assert (ran.status, ran.reason) == (Status.COULD_NOT_RUN if reason else Status.PASSED, reason)
