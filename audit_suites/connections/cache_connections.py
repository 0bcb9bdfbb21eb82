"""Connections to the cache are pooled.

Reads of what the cache is for (endpoints of class read-cacheable in audit.yaml) are sent, and the connections counted
that the cache's server receives meanwhile; as many as come in an equally long time without our requests are others'.
Each process of the service opens its first connection once: what comes in one round of requests and no longer in a
later one is no fault.

Impact: Each lookup pays for a handshake, TLS and authentication, which take longer than the lookup; under load the host
runs out of ephemeral ports, and the cache of file descriptors.

Remediation: Make one client with a connection pool when the process starts, and use it for all requests.

Verification: redis-cli INFO stats before and after 50 requests: total_connections_received hardly rises.

Effort: S
"""

from __future__ import annotations

import time
from itertools import cycle, islice
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.text import listed

CACHED = "read-cacheable"
"""Class of the reference SLOs that marks what the cache is there for."""
MOST = 0.5
"""Share of the requests that must have made a lookup, for connections that were opened to be theirs."""
ROUNDS = 4
"""Rounds of requests, of which one has to take few new connections: in a large fleet it is a later one."""


@audit(dimension="4.2", criterion="cache-connections", level=4)
def test_connections_to_the_cache_are_pooled(
    audit_redis: Any, audit_http: Any, audit_identity: Any, audit_endpoints: Any, audit_settings: Any
) -> None:
    """Connections to the cache are pooled."""
    number, most = audit_settings.value("reuse-requests"), audit_settings.value("connections-per-request")
    endpoints = [e for e in audit_endpoints.declared() if e.class_ == CACHED and e.method == "GET"]
    if not endpoints:
        raise CouldNotRun(f"none of {len(audit_endpoints)} operations is declared as {CACHED} (audit.yaml, endpoints)")
    clients = {str(e): audit_identity(e.identity) if e.identity else audit_http for e in endpoints}

    for _ in range(ROUNDS):
        before, begun = _counters(audit_redis), time.monotonic()
        for endpoint in islice(cycle(endpoints), int(number.number)):
            answer = clients[str(endpoint)].get(endpoint.url())
            if not answer.is_success:
                raise CouldNotRun(f"{endpoint} answered {answer.status_code} ({endpoint.origin})")
        between, seconds = _counters(audit_redis), time.monotonic() - begun
        time.sleep(seconds)
        after = _counters(audit_redis)

        lookups = between["lookups"] - before["lookups"]
        ours = between["connections"] - before["connections"]
        others = after["connections"] - between["connections"]
        opened = max(0, ours - others)
        pooled = opened <= most.number * number.number
        # Where each lookup opens a connection, some fail as ports run out: that most came through is enough to judge.
        if lookups < (number.number if pooled else MOST * number.number):
            raise CouldNotRun(
                f"{number} to {listed(endpoints)} made {lookups:g} lookups in the cache: they don't reach it, or it "
                "was reset meanwhile"
            )
        if pooled:
            break
    assert pooled, (
        f"{number} to {listed(endpoints)} took {opened} new connections to the cache ({ours} came in {seconds:.1f} s, "
        f"{others} in as long without them), {opened / number.number:.2f} for each; at most {most} may be"
    )


def _counters(client: Any) -> dict[str, int]:
    stats = client.info("stats")
    return {
        "connections": int(stats["total_connections_received"]),
        "lookups": int(stats["keyspace_hits"]) + int(stats["keyspace_misses"]),
    }
