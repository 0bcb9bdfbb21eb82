"""Bounds of lists and statements, of services that differ from the reference one."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest
from unit.suites.cached import Cached, endpoints
from unit.suites.listed import ORDERS, answering

from pytest_backend_audit.analysis.results import Statement
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance import bounded_results
from pytest_backend_audit.suites.query_performance._reads import listings
from pytest_backend_audit.suites.query_performance.bounded_results import test_results_are_bounded as check
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.testing import run_check

TOTALS = Endpoint("GET", "/totals", origin="/openapi.json")
SOUND = (Statement("1", "SELECT id FROM orders LIMIT $1", 10, 200),)
TAIL = (
    "  at most 1000 rows (standard) in an answer or a call; looked at: the top 20 statements (standard), by total "
    "time; 0 tables have more than 30 columns (standard); to acknowledge: "
)


def none(_rows: int) -> list[str]:
    """No statement."""
    return []


def judge(answer, audit_yaml, *found: Endpoint, statements=SOUND, wide=()):
    """The check, of these endpoints and statements."""
    around = audit_yaml()
    service = Cached(answer).service
    rows = [SimpleNamespace(table=table, columns=columns) for table, columns in wide]
    return run_check(
        check, on=around.runtime.recorder, statements=statements,
        reads=listings(endpoints(*(found or (ORDERS,))), service.client(), service.identity, (), 10),
        audit_postgres=SimpleNamespace(execute=lambda *_: SimpleNamespace(fetchall=lambda: rows)),
        audit_settings=around.settings, audit_acknowledged=around.acknowledged,
    )  # fmt: skip


def refusing(_cached: Cached, request: httpx.Request) -> httpx.Response:
    """No page of more than a hundred."""
    limit = int(request.url.params.get("limit", 20))
    return httpx.Response(422) if limit > 100 else httpx.Response(200, json=[{}] * limit)


@pytest.mark.parametrize(
    "answer",
    [
        refusing,
        answering(lambda limit: min(limit, 100), none),
        answering(lambda limit: min(limit, 50), none, next="/orders?after=50"),
        answering(lambda limit: min(limit, 1000), none, total=4000),
    ],
)
def test_lists_that_refuse_or_cut_are_bounded(audit_yaml, answer) -> None:
    """At the documented maximum, or where the answer says that more follow."""
    ran = judge(answer, audit_yaml)
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_lists_that_give_what_is_asked_for_fail(audit_yaml) -> None:
    """One more than the limit is enough to see it."""
    ran = judge(answering(lambda limit: limit, none), audit_yaml)
    assert (ran.status, ran.reason.splitlines()) == (
        Status.FAILED,
        [
            "1 of 1 listing endpoints and 1 top statements give more than they should",
            "  - GET /orders: 1001 rows for limit=1001: callers get as many as they ask for",
            TAIL + "bounded-results:GET /orders",
        ],
    )


def test_lists_that_know_no_page_fail_when_they_are_long(audit_yaml) -> None:
    """Those that are short have nothing to bound."""
    ran = judge(answering(lambda _: 1200, none), audit_yaml, TOTALS)
    assert ran.reason.splitlines()[1] == "  - GET /totals: 1200 rows, and callers can't ask for fewer"
    assert judge(answering(lambda _: 8, none), audit_yaml, TOTALS).status is Status.PASSED


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (answering(lambda limit: min(limit, 30), none),
         "30 rows for limit=1001, and nothing says that more follow: alice may have no more; if that is the bound, "
         "let the answer say so (next, total), or the OpenAPI document (the parameter's maximum)"),
        (lambda _, request: httpx.Response(500 if "limit" in request.url.params else 200, json=[{}]),
         "answered 500 to limit=1001, which tells nothing of its bound"),
    ],
)  # fmt: skip
def test_a_bound_that_does_not_show_is_no_pass(audit_yaml, answer, said: str) -> None:
    """Few rows, or an answer that is neither."""
    ran = judge(answer, audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        f"1 of 1 listing endpoints don't show their bound:\n- GET /orders: {said}",
    )


def test_statements_without_a_bound_fail(audit_yaml) -> None:
    """And so do stars over wide tables, however few rows they give."""
    statements = (Statement("1", "SELECT id FROM orders", 2, 5000), Statement("2", "SELECT * FROM wide", 9, 9))
    ran = judge(refusing, audit_yaml, statements=statements, wide=[("public.wide", 31)])
    assert ran.reason.splitlines()[1:3] == [
        "  - statement 2: * of public.wide, which has 31 columns: SELECT * FROM wide",
        "  - statement 1: 2500 rows a call, in 2 calls: SELECT id FROM orders",
    ]


def test_no_statistics_of_statements_is_no_pass() -> None:
    """Missing, or empty."""
    read = bounded_results.statements.__wrapped__
    for loaded, said in (
        (False, "pg_stat_statements is not loaded: ALTER SYSTEM"),
        (True, "pg_stat_statements has no reads of"),
    ):
        told = SimpleNamespace(loaded=loaded, schema="public", extversion="1.10", track="top", sessions=0)
        literal = SimpleNamespace(execute=lambda *_, told=told: SimpleNamespace(fetchone=lambda: told, fetchall=list))
        with pytest.raises(bounded_results.CouldNotRun, match=f"^{said}"):
            read(literal)
