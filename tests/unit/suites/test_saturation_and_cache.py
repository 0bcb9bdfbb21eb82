"""The checks of saturation alerts and of the cache's connections, of systems that differ from the reference one."""

from __future__ import annotations

import itertools
import re
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.stranger import Service

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.connections import cache_connections
from pytest_backend_audit.suites.connections.saturation_alerts import (
    test_an_alert_fires_when_a_pool_is_saturated as alerts,
)
from pytest_backend_audit.targets.endpoints import Endpoint, Endpoints
from pytest_backend_audit.testing import run_check


class Watching:
    """For ``audit_prometheus``: rules, and what is there."""

    selector = {"job": "orders"}  # noqa: RUF012 - a literal

    def __init__(self, *queries: str, there: dict[str, dict[str, str]], health: str = "ok") -> None:
        self.queries, self.there, self.health = queries, there, health

    def rules(self) -> list[dict[str, str]]:
        """Alerts A0, A1, ..."""
        return [
            {"type": "alerting", "name": f"A{n}", "query": q, "health": self.health, "lastError": "bad"}
            for n, q in enumerate(self.queries)
        ]

    def query(self, promql: str) -> list[dict[str, object]]:
        """A sample if it is there."""
        return [{"metric": self.there[promql], "value": [0, "1"]}] if promql in self.there else []

    def series_counts(self) -> dict[str, int]:
        """All of the service's names."""
        return {"jobs_waiting": 1, "hikaricp_connections_pending": 2}


MINE, OTHERS = {"job": "orders"}, {"job": "billing"}
HINT = """  one that does: {alert: PoolSaturated, expr: 'hikaricp_connections_pending{job="orders"} > 0', for: 5m}"""


@pytest.mark.parametrize(
    ("prometheus", "said"),
    [
        (Watching("db_pool_waiting > 0", there={"db_pool_waiting": MINE}), []),
        (Watching("up == 0", "db_pool_waiting > 0", there={"db_pool_waiting": {}}), []),
        (Watching("pgbouncer_pools_client_waiting_connections > 0",
                  there={"pgbouncer_pools_client_waiting_connections": {"job": "pgbouncer"}}), []),
        (Watching("pgbouncer_pools_client_maxwait_seconds > 1", there={}),
         ["none of 1 alerting rules watches a pool's waiting callers or used connections",
          "  - A0: no series is pgbouncer_pools_client_maxwait_seconds", HINT]),
        (Watching("dotnet_thread_pool_queue_length > 9", there={"dotnet_thread_pool_queue_length": MINE}),
         ["none of 1 alerting rules watches a pool's waiting callers or used connections: A0", HINT]),
        (Watching("agroal_awaiting_count > 0", there={"agroal_awaiting_count": MINE}), []),
        (Watching(there={}),
         ["none of 0 alerting rules watches a pool's waiting callers or used connections: there are none", HINT]),
        (Watching("up == 0", there={"up": MINE}),
         ["none of 1 alerting rules watches a pool's waiting callers or used connections: A0", HINT]),
        (Watching("db_pool_waiting > 0", there={}),
         ["none of 1 alerting rules watches a pool's waiting callers or used connections",
          "  - A0: no series is db_pool_waiting", HINT]),
        (Watching("db_pool_waiting > 0", there={"db_pool_waiting": OTHERS}),
         ["none of 1 alerting rules watches a pool's waiting callers or used connections",
          '  - A0: no series of the service (job="orders") is db_pool_waiting', HINT]),
        (Watching("pool_active / pool_max > 0.9", there={"pool_active": MINE, "pool_max": MINE}),
         ["none of 1 alerting rules watches a pool's waiting callers or used connections",
          "  - A0: nothing comes of pool_active / pool_max: do the labels match?", HINT]),
        (Watching("db_pool_waiting > 0", there={"db_pool_waiting": MINE}, health="err"),
         ["none of 1 alerting rules watches a pool's waiting callers or used connections",
          "  - A0: its health is err: bad", HINT]),
    ],
)  # fmt: skip
def test_a_rule_has_to_be_able_to_fire(prometheus: Watching, said: list[str]) -> None:
    """Healthy, on series of the service that are there, with labels that match; else the message gives one."""
    ran = run_check(alerts, audit_prometheus=prometheus)
    assert ran.status is (Status.FAILED if said else Status.PASSED)
    assert ran.reason.splitlines() == said


CACHED = Endpoint("GET", "/a", class_="read-cacheable")


def judge(
    audit_yaml,
    *,
    each: int = 0,
    always: int = 0,
    looked: float = 1,
    endpoint: Endpoint = CACHED,
    status: int = 200,
    processes: int = 0,
):
    """The check, of connections that come with each request, with each process's first, or always meanwhile."""
    counted = {"total_connections_received": 0, "keyspace_hits": 0, "keyspace_misses": 0}

    def answer(_: httpx.Request) -> httpx.Response:
        counted["total_connections_received"] += each + (counted["keyspace_hits"] < processes)
        counted["keyspace_hits"] += looked
        return httpx.Response(status)

    def info(_: str) -> dict[str, int]:
        seen = dict(counted)
        counted["total_connections_received"] += always
        return seen

    service = Service(answer)
    return run_check(
        cache_connections.test_connections_to_the_cache_are_pooled, audit_redis=SimpleNamespace(info=info),
        audit_http=service.client(), audit_identity=service.identity, audit_endpoints=Endpoints([endpoint], "literal"),
        audit_settings=audit_yaml().settings,
    )  # fmt: skip


def test_connections_of_others_are_not_the_services(audit_yaml) -> None:
    """As many come without our requests."""
    assert judge(audit_yaml, always=400).status is Status.PASSED


def test_the_first_connection_of_each_process_is_no_fault(audit_yaml) -> None:
    """Of 16 processes all are asked in the first round of fifty requests."""
    assert judge(audit_yaml, processes=16).status is Status.PASSED


def test_a_connection_for_each_request_is_told(audit_yaml) -> None:
    """Beside those of others."""
    ran = judge(audit_yaml, each=1, always=7)
    assert ran.status is Status.FAILED
    assert re.sub(r"in \d+\.\d s", "in 0.0 s", ran.reason) == (
        "50 requests (standard) to GET /a took 50 new connections to the cache (57 came in 0.0 s, 7 in as long without "
        "them), 1.00 for each; at most 0.2 (standard) may be"
    )


def test_lookups_that_fail_for_want_of_ports_excuse_nobody(audit_yaml) -> None:
    """Who opens a connection for each lookup runs out of them: enough that most lookups came through."""
    assert judge(audit_yaml, each=3, looked=0.9).reason.startswith("50 requests (standard) to GET /a took 150 new")
    assert judge(audit_yaml, each=3, looked=0.4).status is Status.COULD_NOT_RUN
    assert judge(audit_yaml, looked=0.9).status is Status.COULD_NOT_RUN


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"endpoint": Endpoint("GET", "/a")}, "none of 1 operations is declared as read-cacheable (audit.yaml, "),
        ({"status": 404}, "GET /a answered 404 ()"),
        ({"looked": 0}, "50 requests (standard) to GET /a made 0 lookups in the cache: they don't reach it"),
    ],
)  # fmt: skip
def test_requests_that_show_nothing_could_not_run(audit_yaml, given: dict[str, object], reason: str) -> None:
    """Each with its reason."""
    ran = judge(audit_yaml, **given)
    assert (ran.status, ran.reason[: len(reason)]) == (Status.COULD_NOT_RUN, reason)


def test_the_requests_are_as_many_as_the_setting_says(audit_yaml, monkeypatch) -> None:
    """Spread over all that the cache is for."""
    monkeypatch.setattr(cache_connections.time, "monotonic", itertools.count().__next__)
    monkeypatch.setattr(cache_connections.time, "sleep", lambda _: None)
    assert judge(audit_yaml, each=1).reason.startswith("50 requests (standard) to GET /a took 50 new connections")
