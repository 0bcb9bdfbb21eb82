"""The check of the cache after a deploy, of services that differ from the reference one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.cached import cacheable
from unit.suites.stranger import Service

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.caching import warm_up
from pytest_backend_audit.testing import run_check

HOT = {"id": range(1, 20, 2)}
RESTART = "    ready: /ready\n    restart: [deploy, it]\n"
ALONE = {"server": {"redis_mode": "standalone"}, "replication": {"role": "master"}}


class Deployed:
    """A service and its cache, on a clock that stands still but for what is slept.

    Args:
        warmed: How many of the hot things the next deploy loads; of the others it knows nothing.
        lost: How many are not even kept before it.
        others: Misses of somebody else that come with each request of ours after the deploy.
        usual: Misses of somebody else in a second without any.
        late: Looks at readiness that are refused.
    """

    def __init__(self, *, warmed: int = 10, lost: int = 0, others: int = 0, usual: int = 0, late: int = 2) -> None:
        self.counted = {"keyspace_hits": 0, "keyspace_misses": 0, "cmdstat_get": {"calls": 1}}
        self.done: list[str] = []
        self.now = 0.0
        self._cached: set[str] = set()
        self._keeps = {f"/orders/{n}" for n in list(HOT["id"])[lost:]}
        self._warmed, self._others, self._usual, self._late = warmed, others, usual, late
        self.service = Service(self._answer)

    def info(self, section: str) -> dict[str, object]:
        """For ``audit_redis``."""
        return dict(self.counted) if section == "all" else ALONE[section]

    def sleep(self, seconds: float) -> None:
        """Time passes, and others go on."""
        self.now += seconds
        self.counted["keyspace_misses"] += round(self._usual * seconds)

    @contextlib.contextmanager
    def restart(self, name: str) -> Iterator[None]:
        """For ``audit_faults``."""
        self.done.append(f"restart {name}")
        self._cached = {f"/orders/{n}" for n in list(HOT["id"])[: self._warmed]}
        yield

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/ready":
            self._late -= 1
            return httpx.Response(503 if self._late >= 0 else 200)
        self.now += 0.01
        self.counted["keyspace_hits" if path in self._cached else "keyspace_misses"] += 1
        if path in self._keeps:
            self._cached.add(path)
        if self.done:
            self.counted["keyspace_misses"] += self._others
        return httpx.Response(200)


def judge(audit_yaml, monkeypatch, deployed: Deployed, *, http: str = RESTART):
    """The check, and what it noted."""
    monkeypatch.setattr(warm_up, "time", SimpleNamespace(monotonic=lambda: deployed.now, sleep=deployed.sleep))
    around = audit_yaml(http)
    client = deployed.service.client()
    hot = warm_up.hot.__wrapped__(cacheable("/orders/{id}", hot=HOT), client, deployed.service.identity)
    noted: list[str] = []
    ran = run_check(
        warm_up.test_the_cache_is_warm_after_a_deploy,
        ask=warm_up.ask.__wrapped__(hot, deployed, around.settings), hot=hot, audit_faults=deployed,
        audit_http=client, audit_declared=around.declared, audit_settings=around.settings,
        audit_evidence=SimpleNamespace(load=lambda method, result: noted.extend([method, *result.splitlines()])),
    )  # fmt: skip
    return ran, noted


def test_a_cache_that_was_warmed_passes(audit_yaml, monkeypatch) -> None:
    """Once the front door lets requests in; each hot thing is asked for twice before, and once after."""
    deployed = Deployed()
    ran, noted = judge(audit_yaml, monkeypatch, deployed)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert deployed.done == ["restart http"]
    assert (len(deployed.service.asked), deployed.service.asked.count("GET /ready")) == (33, 3)
    assert noted == [
        "hot reads before and after deploy it",
        "before: 10 requests: 10 hits 0 misses of everybody, median 10.0 ms",
        "after: 10 requests: 10 hits 0 misses of everybody, median 10.0 ms",
    ]


def test_a_cold_cache_is_told(audit_yaml, monkeypatch) -> None:
    """With what it was before, and what a request takes in either."""
    ran, _ = judge(audit_yaml, monkeypatch, Deployed(warmed=2))
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines()[0] == (
        "after a deploy at most 20 % of the first requests for 10 hot things hit the cache (GET /orders/{id}); it "
        "should be at least 0.6 (standard), and before it was at least 100 %; their median latency was 10.0 ms before "
        "and 10.0 ms after"
    )


def test_others_misses_hide_what_ours_were(audit_yaml, monkeypatch) -> None:
    """Of sixteen misses in that time others may have made all."""
    ran, _ = judge(audit_yaml, monkeypatch, Deployed(others=1, usual=100))
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith("between 0 % and 100 % of the first requests hit the cache (10 requests: 10 hits 10 m")


@pytest.mark.parametrize(
    ("deployed", "http", "reason"),
    [
        (
            Deployed(lost=5),
            RESTART,
            "before any deploy not even 60 % of hot reads that were made twice were seen to hit (",
        ),
        (Deployed(), "", "targets.http.restart is not configured (audit.yaml:"),
        (Deployed(late=10_000), RESTART, "/ready answered 503 for 30 s after the deploy's command had ended"),
    ],
)
def test_what_can_not_be_judged_could_not_run(
    audit_yaml, monkeypatch, deployed: Deployed, http: str, reason: str
) -> None:
    """A cache that is never warm, no command, and a service that does not come back."""
    ran, _ = judge(audit_yaml, monkeypatch, deployed, http=http)
    assert (ran.status, ran.reason[: len(reason)]) == (Status.COULD_NOT_RUN, reason)


def test_a_read_without_hot_values_is_asked_for_as_usual(audit_yaml) -> None:
    """By the parameters of an ordinary request."""
    service = Service(lambda _: httpx.Response(200))
    found = warm_up.hot.__wrapped__(cacheable("/a/{id}", parameters={"id": 7}), service.client(), service.identity)
    assert [url for _, _, url in found] == ["/a/7"]


def test_a_first_request_without_success_could_not_be_judged(audit_yaml) -> None:
    """The service is not ready, whatever it says."""
    service = Service(lambda _: httpx.Response(503))
    hot = warm_up.hot.__wrapped__(cacheable("/orders/{id}", hot=HOT), service.client(), service.identity)
    ask = warm_up.ask.__wrapped__(hot, Deployed(), audit_yaml().settings)
    with pytest.raises(CouldNotRun, match=r"^GET /orders/\{id\} answered 503 \(audit\.yaml:9\)$"):
        ask()
