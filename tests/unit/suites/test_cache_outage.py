"""Round trips to a cache, and services whose cache goes, of several kinds."""

from __future__ import annotations

import time
from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.cached import Cached, endpoints

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.caching import cache_latency, outage
from pytest_backend_audit.suites.caching.cache_latency import test_the_cache_is_near as near
from pytest_backend_audit.suites.caching.outage import test_the_service_does_without_its_cache as check
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.targets.evidence import ByHand
from pytest_backend_audit.testing import run_check, surroundings

CACHED = Endpoint("GET", "/orders/7", class_="read-cacheable", origin="audit.yaml:9")
LISTED = Endpoint("GET", "/orders", class_="read-uncached")


class Faulty:
    """A service, and faults on the way to its cache.

    Args:
        answers: What it answers under a fault: ``refuses``, ``hangs``, ``after``; else 200.
        dependencies: What faults can be set on.
    """

    def __init__(self, answers=None, dependencies=("postgres", "redis"), hit: int = 1) -> None:
        self.cached = Cached(self._answer)
        self.dependencies = dependencies
        self.on = ""
        self._answers = answers or {}
        self._hit = hit

    @contextmanager
    def _fault(self, what: str, dependency: str):
        assert dependency == "redis"
        self.on = what
        yield
        self.on, self._hit = "after", self._hit

    def refuse(self, dependency: str):
        """For ``audit_faults``."""
        return self._fault("refuses", dependency)

    def hang(self, dependency: str):
        """For ``audit_faults``."""
        return self._fault("hangs", dependency)

    def _answer(self, cached: Cached, request: httpx.Request) -> httpx.Response:
        answer = self._answers.get(self.on, 200)
        if isinstance(answer, Exception):
            raise answer
        if self.on in {"", "after"}:
            cached.hit(self._hit)
        return httpx.Response(answer if request.url.path == "/orders/7" else 200)


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Rounds that last a tenth of what they do."""
    monkeypatch.setattr(outage, "SPAN", 0.2)
    monkeypatch.setattr(outage, "PAUSE", 0.02)


def judge(faulty: Faulty, audit_yaml, *found: Endpoint):
    """The check, of a cached read and one that isn't."""
    around = audit_yaml(more="thresholds: {recovery-limit: 0.3}\n")
    client = faulty.cached.service.client()
    reads = outage.reads.__wrapped__(endpoints(*(found or (CACHED, LISTED))), client, None, around.settings)
    return run_check(
        check, reads=reads, audit_faults=faulty, audit_redis=faulty.cached, audit_settings=around.settings,
        audit_acknowledged=around.acknowledged,
    )  # fmt: skip


def test_a_service_that_does_without_passes(audit_yaml) -> None:
    """An answer of another success, with less in it, is one."""
    assert judge(Faulty({"refuses": 206}), audit_yaml).status is Status.PASSED


def test_a_limit_of_requests_shows_nothing(audit_yaml) -> None:
    """The audit's own requests may have reached it."""
    ran = judge(Faulty({"hangs": 429}), audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "GET /orders/7 while the cache hangs: answered 429; let the audit's identities send more requests, so that it "
        "can be seen what the service does without its cache",
    )


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"refuses": 500}, "GET /orders/7 while the cache refuses: answered 500"),
        # Sessions were there only; or what isn't in the cache isn't at all.
        ({"refuses": 401}, "GET /orders/7 while the cache refuses: answered 401"),
        ({"hangs": 404}, "GET /orders/7 while the cache hangs: answered 404"),
        ({"hangs": httpx.ReadTimeout("nothing came")}, "GET /orders/7 while the cache hangs: no answer within 0.0 s"),
    ],
)
def test_a_service_that_fails_or_hangs_with_it_fails(audit_yaml, answers, said: str) -> None:
    """Told for the read that did."""
    ran = judge(Faulty(answers), audit_yaml)
    assert ran.status is Status.FAILED
    first, second, *_ = ran.reason.splitlines()
    assert first == "the service does not do without its cache"
    assert second.startswith(f"  - {said}")
    assert (
        "each of 2 reads was sent 4 times at least with each fault on; an answer may take 5 s (standard)" in ran.reason
    )


def test_a_service_that_stays_without_fails(audit_yaml) -> None:
    """After the fault it never asks the cache again."""

    class Forgetful(Faulty):
        def _answer(self, cached: Cached, request: httpx.Request) -> httpx.Response:
            cached.hit(0 if self.on else 1)
            return httpx.Response(200)

    ran = judge(Forgetful(), audit_yaml)
    assert ran.reason.splitlines()[1:3] == [
        "  - GET /orders/7 after the cache refuses: no hit within 0.3 s (audit.yaml:6)",
        "  - GET /orders/7 after the cache hangs: no hit within 0.3 s (audit.yaml:6)",
    ]


def test_a_service_that_leaves_the_cache_alone_for_a_moment_is_seen_when_it_asks_again(audit_yaml) -> None:
    """After an error it goes without for a while, in which nothing can hang."""

    class Pausing(Faulty):
        def _answer(self, cached: Cached, request: httpx.Request) -> httpx.Response:
            if self.on == "refuses":
                self.until = time.monotonic() + 0.15
            elif self.on == "hangs" and time.monotonic() > self.until:
                raise httpx.ReadTimeout("nothing came")
            return super()._answer(cached, request)

    ran = judge(Pausing(), audit_yaml)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines()[1].startswith("  - GET /orders")
    assert "while the cache hangs: no answer within" in ran.reason


def test_what_shows_nothing_is_no_pass(audit_yaml) -> None:
    """No fault can be set on the cache, nothing asks it, or it wasn't well before."""
    ran = judge(Faulty(dependencies=("postgres",)), audit_yaml)
    assert (ran.status, ran.reason.partition(":")[0]) == (Status.COULD_NOT_RUN, "no dependency is the cache")
    ran = judge(Faulty(hit=0), audit_yaml)
    assert (ran.status, ran.reason.partition(":")[0]) == (
        Status.COULD_NOT_RUN,
        "before any fault none of 1 reads that are declared as read-cacheable hits the cache",
    )
    with pytest.raises(CouldNotRun, match=r"^no read is declared as read-cacheable"):
        judge(Faulty(), audit_yaml, LISTED)
    with pytest.raises(CouldNotRun, match=r"^before any fault GET /orders/7 answered 503 \(audit.yaml:9\)$"):
        judge(Faulty({"": 503}), audit_yaml)


def judge_latency(milliseconds: float, monkeypatch, more: str = ""):
    """The check of a cache that answers after as long."""
    clock = SimpleNamespace(now=0.0)

    def later() -> None:
        clock.now += milliseconds / 1000

    monkeypatch.setattr(cache_latency, "perf_counter", lambda: clock.now)
    connection = SimpleNamespace(send_command=lambda _: None, read_response=later)
    pool = SimpleNamespace(get_connection=lambda: connection, release=lambda _: None)
    info = {"server": {"redis_mode": "standalone"}, "replication": {"role": "master"}}
    around = surroundings("targets: {redis: {url: redis://cache, declared: {" + more + "}}}\n")
    return run_check(
        near, on=around.runtime.recorder, audit_redis=SimpleNamespace(connection_pool=pool, info=info.__getitem__),
        audit_declared=around.declared, audit_settings=around.settings, audit_evidence=ByHand(around.runtime),
    )  # fmt: skip


def test_a_near_cache_passes_with_its_quantiles(monkeypatch) -> None:
    """One piece of evidence for all round trips."""
    ran = judge_latency(0.25, monkeypatch)
    assert ran.status is Status.PASSED
    assert [(e.title, e.body) for e in ran.evidence] == [
        ("200 x PING on one connection", "p50 0.250 ms, p90 0.250 ms, p99 0.250 ms")
    ]


def test_a_far_cache_fails_unless_that_is_declared(monkeypatch) -> None:
    """With the limit and where it comes from."""
    assert judge_latency(2, monkeypatch).reason == (
        "the median of 200 round trips to the cache is 2.00 ms; it should be under 0.001 s (standard) "
        "(p50 2.000 ms, p90 2.000 ms, p99 2.000 ms)"
    )
    assert judge_latency(2, monkeypatch, "round_trip: 3").status is Status.PASSED
    assert judge_latency(4, monkeypatch, "round_trip: 3").reason.startswith(
        "the median of 200 round trips to the cache is 4.00 ms; it should be under 3 ms "
        "(targets.redis.declared.round_trip, audit.yaml:3)"
    )
