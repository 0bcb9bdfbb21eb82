"""The checks of reconnecting and of churn, of services that differ from the reference one."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace

import httpx
import pytest
from unit.suites.stranger import Service

from pytest_backend_audit.analysis.load import LoadResult, Sample
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites import _costs
from pytest_backend_audit.suites._profile import profile
from pytest_backend_audit.suites.connections import churn, failover
from pytest_backend_audit.targets.endpoints import Endpoint, Endpoints
from pytest_backend_audit.testing import run_check

READS = Endpoints([Endpoint("GET", "/a", class_="x"), Endpoint("GET", "/b", class_="x")], "literal")
ASKED = MappingProxyType({"SELECT 1": 5})
"""Statements that five rounds of the reads send."""
FAULTS = """\
  faults:
    url: http://127.0.0.1:1
    dependencies: {postgres: {speaks: postgres, restart: [restart, it]}, redis: {speaks: redis}}
"""


def counting(counted: Mapping[str, int] | None) -> SimpleNamespace:
    """For ``request``: a budget that counts these statements of our requests, and none beside; None counts nothing."""
    windows = iter([counted, {}])

    @contextlib.contextmanager
    def budget(*, what: str):
        yield SimpleNamespace(by_query=next(windows), what=what)

    def give(_name: str):
        if counted is None:
            raise CouldNotRun("pg_stat_statements is not there")
        return budget

    return SimpleNamespace(getfixturevalue=give)


def judge(
    audit_yaml,
    monkeypatch,
    *,
    broken: dict[str, float],
    more: str = FAULTS,
    endpoints: Endpoints = READS,
    answering: int = 200,
    counted: Mapping[str, int] | None = ASKED,
    instances: int = 0,
):
    """The check, of a service that is broken for so many seconds after a fault of each kind; and the faults set.

    Of several instances, which answer in turn, the last one alone is broken.
    """
    clock, until, done, asked = [0.0], [0.0], [], itertools.count(1)
    ticking = SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda s: clock.__setitem__(0, clock[0] + s))
    monkeypatch.setattr(failover, "time", ticking)
    monkeypatch.setattr(_costs, "time", ticking)

    def fault(kind: str):
        @contextlib.contextmanager
        def set_it(name: str):
            yield
            done.append(f"{kind} {name}")
            until[0] = clock[0] + broken.get(kind, 0)

        return set_it

    def answer(_: httpx.Request) -> httpx.Response:
        ails = clock[0] < until[0] and next(asked) % max(1, instances) == 0
        return httpx.Response(503 if ails else answering)

    metrics = f"    metrics: [{', '.join(f'http://i{n}/metrics' for n in range(instances))}]\n"
    around = audit_yaml(metrics if instances else "", more)
    service = Service(answer)
    ran = run_check(
        failover.test_the_service_reconnects_after_a_restart,
        audit_faults=SimpleNamespace(
            dependencies=("postgres", "redis"), restart=fault("restart"), refuse=fault("refuse")
        ),
        audit_http=service.client(), audit_identity=service.identity, audit_endpoints=endpoints,
        audit_declared=around.declared, audit_settings=around.settings, request=counting(counted),
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
        ({"broken": {}, "answering": 503}, "before any fault not all is well: GET /a: 503, GET /b: 503"),
        ({"broken": {}, "answering": 401}, "before any fault not all is well: GET /a: 401, GET /b: 401"),
        ({"endpoints": Endpoints([], "literal"), "broken": {}}, "1 dependencies are a database (targets.faults.depend"),
    ],
)
def test_what_can_not_be_judged_could_not_run(audit_yaml, monkeypatch, given: dict[str, object], reason: str) -> None:
    """Nothing to read, or nothing that is well: what is refused is refused after any fault as well."""
    ran, done = judge(audit_yaml, monkeypatch, **given)
    assert (ran.status, ran.reason[: len(reason)], done) == (Status.COULD_NOT_RUN, reason, [])


@pytest.mark.parametrize(
    ("counted", "reason"),
    [
        ({"SELECT 1": 4}, "5 rounds of the declared reads sent the database no statement each: they are answered "),
        ({}, "5 rounds of the declared reads sent the database no statement each: they are answered without it; "),
        (None, "reads were answered after each fault, and whether they ask the database can't be told: pg_stat_state"),
    ],
)
def test_reads_that_do_without_the_database_prove_nothing(audit_yaml, monkeypatch, counted, reason: str) -> None:
    """They come from a cache; but what ails after a fault is told however that comes about."""
    ran, done = judge(audit_yaml, monkeypatch, broken={}, counted=counted)
    assert (ran.status, ran.reason[: len(reason)]) == (Status.COULD_NOT_RUN, reason)
    assert done == ["restart postgres", "refuse postgres"]
    ran, _ = judge(audit_yaml, monkeypatch, broken={"restart": 45}, counted=counted)
    assert ran.status is Status.FAILED


def test_each_of_many_instances_is_asked(audit_yaml, monkeypatch) -> None:
    """Three rounds of two reads would be answered by the sound seven of eight."""
    ran, _ = judge(audit_yaml, monkeypatch, broken={"refuse": 45}, instances=8)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines()[1].startswith(
        "  - postgres, after its connections were ended: not well within 30 s (standard); at last GET /"
    )


def test_asking_all_of_a_large_fleet_takes_longer_than_the_limit(audit_yaml, monkeypatch) -> None:
    """That it was well in time counts, and not how long it takes to see that of each."""
    ran, done = judge(audit_yaml, monkeypatch, broken={"refuse": 5}, instances=400)
    assert (ran.status, done) == (Status.PASSED, ["restart postgres", "refuse postgres"])


def judge_churn(audit_yaml, monkeypatch, *, opened: int, closed: int = 0, status: int = 200, well: int = 0):
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
    samples = (*[Sample(0, 0, 0, 0.1, status)] * 9, *[Sample(0, 0, 0, 0.1, 200)] * well)
    sent = SimpleNamespace(done=LoadResult("literal", 20, samples))
    return run_check(
        churn.test_few_connections_are_opened_under_load,
        audit_load=SimpleNamespace(background=lambda *_, **__: contextlib.nullcontext(sent)), audit_command=None,
        audit_evidence=None, audit_endpoints=READS, audit_declared=around.declared, audit_settings=around.settings,
    )  # fmt: skip


def test_few_new_connections_pass(audit_yaml, monkeypatch) -> None:
    """Fifty in ten seconds are as many as may be; what was in TIME-WAIT before the load does not count."""
    assert judge_churn(audit_yaml, monkeypatch, opened=4, closed=833).status is Status.PASSED


def test_a_load_that_is_refused_opens_nothing(audit_yaml, monkeypatch) -> None:
    """As by a limit of requests: few connections are no merit then, and many a fault all the same."""
    ran = judge_churn(audit_yaml, monkeypatch, opened=4, status=429)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "0 of 9 answers to the load are 2xx or 3xx: what is refused early opens no connection",
    )
    assert judge_churn(audit_yaml, monkeypatch, opened=10, status=429).status is Status.FAILED


def test_a_service_that_refuses_a_few_is_judged_by_the_others(audit_yaml, monkeypatch) -> None:
    """A busy machine makes it do so: a connection for each request would show among half of them as well."""
    assert judge_churn(audit_yaml, monkeypatch, opened=4, status=503, well=9).status is Status.PASSED
    ran = judge_churn(audit_yaml, monkeypatch, opened=4, status=503, well=8)
    assert ran.reason.startswith("8 of 17 answers to the load are 2xx or 3xx: ")


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
        "load is not configured (audit.yaml): declare what an ordinary peak is, for instance "
        "load: {rate: 20, seconds: 30}, in requests a second over all endpoints",
    )
