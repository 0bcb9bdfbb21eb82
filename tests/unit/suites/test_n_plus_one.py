"""Statements per request at two page sizes, of services that differ from the reference one."""

from __future__ import annotations

from itertools import cycle

import httpx
import pytest
from unit.suites.cached import Cached, endpoints
from unit.suites.listed import ITEMS, LIST, ORDERS, answering

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites import _costs
from pytest_backend_audit.suites.query_performance import n_plus_one
from pytest_backend_audit.suites.query_performance._reads import listings
from pytest_backend_audit.suites.query_performance.n_plus_one import test_more_rows_cost_no_more_statements as check
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.testing import run_check

TOTALS = Endpoint("GET", "/totals", origin="/openapi.json")


@pytest.fixture(autouse=True)
def _short_quiet(monkeypatch) -> None:
    monkeypatch.setattr(_costs, "QUIET", 0)


class ByHand:
    """For ``audit_evidence``."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str]] = []

    def command(self, title: str, output: str) -> None:
        """Keep it."""
        self.kept.append((title, output))


def judge(cached: Cached, audit_yaml, *found: Endpoint, more: str = "", kept: ByHand | None = None):
    """The check, of these endpoints."""
    around = audit_yaml(more=more)
    service = cached.service
    reads = listings(endpoints(*(found or (ORDERS,))), service.client(), service.identity, (), 10)
    return run_check(
        check, on=around.runtime.recorder, asked=n_plus_one.asked.__wrapped__(cached.budget(around)), reads=reads,
        audit_settings=around.settings, audit_acknowledged=around.acknowledged, audit_evidence=kept or ByHand(),
    )  # fmt: skip


def plenty(limit: int) -> int:
    """As many rows as are asked for."""
    return limit


def test_two_statements_whatever_the_page_pass(audit_yaml) -> None:
    """What was tried stands in the evidence."""
    cached, kept = Cached(answering(plenty, lambda _: [LIST, ITEMS])), ByHand()
    ran = judge(cached, audit_yaml, kept=kept)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert cached.service.asked == ["GET /orders"] * 20
    told = f"GET /orders: 10 rows, then 40: 1.0, then 1.0 x {LIST}, 1.0, then 1.0 x {ITEMS}"
    assert kept.kept == [("1 listing endpoints, 0 of one thing", told)]


def test_a_statement_a_row_fails_and_is_named(audit_yaml) -> None:
    """With how often it came per request."""
    ran = judge(Cached(answering(plenty, lambda rows: [LIST, *[ITEMS] * rows])), audit_yaml)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "1 of 1 listing endpoints make more statements when more rows come back",
        f"  - GET /orders: 10 rows, then 40: statements per request 10.0, then 40.0 x {ITEMS}",
        "  the smaller page has 10 rows (standard), the larger one 4 (standard) times as many; looked at: the busiest "
        "10 endpoints (standard); to acknowledge: n-plus-one:GET /orders",
    ]


def test_it_may_be_acknowledged(audit_yaml) -> None:
    """For a while."""
    more = "acknowledged: [{item: 'n-plus-one:GET /orders', reason: r, who: Ada, ticket: T-1, expires: 2026-02-01}]\n"
    cached = Cached(answering(plenty, lambda rows: [ITEMS] * rows))
    assert judge(cached, audit_yaml, more=more).status is Status.PASSED


def test_a_list_that_takes_no_size_must_not_cost_a_statement_a_row(audit_yaml) -> None:
    """Nor one that pays no heed to it; where it has few rows, a statement for each may be chance."""
    each = answering(lambda _: 12, lambda rows: [ITEMS] * rows)
    ran = judge(Cached(each), audit_yaml, TOTALS)
    assert ran.reason.splitlines()[1] == f"  - GET /totals: 12 rows, 120 x {ITEMS} in 10 requests"
    assert judge(Cached(each), audit_yaml).reason.splitlines()[1].startswith("  - GET /orders: 12 rows, 120 x ")
    assert judge(Cached(answering(lambda _: 12, lambda _: [ITEMS])), audit_yaml, TOTALS).status is Status.PASSED
    assert (
        judge(Cached(answering(lambda _: 2, lambda rows: [ITEMS] * rows)), audit_yaml, TOTALS).status is Status.PASSED
    )


def test_others_may_hide_a_statement_a_row_in_a_list_that_takes_no_size(audit_yaml) -> None:
    """It is no pass: in an audit of a Django project's busy category page it was one."""
    sent = cycle([0, 300])
    cached = Cached(
        answering(lambda _: 12, lambda rows: [ITEMS] * rows),
        beside=lambda cached: cached.statement(*[ITEMS] * next(sent)),
    )
    ran = judge(cached, audit_yaml, TOTALS)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.splitlines()[1].startswith("- GET /totals: 12 rows, and others send as many statements: ")


def test_too_few_rows_tell_nothing(audit_yaml) -> None:
    """A page of ten, and there are seven."""
    ran = judge(Cached(answering(lambda limit: min(limit, 7), lambda _: [LIST])), audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "1 of 1 listing endpoints could not be tried:\n- GET /orders: 7 rows at limit=10 and 7 at 40: there are too "
        "few rows for alice",
    )


def test_traffic_of_others_may_hide_it(audit_yaml) -> None:
    """It says whose, and is no pass."""
    noise = iter(range(10_000))
    cached = Cached(
        answering(plenty, lambda _: [LIST]), beside=lambda cached: cached.statement(*[LIST] * (900 + next(noise) % 7))
    )
    ran = judge(cached, audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    assert "GET /orders: others send as many statements: " in ran.reason


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(401), "1 of the busiest reads could not be looked at; declare identity, parameters and query "
         "of each in audit.yaml's endpoints:\n- GET /totals answered 401 (/openapi.json)"),
        (httpx.Response(200, json={"id": 1}), "none of 1 reads lists anything: nothing to ask more of"),
        (httpx.Response(200, text="ok"), "none of 1 reads lists anything: nothing to ask more of"),
    ],
)  # fmt: skip
def test_nothing_to_ask_is_no_pass(audit_yaml, answer: httpx.Response, said: str) -> None:
    """Nor is what answers no success."""
    ran = judge(Cached(lambda *_: answer), audit_yaml, TOTALS)
    assert (ran.status, ran.reason) == (Status.COULD_NOT_RUN, said)


def test_lists_that_cost_nothing_anywhere_tell_nothing(audit_yaml) -> None:
    """The service reads from a replica: its N+1 was a pass. One that is cached beside one that isn't, is none."""
    ran = judge(Cached(answering(plenty, lambda _: [])), audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "none of 1 listing endpoints sent a statement to the database that targets.postgres names: does the service "
        "ask a replica, or another database, or is pg_stat_statements.track none?",
    )
    once = iter([[LIST]])
    assert judge(Cached(answering(plenty, lambda _: next(once, []))), audit_yaml, ORDERS).status is Status.PASSED


def test_a_list_that_refuses_its_page_is_no_pass(audit_yaml) -> None:
    """It is told with what was asked."""
    ran = judge(Cached(lambda *_: httpx.Response(403)), audit_yaml)
    assert (ran.status, ran.reason) == (Status.COULD_NOT_RUN, "GET /orders answered 403 for limit=10 (/openapi.json)")
