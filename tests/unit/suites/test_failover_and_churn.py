"""The checks of reconnecting and of churn, of services that differ from the reference one."""

from __future__ import annotations

import contextlib
import itertools
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.stranger import Service

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites._profile import profile
from pytest_backend_audit.suites.connections import churn, failover
from pytest_backend_audit.targets.endpoints import Endpoint, Endpoints
from pytest_backend_audit.testing import run_check

READS = Endpoints([Endpoint("GET", "/a", class_="x"), Endpoint("GET", "/b", class_="x")], "literal")
FAULTS = """\
  faults:
    url: http://127.0.0.1:1
    dependencies: {postgres: {speaks: postgres, restart: [restart, it]}, redis: {speaks: redis}}
"""


def judge(audit_yaml, monkeypatch, *, broken: dict[str, float], more: str = FAULTS, endpoints: Endpoints = READS):
    """The check, of a service that is broken for so many seconds after a fault of each kind; and the faults set."""
    clock, until, done = [0.0], [0.0], []
    ticking = SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda s: clock.__setitem__(0, clock[0] + s))
    monkeypatch.setattr(failover, "time", ticking)

    def fault(kind: str):
        @contextlib.contextmanager
        def set_it(name: str):
            yield
            done.append(f"{kind} {name}")
            until[0] = clock[0] + broken.get(kind, 0)

        return set_it

    around = audit_yaml("", more)
    service = Service(lambda _: httpx.Response(503 if clock[0] < until[0] or broken.get("always") else 200))
    ran = run_check(
        failover.test_the_service_reconnects_after_a_restart,
        audit_faults=SimpleNamespace(
            dependencies=("postgres", "redis"), restart=fault("restart"), refuse=fault("refuse")
        ),
        audit_http=service.client(), audit_identity=service.identity, audit_endpoints=endpoints,
        audit_declared=around.declared, audit_settings=around.settings,
    )  # fmt: skip
    return ran, done


def test_a_service_that_comes_back_in_time_passes(audit_yaml, monkeypatch) -> None:
    """After a restart, and after its connections were ended; other dependencies are left alone."""
    ran, done = judge(audit_yaml, monkeypatch, broken={"restart": 20, "refuse": 5})
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert done == ["restart postgres", "refuse postgres"]


def test_one_that_does_not_is_told_and_waited_for(audit_yaml, monkeypatch) -> None:
    """So that what comes next meets a service that is well."""
    ran, done = judge(audit_yaml, monkeypatch, broken={"restart": 45})
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "the service did not come back in time from 1 faults",
        "  - postgres, after it restarted: not well within 30 s (standard); at last GET /a: 503, GET /b: 503",
    ]
    assert done == ["restart postgres", "refuse postgres"]


def test_without_a_command_connections_are_ended_only(audit_yaml, monkeypatch) -> None:
    """As a failover does."""
    _, done = judge(audit_yaml, monkeypatch, broken={}, more=FAULTS.replace(", restart: [restart, it]", ""))
    assert done == ["refuse postgres"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"broken": {"always": 1}}, "before any fault not all is well: GET /a: 503, GET /b: 503"),
        ({"endpoints": Endpoints([], "literal"), "broken": {}}, "1 dependencies are a database (targets.faults.depend"),
    ],
)
def test_what_can_not_be_judged_could_not_run(audit_yaml, monkeypatch, given: dict[str, object], reason: str) -> None:
    """Nothing to read, or nothing that is well."""
    ran, done = judge(audit_yaml, monkeypatch, **given)
    assert (ran.status, ran.reason[: len(reason)], done) == (Status.COULD_NOT_RUN, reason, [])


def judge_churn(audit_yaml, monkeypatch, *, opened: int, closed: int = 0):
    """The check, of a service that opens so many connections between two readings, and has closed so many at last."""
    numbers, ticks = itertools.count(), itertools.count()
    seen = {(next(numbers), ("10.0.0.1", 5432))}
    closings = iter([range(5000), range(4000, 5000 + closed)])

    class Host:
        def __init__(self, *_: object) -> None:
            pass

        def outbound(self) -> set[tuple[int, tuple[str, int]]]:
            found = set(seen)
            seen.update((next(numbers), ("10.0.0.1", 5432)) for _ in range(opened))
            return found

        def closed(self) -> set[tuple[int, tuple[str, int]]]:
            return {(port, ("10.0.0.1", 5432)) for port in next(closings)}

    monkeypatch.setattr(churn, "Host", Host)
    monkeypatch.setattr(churn, "time", SimpleNamespace(monotonic=lambda: 10.0 * next(ticks), sleep=lambda _: None))
    around = audit_yaml("", "load: {rate: 20, seconds: 6}\n")
    return run_check(
        churn.test_few_connections_are_opened_under_load,
        audit_load=SimpleNamespace(background=lambda *_, **__: contextlib.nullcontext()), audit_command=None,
        audit_evidence=None, audit_endpoints=READS, audit_declared=around.declared, audit_settings=around.settings,
    )  # fmt: skip


def test_few_new_connections_pass(audit_yaml, monkeypatch) -> None:
    """Fifty in ten seconds are as many as may be; what was in TIME-WAIT before the load does not count."""
    assert judge_churn(audit_yaml, monkeypatch, opened=4, closed=833).status is Status.PASSED


def test_many_are_told_with_where_they_go(audit_yaml, monkeypatch) -> None:
    """And so are those that wait to be forgotten."""
    ran = judge_churn(audit_yaml, monkeypatch, opened=10, closed=834)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "under 20 requests/s connections come and go",
        "  - 12.0 new connections a second (10.0.0.1:5432 120), at most 5 1/s (standard) may be",
        "  - 83.4 sockets a second go into TIME-WAIT, which lasts 60 s: 5004 at a time, "
        "at most 5000 sockets (standard) may be",
    ]


def test_a_load_is_spread_as_it_is_declared(audit_yaml) -> None:
    """What no share names has the rest, evenly."""
    reads = Endpoints([*READS, Endpoint("GET", "/c", class_="x"), Endpoint("POST", "/d", class_="x")], "literal")
    found = profile(audit_yaml("", "load: {rate: 9, seconds: 3, shares: {/b: 0.5}}\n").declared, reads)
    assert ([e.path for e in found.endpoints], found.shares) == (["/a", "/b", "/c"], [0.25, 0.5, 0.25])
    assert (found.rate, found.seconds) == (9, 3)


def test_without_a_declared_load_nothing_is_sent(audit_yaml) -> None:
    """With what to declare."""
    around = audit_yaml()
    ran = run_check(
        churn.test_few_connections_are_opened_under_load, audit_load=None, audit_command=None, audit_evidence=None,
        audit_endpoints=READS, audit_declared=around.declared, audit_settings=around.settings,
    )  # fmt: skip
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "load is not configured (audit.yaml:1): declare what an ordinary peak is, for instance "
        "load: {rate: 20, seconds: 30}, in requests a second over all endpoints",
    )
