"""Whose connections there are, how old they are, and how long the processes behind metrics pages have run."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_backend_audit.analysis import pgbouncer
from pytest_backend_audit.analysis.metrics import read_page
from pytest_backend_audit.analysis.pools import Session, by_pool, pooled, sessions, told
from pytest_backend_audit.analysis.process import youngest

DATA = Path(__file__).parent / "data"
SAID = json.loads((DATA / "pgbouncer-1.18.json").read_text())


def shown(command: str) -> list[dict[str, object]]:
    """Rows of a captured SHOW."""
    return [dict(zip(SAID[command]["columns"], row, strict=True)) for row in SAID[command]["rows"]]


def pool(application_name: str | None = None) -> SimpleNamespace:
    """A declared pool."""
    return SimpleNamespace(target="postgres", application_name=application_name)


def test_clients_of_a_pooler_are_as_old_as_its_own_clock_says() -> None:
    """The console's client asked at 10:17:03, the service's connected at 10:16:57."""
    found = pooled(shown("CLIENTS"), ["orders"])
    assert {session.who for session in found} == {"orders_app@orders-1", "orders_app@orders-2"}
    assert {session.age for session in found} == {6.0}
    assert pooled(shown("CLIENTS"), ["elsewhere"]) == []


def test_a_pooler_that_tells_no_names_has_clients_without_one() -> None:
    """Before 1.18."""
    rows = [{k: v for k, v in row.items() if k != "application_name"} for row in shown("CLIENTS")]
    assert {session.who for session in pooled(rows, ["orders"])} == {"orders_app@unnamed"}


def test_sessions_of_operators_and_of_a_pooler_are_no_pools() -> None:
    """The latter are its own matter."""
    rows = [
        SimpleNamespace(pid=pid, role=role, application_name=name, age=5, operator=operator)
        for pid, role, name, operator in [(1, "app", "a", False), (2, "app", None, False), (3, "dba", "psql", True)]
    ]
    assert sessions(rows) == [Session("app", "a", 5.0), Session("app", "", 5.0)]
    assert sessions(rows, without=[2]) == [Session("app", "a", 5.0)]
    named = {"orders": pool("a"), "console": pool("psql*"), "rest": pool()}
    assert sessions(rows, pools=named) == [*sessions(rows), Session("dba", "psql", 5.0)]


def test_sessions_belong_to_the_pool_whose_name_they_bear() -> None:
    """What bears none belongs to the pool without a name, else to none."""
    a, b, c = (Session("app", name, 1) for name in ("orders-1", "worker", ""))
    named = {"orders": pool("orders-*"), "jobs": pool("worker")}
    assert by_pool([a, b, c], named) == ({"orders": [a], "jobs": [b]}, [c])
    assert by_pool([a, b, c], {"orders": pool("orders-*"), "rest": pool()}) == ({"orders": [a], "rest": [b, c]}, [])


def test_sessions_are_told_by_role_and_name() -> None:
    """With the age of the oldest."""
    found = [Session("app", "orders-1", 31.4), Session("app", "", 7), Session("app", "orders-1", 3)]
    assert told(found) == "app@orders-1: 2, app@unnamed: 1; the oldest is 31 s old"


def test_limits_of_a_pooler_are_read_by_name() -> None:
    """In seconds."""
    rows = [{"key": "server_lifetime", "value": "3600"}, {"key": "server_idle_timeout", "value": "0"}]
    assert pgbouncer.lifetimes(rows) == {"server_lifetime": 3600.0, "server_idle_timeout": 0.0}
    own = [{"name": "a", "server_lifetime": 60}, {"name": "b", "server_lifetime": 7200}, {"name": "before 1.23"}]
    assert pgbouncer.lifetimes(rows, own) == {"server_lifetime": 7200.0, "server_idle_timeout": 0.0}


def test_the_youngest_process_is_as_old_as_its_own_clock_says() -> None:
    """By the answer's Date; None where a page doesn't tell."""
    page = read_page(200, "text/plain", "process_start_time_seconds 1764000000\n")
    older = read_page(200, "text/plain", "process_start_time_seconds 1763999000\n")
    silent = read_page(200, "text/plain", "up 1\n")
    date = "Mon, 24 Nov 2025 16:01:40 GMT"
    assert youngest([(page, date), (older, date)]) == pytest.approx(100)
    assert youngest([(page, date), (silent, date)]) is None
    assert youngest([]) is None


def test_a_real_page_tells_when_its_process_started() -> None:
    """Of prometheus_client."""
    page = read_page(200, "text/plain", (DATA / "metrics-orders.txt").read_text())
    [started] = [s.value for f in page for s in f.samples if s.name == "process_start_time_seconds"]
    assert youngest([(page, "")]) is not None
    assert youngest([(page, "Tue, 24 Nov 2026 10:00:00 GMT")]) == pytest.approx(1795514400 - started)
