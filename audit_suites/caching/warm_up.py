"""After a deploy the cache is warm for the first requests.

Hot are the reads that audit.yaml classes as read-cacheable, with the values that it declares as hot, else with those of
an ordinary request. Each is made twice, and the cache must have it then. The service is deployed anew, by the command
that audit.yaml names (targets.http.restart); as soon as it says that it is ready, each is made once more. Of these
first requests enough must find what they ask for in the cache. What everybody else looks up meanwhile is told apart.

Impact: After each deploy every request pays for a miss, all at once; the database meets them together with the new
code, and who deploys often is slow often.

Remediation: Load what is hot into the cache before the instance reports ready: note what was asked for most, and read
that first; or let the entries outlive the deploy, with the form of the entries as a version in their keys.

Verification: Deploy, and look at keyspace_misses of INFO stats over the first hundred requests.

Effort: M
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.attribution import Counts, parts
from pytest_backend_audit.analysis.cache import without
from pytest_backend_audit.analysis.text import listed, percent
from pytest_backend_audit.suites._costs import QUIET, caller, get
from pytest_backend_audit.suites.caching._asking import cacheable, lookups, whole_cache

READY = 30.0
"""Seconds that the front door may take to let requests in, once the command has ended."""
PAUSE = 0.05


@dataclass(frozen=True)
class Asked:
    """What a round of requests showed, each for another thing."""

    number: int
    rise: Counts
    """The cache's hits and misses meanwhile, of whomever."""
    beside: Counts | None
    """Those of everybody else, right after; None where they could not decide anything."""
    latency: float
    """Median, seconds."""

    @property
    def least(self) -> float:
        """The share of ours that hit, at least."""
        hits, misses = self.rise.by_name["hits"], self.rise.by_name["misses"]
        return max(0, min(self.number - misses, hits)) / self.number

    @property
    def most(self) -> float:
        """The share of ours that hit, at most."""
        if self.beside is None:
            return 1.0
        return (self.number - without(self.number, parts(self.rise, self.beside))) / self.number

    def __str__(self) -> str:
        told = " ".join(f"{count} {name}" for name, count in self.rise.by_name.items())
        return f"{self.number} requests: {told} of everybody, median {1000 * self.latency:.1f} ms"


@pytest.fixture
def hot(audit_endpoints: Any, audit_http: Any, audit_identity: Any) -> list[tuple[Any, Any, str]]:
    """Each hot read: its endpoint, who makes it, and its path."""
    found = []
    for endpoint in cacheable(audit_endpoints):
        client = caller(endpoint, audit_http, audit_identity)
        values = zip(*endpoint.hot.values(), strict=True) if endpoint.hot else [()]
        found += [(endpoint, client, endpoint.url(**dict(zip(endpoint.hot, v, strict=True)))) for v in values]
    return found


@pytest.fixture
def ask(hot: list[tuple[Any, Any, str]], audit_redis: Any, audit_settings: Any) -> Callable[[], Asked]:
    """Makes each hot read once."""
    cache, least = whole_cache(audit_redis), audit_settings.value("hit-rate-deliberate")

    def counted(block: Callable[[], object]) -> Counts:
        before, begun = lookups(cache), time.monotonic()
        block()
        seconds, after = time.monotonic() - begun, lookups(cache)
        return Counts(_rise(before, after), seconds)

    def once() -> Asked:
        took: list[float] = []

        def send() -> None:
            for endpoint, client, url in hot:
                begun = time.monotonic()
                get(client, endpoint, url)
                took.append(time.monotonic() - begun)

        rise = counted(send)
        asked = Asked(len(hot), rise, None, median(took))
        if asked.least >= least.number:
            return asked
        beside = counted(lambda: time.sleep(max(QUIET, rise.seconds)))
        return Asked(len(hot), rise, beside, median(took))

    return once


@audit(dimension="4.3", criterion="warm-up", level=5, needs=("faults",))
def test_the_cache_is_warm_after_a_deploy(
    ask: Callable[[], Asked],
    hot: list[tuple[Any, Any, str]],
    audit_faults: Any,
    audit_http: Any,
    audit_declared: Any,
    *,
    audit_settings: Any,
    audit_evidence: Any,
) -> None:
    """After a deploy the cache is warm for the first requests."""
    least = audit_settings.value("hit-rate-deliberate")
    command, ready = audit_declared("targets.http.restart"), audit_declared("targets.http.ready", "")
    ask()
    before = ask()
    if before.least < least.number:
        raise CouldNotRun(
            f"before any deploy not even {percent(least.number)} of hot reads that were made twice were seen to hit "
            f"({before}): declare more values as hot (audit.yaml, endpoints, hot), or audit while fewer others read"
        )
    with audit_faults.restart("http"):
        pass
    _await_ready(audit_http, ready)
    after = ask()
    audit_evidence.load(f"hot reads before and after {' '.join(command)}", f"before: {before}\nafter: {after}")
    names = list(dict.fromkeys(str(endpoint) for endpoint, _, _ in hot))
    assert after.most >= least.number, (
        f"after a deploy at most {percent(after.most)} of the first requests for {after.number} hot things hit the "
        f"cache ({listed(names)}); it should be at least {least}, and before it was at least {percent(before.least)}; "
        f"their median latency was {1000 * before.latency:.1f} ms before and {1000 * after.latency:.1f} ms after"
    )
    if after.least < least.number:
        raise CouldNotRun(
            f"between {percent(after.least)} and {percent(after.most)} of the first requests hit the cache ({after}): "
            "others' lookups hide the rest; declare more values as hot (audit.yaml, endpoints, hot)"
        )


def _await_ready(http: Any, path: str) -> None:
    """Wait until requests are let in.

    Raises:
        CouldNotRun: It takes too long.
    """
    end = time.monotonic() + READY
    while path and (status := http.get(path, headers={"Connection": "close"}).status_code) != 200:
        if time.monotonic() > end:
            raise CouldNotRun(f"{path} answered {status} for {READY:g} s after the deploy's command had ended")
        time.sleep(PAUSE)


def _rise(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, int]:
    rise = {name: int(after[name] - before[name]) for name in ("hits", "misses", "inspections")}
    return {"hits": rise["hits"] - rise["inspections"], "misses": rise["misses"]}
