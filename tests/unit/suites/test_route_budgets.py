"""Statement budgets of routes, of services that differ from the reference one."""

from __future__ import annotations

import json

import httpx
import pytest
from unit.suites.cached import Cached, endpoints

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites import _costs
from pytest_backend_audit.suites.query_performance import route_budgets
from pytest_backend_audit.suites.query_performance.route_budgets import (
    test_every_route_has_a_budget_and_reads_keep_to_it as reads,
)
from pytest_backend_audit.suites.query_performance.route_budgets import test_writes_keep_to_their_budget as writes
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.testing import run_check

LIST = "SELECT id FROM orders LIMIT $1"
READ = Endpoint("GET", "/orders", budget=1, origin="audit.yaml:9")
WRITE = Endpoint("POST", "/orders", budget=2, body={"reference": "{key}"}, origin="audit.yaml:9")


@pytest.fixture(autouse=True)
def _short_quiet(monkeypatch) -> None:
    monkeypatch.setattr(_costs, "QUIET", 0)


def judge(check, answer, audit_yaml, *found: Endpoint, beside=lambda _: None, more: str = ""):
    """A check of the criterion, of these routes."""
    around = audit_yaml(more=more)
    cached = Cached(answer, beside=beside)
    service = cached.service
    spend = route_budgets.spend.__wrapped__(cached.budget(around), service.client(), service.identity)
    return run_check(
        check, on=around.runtime.recorder, spend=spend, audit_endpoints=endpoints(*found),
        audit_acknowledged=around.acknowledged,
    )  # fmt: skip


def costing(*statements: str):
    """A service each of whose answers costs these."""

    def answer(cached: Cached, _: httpx.Request) -> httpx.Response:
        cached.statement(*statements)
        return httpx.Response(200)

    return answer


def test_routes_inside_their_budgets_pass(audit_yaml) -> None:
    """Reads and writes each by their check."""
    assert judge(reads, costing(LIST), audit_yaml, READ, WRITE).status is Status.PASSED
    assert judge(writes, costing(LIST), audit_yaml, READ, WRITE).status is Status.PASSED


def test_a_route_without_a_budget_is_named(audit_yaml) -> None:
    """Before anything is sent; HEAD and OPTIONS are no routes of their own."""
    bare = Endpoint("DELETE", "/orders/{id}"), Endpoint("HEAD", "/orders")
    ran = judge(reads, costing(LIST), audit_yaml, READ, *bare)
    assert (ran.status, ran.reason.splitlines()) == (
        Status.FAILED,
        [
            "1 of 2 routes have no statement budget",
            "  - DELETE /orders/{id}",
            "  looked at: literal; to declare one: {path: ..., method: ..., budget: N} in audit.yaml's endpoints; to "
            "acknowledge: route-budgets:DELETE /orders/{id}",
        ],
    )


@pytest.mark.parametrize(("check", "route", "kind"), [(reads, READ, "reads"), (writes, WRITE, "writes")])
def test_a_request_over_its_budget_fails(audit_yaml, check, route: Endpoint, kind: str) -> None:
    """And is told with its statements."""
    ran = judge(check, costing(*[LIST] * 3), audit_yaml, route)
    assert (ran.status, ran.reason.splitlines()) == (
        Status.FAILED,
        [
            f"1 of 1 {kind} cost more statements than their budget",
            f"  - {route}: 3.0 statements a request, its budget is {route.budget}: in 20 requests 60 x {LIST}",
            f"  to acknowledge: route-budgets:{route}",
        ],
    )


def test_one_statement_too_many_is_enough(audit_yaml) -> None:
    """A budget of none."""
    none = Endpoint("GET", "/healthz", budget=0)
    assert judge(reads, costing(LIST), audit_yaml, none).status is Status.FAILED
    assert judge(reads, costing(), audit_yaml, none).status is Status.PASSED


@pytest.mark.parametrize(("check", "route", "kind"), [(reads, READ, "reads"), (writes, WRITE, "writes")])
def test_requests_that_cost_nothing_anywhere_keep_to_no_budget(audit_yaml, check, route: Endpoint, kind: str) -> None:
    """The service asks another database: nothing was measured, and it was a pass."""
    free = Endpoint(route.method, "/healthz", budget=0, body=route.body)
    ran = judge(check, costing(), audit_yaml, route, free)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        f"none of 2 {kind} sent a statement to the database that targets.postgres names: does the service ask a "
        "replica, or another database, or is pg_stat_statements.track none?",
    )


def test_each_write_has_a_key_of_its_own(audit_yaml) -> None:
    """In header and body alike; bodies in turn where there are several."""
    seen: list[tuple[str, str]] = []

    def answer(_: Cached, request: httpx.Request) -> httpx.Response:
        seen.append((request.headers.get("Idempotency-Key", ""), json.loads(request.content)["reference"]))
        return httpx.Response(201)

    keyed = type("Idempotency", (), {"header": "Idempotency-Key"})()
    route = Endpoint("POST", "/orders", budget=0, body={"reference": "{key}"}, idempotency=keyed)
    assert judge(writes, answer, audit_yaml, route).status is Status.PASSED
    assert len(set(seen)) == 10
    assert all(header == body and header.startswith("audit-") for header, body in seen)
    seen.clear()
    turns = Endpoint("PATCH", "/orders/1", budget=0, bodies=({"reference": "a"}, {"reference": "b"}))
    assert judge(writes, answer, audit_yaml, turns).status is Status.PASSED
    assert seen[:3] == [("", "a"), ("", "b"), ("", "a")]


@pytest.mark.parametrize(
    ("check", "route", "said"),
    [
        (reads, WRITE, "no reads with a budget are known: nothing to measure"),
        (writes, READ, "no writes with a budget are known: nothing to measure"),
        (writes, Endpoint("PUT", "/orders/1", budget=1, origin="/openapi.json"),
         "1 of 1 writes have no body to send in audit.yaml:\n- PUT /orders/1 (/openapi.json)"),
    ],
)  # fmt: skip
def test_nothing_to_send_is_no_pass(audit_yaml, check, route: Endpoint, said: str) -> None:
    """It says what is missing."""
    ran = judge(check, costing(), audit_yaml, route)
    assert (ran.status, ran.reason) == (Status.COULD_NOT_RUN, said)


def test_an_answer_that_is_no_success_is_no_pass(audit_yaml) -> None:
    """What a refusal costs isn't what the route costs."""
    ran = judge(reads, lambda *_: httpx.Response(401), audit_yaml, READ)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "GET /orders answered 401: declare identity, parameters, query and body of an ordinary request in audit.yaml's "
        "endpoints (audit.yaml:9)",
    )


def test_others_hide_it_for_some_rounds_only(audit_yaml) -> None:
    """Eight of theirs for each of ours: chance would bring as many more in a round, and hardly in seven."""
    asked: list[str] = []

    def answer(cached: Cached, request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return costing(LIST)(cached, request)

    ran = judge(reads, answer, audit_yaml, READ, beside=lambda cached: cached.statement(*[LIST] * 80))
    assert (ran.status, ran.reason, len(asked)) == (Status.PASSED, "", 70)


def test_much_of_others_hides_it(audit_yaml) -> None:
    """Nobody can say; neither pass nor fail."""
    ran = judge(reads, costing(LIST), audit_yaml, READ, beside=lambda cached: cached.statement(*[LIST] * 5000))
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith(
        "others send too much to tell what 1 of 1 reads cost: audit while the service is quieter"
    )
