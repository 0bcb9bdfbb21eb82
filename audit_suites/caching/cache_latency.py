"""The median round trip to the cache stays under a millisecond locally, or under the declared bound.

One connection of the audit's own sends PING many times, one after the other, and each answer is timed. Where the cache
is farther away than the same machine or rack, the bound is what the team declares (targets.redis.declared.round_trip).
What is measured is the audit's way to the cache, so the audit should run where the service does.

Impact: A request that looks into the cache five times waits five times; a cache that is slow to reach makes everything
slower than it would be without one.

Remediation: Put the cache next to the service (same zone, no proxy or tunnel that isn't needed), look for what keeps
the server's one thread busy (slow commands, saving to disk, swapping), and ask for several keys in one go (MGET, a
pipeline).

Verification: redis-cli --latency from the service's host.

Effort: M
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.load import percentile
from pytest_backend_audit.suites.caching._asking import whole_cache

BOUND = "targets.redis.declared.round_trip"
QUANTILES = (50, 90, 99)


@audit(dimension="4.3", criterion="cache-latency", level=4)
def test_the_cache_is_near(audit_redis: Any, audit_declared: Any, audit_settings: Any, audit_evidence: Any) -> None:
    """The median round trip to the cache stays under a millisecond locally, or under the declared bound."""
    count, limit = audit_settings.value("cache-round-trips"), audit_settings.value("cache-median-latency")
    declared = audit_declared(BOUND, default=None)
    bound = limit.number if declared is None else declared / 1000
    told = str(limit) if declared is None else f"{declared:g} ms ({BOUND}, {audit_declared.origin(BOUND)})"

    took = sorted(_round_trips(whole_cache(audit_redis), int(count.number)))
    shown = ", ".join(f"p{q} {1000 * percentile(took, q):.3f} ms" for q in QUANTILES)
    audit_evidence.command(f"{len(took)} x PING on one connection", shown)
    assert percentile(took, 50) < bound, (
        f"the median of {len(took)} round trips to the cache is {1000 * percentile(took, 50):.2f} ms; it should be "
        f"under {told} ({shown})"
    )


def _round_trips(client: Any, count: int) -> list[float]:
    """Seconds of each; on a connection of the client's pool, which records nothing: one piece of evidence is enough."""
    connection = client.connection_pool.get_connection()
    found = []
    try:
        for _ in range(count + 1):
            begun = perf_counter()
            connection.send_command("PING")
            connection.read_response()
            found.append(perf_counter() - begun)
    finally:
        client.connection_pool.release(connection)
    return found[1:]  # the first one may have opened the connection
