"""Tracing of statements to requests, of services that differ from the reference one."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest
from unit.suites.cached import endpoints
from unit.suites.stranger import Service

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.query_performance import statement_tracing
from pytest_backend_audit.suites.query_performance.statement_tracing import (
    test_statements_lead_back_to_requests as check,
)
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.targets.source import Match
from pytest_backend_audit.testing import run_check

ORDERS = Endpoint("GET", "/orders", class_="read-uncached")


NOW = "2026-11-24 12:00:00+00"


class Sessions:
    """For ``audit_postgres``: what sessions did last, and what was counted."""

    def __init__(self) -> None:
        self.last: list[str] = []
        self.counted: list[str] | None = None

    def execute(self, query: str, values: dict[str, object] | None = None) -> SimpleNamespace:
        """The one or the other."""
        if "clock_timestamp" in query:
            return SimpleNamespace(fetchone=lambda: SimpleNamespace(now=NOW))
        if "pg_stat_activity" in query:
            assert values == {"since": NOW}
        if "pg_extension" in query:
            there = self.counted is not None
            told = SimpleNamespace(loaded=there, schema="public", extversion="1.10", track="top")
            return SimpleNamespace(fetchone=lambda: told)
        found = self.last if "pg_stat_activity" in query else self.counted or []
        return SimpleNamespace(fetchall=lambda: [SimpleNamespace(query=text) for text in found])


class ByHand:
    """For ``audit_evidence``."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, str]] = []

    def command(self, title: str, output: str) -> None:
        """Keep it."""
        self.kept.append((title, output))


def judge(audit_yaml, statement, *, counted=None, source=(), found=(ORDERS,)):
    """The check, of a service whose statement this function makes out of a request."""
    sessions, kept = Sessions(), ByHand()
    sessions.counted = counted

    def answer(request: httpx.Request) -> httpx.Response:
        sessions.last = statement(request)
        return httpx.Response(200)

    service = Service(answer)
    matches = [Match(path, 3, line) for path, line in source]
    sent = statement_tracing.sent.__wrapped__(endpoints(*found), service.client(), service.identity, sessions)
    ran = run_check(
        check, on=audit_yaml().runtime.recorder, sent=sent, audit_postgres=sessions,
        audit_source=SimpleNamespace(grep=lambda _: matches), audit_evidence=kept,
    )  # fmt: skip
    return ran, kept.kept


@pytest.mark.parametrize("header", ["x-request-id", "traceparent"])
def test_an_id_of_ours_in_a_statement_is_enough(audit_yaml, header: str) -> None:
    """Whichever of the two headers the service takes it from."""
    ran, kept = judge(audit_yaml, lambda request: [f"SELECT id FROM orders /*trace_id='{request.headers[header]}'*/"])
    assert ran.status is Status.PASSED
    assert kept[0][0] == "statement with the id of request 1 of ours"
    assert kept[0][1].startswith("SELECT id FROM orders /*trace_id='")


def test_routes_in_comments_will_do(audit_yaml) -> None:
    """Of what sessions do, or of what was counted."""
    ran, kept = judge(audit_yaml, lambda _: ["SELECT 1"], counted=["SELECT 2 /*controller:orders*/"])
    assert ran.status is Status.PASSED
    assert kept == [("1 of 2 statements name a request or a route", "SELECT 2 /*controller:orders*/")]


def test_instruments_in_the_source_will_do(audit_yaml) -> None:
    """Where they are switched on in what runs."""
    line = "PsycopgInstrumentor().instrument()"
    assert judge(audit_yaml, lambda _: ["SELECT 1"], source=[("shop/app.py", line)])[0].status is Status.PASSED
    assert judge(audit_yaml, lambda _: ["SELECT 1"], source=[("docs/app.md", line)])[0].status is Status.FAILED


def test_nothing_of_it_fails(audit_yaml) -> None:
    """With what was looked at."""
    ran, _ = judge(audit_yaml, lambda _: ["SELECT id\n FROM orders"], counted=["SELECT 2"])
    assert (ran.status, ran.reason.splitlines()) == (
        Status.FAILED,
        [
            "nothing ties statements to the requests that made them",
            "  - 5 requests with ids of our own (X-Request-Id, traceparent): none came back in a statement",
            "  - 2 statements were seen, none with a comment that names a request or a route: SELECT id FROM orders, "
            "SELECT 2",
            "  - the source switches on no profiler, and no spans of the database's client",
        ],
    )


@pytest.mark.parametrize(("found", "statements"), [((), ["SELECT 1"]), ((ORDERS,), [])])
def test_too_little_to_see_is_no_failure(audit_yaml, found, statements) -> None:
    """No requests of ours, or no statements of others."""
    ran, _ = judge(audit_yaml, lambda _: statements, found=found)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.endswith("declare reads in audit.yaml's endpoints, and audit while the service is used")
