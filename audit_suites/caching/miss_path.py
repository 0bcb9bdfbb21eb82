"""The p99 of requests that miss the cache is known beside that of hits, and stays inside its bound.

Endpoints that audit.yaml classes as read-cacheable, with a range of values of which the cache rarely has one (cold),
are sent requests at a constant rate: one for the declared thing, which the cache has, then one for a random value of
the range, in turn. Latency counts from when each request was due. The cache must have been seen to miss meanwhile.

Impact: Nobody knows what every request would take after a deploy, a restart or an eviction, until it happens to all of
them at once.

Remediation: Look at what a miss costs (plans, statements per request, calls of other services), set time limits to it,
and load what is slow ahead of time, in the background.

Verification: hey -n 200 -c 5 of a hot path, and of paths nobody has read: compare the 99th percentiles.

Effort: M
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.load import percentile
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites._costs import caller, get
from pytest_backend_audit.suites.caching._asking import cacheable, lookups, whole_cache

ENOUGH = 0.9
"""Share of the requests meant to miss that must have got a success, and of which the cache must have counted a miss."""


@dataclass(frozen=True)
class Paths:
    """Latencies of one endpoint, in seconds, ascending."""

    endpoint: Any
    hits: list[float]
    misses: list[float]

    def __str__(self) -> str:
        told = {"misses": self.misses, "hits": self.hits}
        shown = "; ".join(
            f"{name} p50 {1000 * percentile(took, 50):.0f} ms, p99 {1000 * percentile(took, 99):.0f} ms"
            for name, took in told.items()
        )
        return f"{self.endpoint}: {shown}"


@pytest.fixture
def paths(
    audit_endpoints: Any,
    audit_http: Any,
    audit_identity: Any,
    audit_redis: Any,
    audit_load: Any,
    *,
    audit_settings: Any,
) -> list[Paths]:
    """What hits and misses take, of each endpoint that has a range of cold values."""
    number, rate = audit_settings.value("miss-path-requests"), audit_settings.value("miss-path-rate")
    cache, count = whole_cache(audit_redis), int(number.number)
    endpoints = [e for e in cacheable(audit_endpoints) if e.cold]
    if not endpoints:
        raise CouldNotRun(
            "no read-cacheable endpoint has values of which the cache rarely has one: declare a range of them, as cold "
            "(audit.yaml, endpoints)"
        )
    found = []
    for endpoint in endpoints:
        client = caller(endpoint, audit_http, audit_identity)
        get(client, endpoint)
        urls = []
        for values in zip(*(_some(name, v, count, endpoint) for name, v in endpoint.cold.items()), strict=True):
            urls += [endpoint.url(), endpoint.url(**dict(zip(endpoint.cold, values, strict=True)))]
        before = lookups(cache)["misses"]
        sent = audit_load.run([client.build_request("GET", url) for url in urls], rate.number, len(urls) / rate.number)
        missed = lookups(cache)["misses"] - before
        cold = [sample for sample in sent.samples if sample.kind % 2]
        well = sum(200 <= sample.status < 300 for sample in cold)
        if well < ENOUGH * len(cold) or missed < ENOUGH * len(cold):
            raise CouldNotRun(
                f"of {len(cold)} requests for cold values of {endpoint} {well} got a success, and the cache counted "
                f"{missed:g} misses meanwhile: the miss path was not seen ({endpoint.origin})"
            )
        hot = sorted(sample.latency for sample in sent.samples if not sample.kind % 2)
        found.append(Paths(endpoint, hot, sorted(sample.latency for sample in cold)))
    return found


@audit(dimension="4.3", criterion="miss-path", level=4, needs=("load",))
def test_misses_are_fast_enough(
    paths: list[Paths], audit_settings: Any, audit_evidence: Any, audit_acknowledged: Any
) -> None:
    """The p99 of requests that miss the cache is known beside that of hits, and stays inside its bound."""
    most = audit_settings.value("miss-path-p99")
    audit_evidence.load("hits and misses, in turn", "\n".join(map(str, paths)))
    left = audit_acknowledged(
        [path for path in paths if percentile(path.misses, 99) > most.number], key=lambda path: path.endpoint
    )
    assert not left, (
        f"misses are too slow on {len(left)} of {len(paths)} endpoints{lines(left)}\n"
        f"the p99 of misses may be {most}; to acknowledge: {left.names}"
    )


def _some(name: str, values: range, count: int, endpoint: Any) -> list[int]:
    if len(values) < count:
        raise CouldNotRun(f"cold has {len(values)} values of {name}, needed are {count} ({endpoint.origin})")
    return random.sample(values, count)
