"""What misses take beside hits, of services whose misses are slow or were none."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest
from unit.suites.cached import Cached, cacheable

from pytest_backend_audit.analysis.load import LoadResult, Sample
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.caching import miss_path
from pytest_backend_audit.suites.caching.miss_path import test_misses_are_fast_enough as check
from pytest_backend_audit.targets.evidence import ByHand
from pytest_backend_audit.testing import run_check


class Loaded:
    """A service, and the load that is sent to it.

    Args:
        slow: Seconds of a miss.
        status: What a miss answers.
        misses: How many the cache counts.
    """

    def __init__(self, slow: float = 0.1, status: int = 200, misses: int = 100) -> None:
        info = {"keyspace_hits": 0, "keyspace_misses": 0, "cmdstat_get": {"calls": 1}}
        self.redis = SimpleNamespace(info=lambda section: info if section == "all" else ALONE[section])
        self.service = Cached(lambda *_: httpx.Response(200)).service
        self.urls: list[str] = []
        self.asked: tuple[float, float] = (0.0, 0.0)
        self._info, self._slow, self._status, self._misses = info, slow, status, misses

    def run(self, requests: list[httpx.Request], rate: float, seconds: float) -> LoadResult:
        """For ``audit_load``."""
        self.urls, self.asked = [request.url.path for request in requests], (rate, seconds)
        self._info["keyspace_misses"] = self._misses
        samples = (
            Sample(n, n, n, n + (self._slow if n % 2 else 0.004), self._status if n % 2 else 200, kind=n)
            for n in range(len(requests))
        )
        return LoadResult("literal", rate, tuple(samples))


ALONE = {"server": {"redis_mode": "standalone"}, "replication": {"role": "master"}}
COLD = {"id": range(1001, 2001, 2)}


def judge(loaded: Loaded, audit_yaml, cold=COLD):
    """The check, of one endpoint."""
    around = audit_yaml()
    paths = miss_path.paths.__wrapped__(
        cacheable("/orders/{id}", parameters={"id": 7}, cold=cold), loaded.service.client(), loaded.service.identity,
        loaded.redis, loaded, audit_settings=around.settings,
    )  # fmt: skip
    return run_check(
        check, on=around.runtime.recorder, paths=paths, audit_settings=around.settings,
        audit_evidence=ByHand(around.runtime), audit_acknowledged=around.acknowledged,
    )  # fmt: skip


def test_fast_misses_pass_and_both_are_known(audit_yaml) -> None:
    """A hit and a miss in turn, each miss another value of the range."""
    loaded = Loaded()
    ran = judge(loaded, audit_yaml)
    assert ran.status is Status.PASSED
    assert [evidence.body for evidence in ran.evidence] == [
        "GET /orders/{id}: misses p50 100 ms, p99 100 ms; hits p50 4 ms, p99 4 ms"
    ]
    cold = {int(url.rpartition("/")[2]) for url in loaded.urls[1::2]}
    assert (loaded.asked, set(loaded.urls[::2]), len(cold), cold <= set(COLD["id"])) == (
        (40.0, 5.0), {"/orders/7"}, 100, True
    )  # fmt: skip


def test_slow_misses_fail(audit_yaml) -> None:
    """Beside the hits, with the bound."""
    assert judge(Loaded(slow=0.6), audit_yaml).reason.splitlines() == [
        "misses are too slow on 1 of 1 endpoints",
        "  - GET /orders/{id}: misses p50 600 ms, p99 600 ms; hits p50 4 ms, p99 4 ms",
        "  the p99 of misses may be 0.5 s (standard); to acknowledge: miss-path:GET /orders/{id}",
    ]


@pytest.mark.parametrize(
    ("loaded", "cold", "said"),
    [
        (Loaded(status=404), COLD, "of 100 requests for cold values of GET /orders/{id} 0 got a success"),
        (
            Loaded(misses=60),
            COLD,
            "of 100 requests for cold values of GET /orders/{id} 100 got a success, and the cache",
        ),
        (Loaded(), {"id": range(10)}, "cold has 10 values of id, needed are 100 (audit.yaml:9)"),
        (Loaded(), {}, "no read-cacheable endpoint has values of which the cache rarely has one"),
    ],
)
def test_a_path_that_was_not_seen_is_no_pass(audit_yaml, loaded: Loaded, cold, said: str) -> None:
    """Errors, hits, or too few values to ask for."""
    with pytest.raises(CouldNotRun) as caught:
        judge(loaded, audit_yaml, cold)
    assert str(caught.value)[: len(said)] == said
