"""The check of waiting for a pool's connection under load, of services that differ from the reference one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.stranger import Service

from pytest_backend_audit.analysis.load import LoadResult, Sample
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.connections import load_validated
from pytest_backend_audit.targets.endpoints import Endpoint, Endpoints
from pytest_backend_audit.testing import run_check

READS = Endpoints([Endpoint("GET", "/a", class_="x"), Endpoint("POST", "/b", class_="x")], "literal")
METRICS = "    metrics: [http://a/metrics, http://b/metrics]\n"
POOLS = "  postgres: {dsn: 'host=db'}\npools:\n  main: {size: 4}\n  web: {target: downstream, size: 9}\n"
LOAD = "load: {rate: 20, seconds: 2}\n"
Page = Callable[[float], str]
"""What a page tells, by the seconds that have passed."""


def gauges(seconds: float, waiting: int = 0) -> str:
    """A pool without counters, of a process that answers ten requests a second."""
    return (
        f"# TYPE http_requests_total counter\nhttp_requests_total {10 * seconds}\n"
        f'pool_connections{{state="active"}} 1\npool_connections{{state="idle"}} 0\npool_waiting {waiting}\n'
    )


def counted(seconds: float, each: float = 0.0, rate: float = 5) -> str:
    """The same with counters, of which nobody is ever seen waiting."""
    asked = rate * seconds
    return (
        f"{gauges(seconds)}# TYPE pool_requests_total counter\npool_requests_total {asked}\n"
        f"# TYPE pool_wait_seconds_total counter\npool_wait_seconds_total {each * asked}\n"
    )


def queued(seconds: float, waiting: int) -> str:
    """Callers that stand in front of the pool, and ten a second that ask."""
    return f"{gauges(seconds, waiting)}# TYPE pool_requests_total counter\npool_requests_total {10 * seconds}\n"


def judge(
    audit_yaml,
    monkeypatch,
    second: Page,
    *,
    first: Page = counted,
    more: str = LOAD,
    answered: int = 40,
    refused: int = 0,
):
    """The check, of two instances whose pages tell this; and what was sent."""
    clock, sent = [100.0], []
    ticking = SimpleNamespace(monotonic=lambda: clock[0], sleep=lambda s: clock.__setitem__(0, clock[0] + s))
    monkeypatch.setattr(load_validated, "time", ticking)

    @contextlib.contextmanager
    def background(endpoints: list[Endpoint], rate: float, seconds: float, *, shares: list[float]):
        sent.append(([e.path for e in endpoints], rate, seconds, shares))
        samples = tuple(
            Sample(0, 0, 0, 0.1, (429 if n < refused else 200) if n < answered else 0, "timed out") for n in range(40)
        )
        yield SimpleNamespace(done=LoadResult("literal", rate, samples))

    service = Service(lambda r: httpx.Response(200, text=(first if r.url.host == "a" else second)(clock[0] - 100)))
    around = audit_yaml(METRICS, POOLS + more)
    noted: list[str] = []
    load = SimpleNamespace(background=background)
    ran = run_check(
        load_validated.test_callers_hardly_wait_for_a_connection_under_load,
        waits=load_validated.waits.__wrapped__(service.client(), load, READS, around.declared),
        audit_declared=around.declared, audit_settings=around.settings, audit_acknowledged=around.acknowledged,
        audit_evidence=SimpleNamespace(load=lambda method, result: noted.extend([method, *result.splitlines()])),
    )  # fmt: skip
    return ran, sent, noted


def test_callers_that_hardly_wait_pass(audit_yaml, monkeypatch) -> None:
    """With what they waited in evidence, of each instance; the pool of an HTTP client is no matter of this check."""
    ran, sent, noted = judge(audit_yaml, monkeypatch, lambda s: counted(s, each=0.05))
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert sent == [(["/a"], 20, 2.5, [1.0])]
    assert noted == [
        "20 requests/s, audit.yaml:11",
        "main: 10 callers waited 0 ms on average, up to 0 at a time, at http://a/metrics",
        "main: 10 callers waited 50 ms on average, up to 0 at a time, at http://b/metrics",
    ]


def test_callers_that_wait_are_told(audit_yaml, monkeypatch) -> None:
    """By counters, or by the gauge; the pool can be acknowledged."""
    ran, _, _ = judge(audit_yaml, monkeypatch, lambda s: counted(s, each=0.25))
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "under 20 requests/s (audit.yaml:11) callers wait for connections of 1 of 1 pools",
        "  - main: 10 callers waited 250 ms on average, up to 0 at a time, at http://b/metrics",
        "  at most 0.1 s (standard) may be; to acknowledge: load-validated:main",
    ]
    ran, _, _ = judge(audit_yaml, monkeypatch, lambda s: queued(s, waiting=3))
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines()[1] == (
        "  - main: 20 callers waited 300 ms on average, up to 3 at a time, at http://b/metrics"
    )
    known = "acknowledged: [{item: 'load-validated:main', reason: a, who: A, ticket: T, expires: 2026-02-01}]\n"
    ran, _, _ = judge(audit_yaml, monkeypatch, lambda s: queued(s, waiting=3), more=LOAD + known)
    assert ran.status is Status.PASSED


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (
            lambda s: 'pool_connections{state="idle"} 1\n',
            "main tells neither how many callers wait nor for how long (4.2 pool-metrics), at http://b/metrics",
        ),
        (
            lambda s: gauges(s, waiting=3),
            "main has callers that wait, up to 3 at a time, but does not count who asks at all, at http://b/metrics",
        ),
        (lambda s: counted(s, rate=0), "main was asked for no connection meanwhile, at http://b/metrics"),
    ],
)
def test_a_page_that_tells_nothing_could_not_be_judged(audit_yaml, monkeypatch, second: Page, why: str) -> None:
    """One without the series, one that has callers wait but counts none, and one whose pool nobody asks."""
    ran, _, _ = judge(audit_yaml, monkeypatch, second)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.splitlines() == ["how long callers wait is not told everywhere", f"- {why}"]


def test_a_load_that_is_refused_asks_for_no_connection(audit_yaml, monkeypatch) -> None:
    """What a limit answers in the pool's place says nothing of it; one in twenty may be."""
    ran, _, _ = judge(audit_yaml, monkeypatch, counted, refused=3)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.splitlines() == [
        "how long callers wait is not told everywhere",
        "- 37 of 40 answers to the load are 2xx or 3xx, of others no wait tells",
    ]
    assert judge(audit_yaml, monkeypatch, counted, refused=2)[0].status is Status.PASSED


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            {"more": ""},
            "load is not configured (audit.yaml): declare what an ordinary peak is, for instance load: {rat",
        ),
        ({"answered": 0}, "none of 40 requests was answered (rate asked 20/s, "),
    ],
)
def test_without_a_load_nothing_could_be_seen(audit_yaml, monkeypatch, given: dict[str, object], reason: str) -> None:
    """None is declared, or none of it is answered."""
    with pytest.raises(CouldNotRun) as said:
        judge(audit_yaml, monkeypatch, counted, **given)
    assert str(said.value)[: len(reason)] == reason
