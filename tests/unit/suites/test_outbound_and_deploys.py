"""The checks of outbound pools, held connections and deploys, of systems that differ from the reference one."""

from __future__ import annotations

import contextlib
from collections import namedtuple
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.stranger import Service

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.connections import async_holding, deploy_headroom, http_pools
from pytest_backend_audit.targets.endpoints import Endpoint, Endpoints
from pytest_backend_audit.testing import LiteralPostgres, run_check

READS = Endpoints([Endpoint("GET", "/calls", class_="a"), Endpoint("GET", "/cached", class_="a")], "literal")
POOL = "  downstream: {listen: '127.0.0.1:1'}\npools:\n  out: {target: downstream, size: 3, instances: 2}\n"


class Heard:
    """What a listener heard."""

    def __init__(self, per_request: float, processes: int = 0) -> None:
        self.requests, self.per_request, self.processes = 0, per_request, processes

    def per_connection(self) -> dict[int, int]:
        """As many as the requests make, or one for each process that was asked."""
        made = min(self.requests, self.processes) if self.processes else round(self.requests * self.per_request)
        made = max(1, made)
        return {number: self.requests // made + (number < self.requests % made) for number in range(made)}


def judge_outbound(
    audit_yaml,
    per_request: float,
    more: str = POOL,
    *,
    endpoints: Endpoints = READS,
    paths=("/calls",),
    processes: int = 0,
):
    """The check, of a service that calls its downstream for some paths."""
    heard = Heard(per_request, processes)
    around = audit_yaml("", more)

    def answer(request: httpx.Request) -> httpx.Response:
        heard.requests += request.url.path in paths
        return httpx.Response(200)

    service = Service(answer)
    ran = run_check(
        http_pools.test_outbound_connections_are_reused_and_bounded,
        audit_downstream=lambda: contextlib.nullcontext(heard), audit_http=service.client(),
        audit_identity=service.identity, audit_endpoints=endpoints, audit_declared=around.declared,
        audit_settings=around.settings,
    )  # fmt: skip
    return ran, service


def test_connections_that_are_reused_pass(audit_yaml) -> None:
    """Only reads that call each time are sent on, until enough calls came."""
    ran, service = judge_outbound(audit_yaml, 0.04)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert (service.asked.count("GET /calls"), service.asked.count("GET /cached")) == (52, 2)


def test_the_first_connection_of_each_process_is_no_fault(audit_yaml) -> None:
    """Of 16 processes nearly all are asked in the first round of fifty requests."""
    sized = POOL.replace("size: 3, instances: 2", "size: 1, processes: 8, instances: 2")
    ran, service = judge_outbound(audit_yaml, 0, sized, processes=16)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert service.asked.count("GET /calls") == 102


def test_a_connection_a_call_is_told_with_the_pools_size(audit_yaml) -> None:
    """Over the limit, and over the size."""
    ran, _ = judge_outbound(audit_yaml, 1)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "outbound connections are not pooled (asked: GET /calls)",
        "  - 50 calls came on 50 new connections, 1.00 for each; at most 0.2 (standard)",
        "  - 50 connections came, and out may have 6",
    ]


def test_a_pool_without_a_size_is_told(audit_yaml) -> None:
    """However well it reuses."""
    ran, _ = judge_outbound(audit_yaml, 0.04, "pools:\n  web: {target: http, size: 3}\n")
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines()[1:] == [
        "  - no pool of the target downstream is declared (audit.yaml:6): what is its size?"
    ]


@pytest.mark.parametrize(
    ("endpoints", "paths", "reason"),
    [
        (Endpoints([Endpoint("POST", "/a", class_="a")], ""), (), "no operation is declared that is read with GET"),
        (READS, (), "0 calls came to the downstream, 50 requests (standard) are wanted: of 2 declared reads none "),
    ],
)
def test_a_downstream_that_nobody_calls_could_not_be_heard(audit_yaml, endpoints, paths, reason: str) -> None:
    """With what to declare."""
    ran, _ = judge_outbound(audit_yaml, 1, endpoints=endpoints, paths=paths)
    assert (ran.status, ran.reason[: len(reason)]) == (Status.COULD_NOT_RUN, reason)


PAGE = 'pool_connections{{state="active"}} {active}\n'


def judge_holding(
    audit_yaml,
    monkeypatch,
    *,
    active: int,
    before: int = 0,
    working: int = 0,
    beside: int = 0,
    waiting: int = 9,
    slow=("/calls",),
    page: str = PAGE,
    more: str = "",
):
    """The check, of a service some of whose reads wait for the one dependency that is no database."""
    on: list[str] = []
    clock = [0.0]
    monkeypatch.setattr(
        async_holding, "time",
        SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda seconds: None),
    )  # fmt: skip

    def answer(request: httpx.Request) -> httpx.Response:
        clock[0] += 0.5 if on and request.url.path in slow else 0.01
        return httpx.Response(200, text=page.format(active=active if on else before))

    @contextlib.contextmanager
    def latency(name: str, _seconds: float):
        on.append(name)
        yield
        on.clear()

    around = audit_yaml("    metrics: [http://a/metrics, http://b/metrics]\n", more)
    service = Service(answer)
    load = SimpleNamespace(done=SimpleNamespace(concurrency=waiting))
    return run_check(
        async_holding.test_waiting_requests_hold_no_connection,
        audit_postgres=LiteralPostgres(otherwise=[("web", working), ("reports", beside)]),
        audit_http=service.client(), audit_identity=service.identity,
        audit_load=SimpleNamespace(background=lambda *_: contextlib.nullcontext(load)),
        audit_faults=SimpleNamespace(dependencies=("postgres", "pricing"), latency=latency), audit_endpoints=READS,
        audit_declared=around.declared,
    )  # fmt: skip


def test_connections_that_are_out_and_idle_are_held(audit_yaml, monkeypatch) -> None:
    """With the read, what it waits for, and the numbers."""
    ran = judge_holding(audit_yaml, monkeypatch, active=4, before=1, working=1)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "1 of 1 waiting reads hold database connections",
        "  - GET /calls waits for pricing: 6 more connections out and idle (median of 8) while 8 requests wait",
    ]


def test_connections_that_work_or_are_few_are_not_held(audit_yaml, monkeypatch) -> None:
    """Statements may run while requests wait."""
    assert judge_holding(audit_yaml, monkeypatch, active=1).status is Status.PASSED
    assert judge_holding(audit_yaml, monkeypatch, active=4, working=6).status is Status.PASSED


@pytest.mark.parametrize(
    ("series", "more"),
    [
        ('http_client_open_connections{{http_connection_state="active"}}', ""),
        ('httpcomponents_httpclient_pool_total_connections{{httpclient="x",state="leased"}}', ""),
        ('reactor_netty_connection_provider_active_connections{{id="1"}}', ""),
        ('redis_pool_connections{{state="active"}}', ""),
        ('pool_connections{{pool="pricing",state="active"}}', "pools: {pricing: {target: downstream, size: 20}}\n"),
    ],
)
def test_connections_to_what_is_slow_are_rightly_out(audit_yaml, monkeypatch, series: str, more: str) -> None:
    """Those of HTTP clients and of the cache, as their libraries export them: no database waits with them."""
    page = 'pool_connections{{state="active"}} 0\n' + series + " {active}\n"
    assert judge_holding(audit_yaml, monkeypatch, active=8, page=page, more=more).status is Status.PASSED
    ran = judge_holding(audit_yaml, monkeypatch, active=8, page=page + "db_pool_in_use {active}\n", more=more)
    assert ran.status is Status.FAILED


@pytest.mark.parametrize(("name", "status"), [("web", Status.FAILED), ("*", Status.PASSED)])
def test_statements_of_others_give_no_connection_back(audit_yaml, monkeypatch, name: str, status: Status) -> None:
    """Of a neighbour in the same database, whose sessions bear another name than the pool's; not where its are any."""
    more = f"  postgres: {{dsn: 'host=db'}}\npools: {{main: {{size: 8, application_name: '{name}'}}}}\n"
    assert judge_holding(audit_yaml, monkeypatch, active=4, beside=6, more=more).status is status


def test_what_was_out_before_is_not_held_by_who_waits(audit_yaml, monkeypatch) -> None:
    """As by a leak, which is another check's."""
    assert judge_holding(audit_yaml, monkeypatch, active=8, before=7).status is Status.PASSED


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"slow": ()}, "none of 2 declared reads became slow with pricing and let 4 requests wait at a time: declare"),
        (
            {"waiting": 3},
            "none of 2 declared reads became slow with pricing and let 4 requests wait at a time: declare",
        ),
        ({"page": "up 1\n"}, "no metrics page tells how many connections are in use (4.2 pool-metrics)"),
    ],
)
def test_what_can_not_be_seen_could_not_run(audit_yaml, monkeypatch, given: dict[str, object], reason: str) -> None:
    """No read that waits; no gauge."""
    ran = judge_holding(audit_yaml, monkeypatch, active=5, **given)
    assert (ran.status, ran.reason[: len(reason)]) == (Status.COULD_NOT_RUN, reason)


Server = namedtuple("Server", "most kept_back login slots neighbours")


def judge_deploys(audit_yaml, pool: str, more: str = "", *, most: int = 40, kept: int = 3, neighbours: int = 0):
    """The check, of a server that takes so many connections, and gives logins so many seconds."""
    around = audit_yaml("", f"  postgres: {{dsn: 'host=db'}}\npools:\n  main: {{{pool}}}\n{more}")
    return run_check(
        deploy_headroom.test_two_generations_fit_and_drain_slowly,
        audit_postgres=LiteralPostgres(otherwise=[Server(most, kept, 60.0, 1, list(range(neighbours)))]),
        audit_declared=around.declared,
        audit_settings=around.settings, audit_acknowledged=around.acknowledged, request=None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        ("size: 8, instances: 2, drain: 61", ""),
        (
            "size: 9, instances: 2, drain: 61",
            "2 fleets (standard) at once ask for 42 connections, and max_connections is 40: pool main 36, replication "
            "slots 1, reserve for administrators 5",
        ),
        (
            "size: 1, drain: 60",
            "1 of 1 pools don't drain more slowly than authentication_timeout, which is 60 s\n"
            "  - main: drain is 60 s (audit.yaml:8)\n"
            "  either drain for longer, or ALTER SYSTEM SET authentication_timeout = '59s'; SELECT pg_reload_conf(); "
            "to acknowledge: deploy-headroom:main",
        ),
        (
            "size: 1",
            "1 of 1 pools don't drain more slowly than authentication_timeout, which is 60 s\n"
            "  - main: no drain is declared (audit.yaml:8)\n"
            "  either drain for longer, or ALTER SYSTEM SET authentication_timeout = '10s'; SELECT pg_reload_conf(); "
            "to acknowledge: deploy-headroom:main",
        ),
    ],
)
def test_deploys_need_room_and_time(audit_yaml, pool: str, said: str) -> None:
    """Each fault with its numbers and the way out."""
    ran = judge_deploys(audit_yaml, pool)
    assert (ran.status, ran.reason) == (Status.FAILED if said else Status.PASSED, said)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kept": 7}, "reserve for administrators 7"),
        ({"neighbours": 2}, "reserve for administrators 5, connected to other databases now 2"),
    ],
)
def test_what_the_server_keeps_and_others_have_is_no_room(audit_yaml, given: dict[str, int], said: str) -> None:
    """What it keeps back for superusers may be more than the reserve; and its other databases are used as well."""
    ran = judge_deploys(audit_yaml, "size: 8, instances: 2, drain: 61", most=39, **given)
    assert (ran.status, ran.reason) == (
        Status.FAILED,
        "2 fleets (standard) at once ask for 40 connections, and max_connections is 39: pool main 32, replication "
        f"slots 1, {said}",
    )
    assert judge_deploys(audit_yaml, "size: 8, instances: 2, drain: 61", most=40, **given).status is Status.PASSED
