"""Outbound HTTP connections are reused, in a pool sized for each downstream.

The audit listens in the downstream's place (targets.downstream of audit.yaml). Reads of the endpoints that audit.yaml
declares are sent, those that make the service call the downstream again and again, and the connections counted on which
those calls come. Each process of the service opens its first connection once: what is opened in one round of requests
and no longer in a later one is no fault. There must be a declared pool of the target downstream, and no more
connections than its size.

Impact: Each call pays for a handshake, and with TLS for several round trips; closed connections wait in TIME-WAIT until
the ports run out. Without a size, a slow downstream is given as many connections as there are requests.

Remediation: Make one client per downstream when the process starts (httpx.AsyncClient, requests.Session, http.Client
with a Transport), set its limits for that downstream, and declare the pool in audit.yaml: pools: {NAME: {target:
downstream, size: N}}.

Verification: On the downstream's side, ss -tan | grep ESTAB stays the same while requests come; none wait in TIME-WAIT.

Effort: S
"""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.text import lines, listed

TARGET = "downstream"
ROUNDS = 4
"""Rounds of requests, of which one has to be answered on few new connections: in a large fleet it is a later one."""
PATIENCE = 4
"""Requests that may be sent for each one that is wanted at the downstream: others are answered from a cache."""


@audit(dimension="4.2", criterion="http-pools", level=4, needs=("faults",))
def test_outbound_connections_are_reused_and_bounded(
    audit_downstream: Any,
    audit_http: Any,
    audit_identity: Any,
    *,
    audit_endpoints: Any,
    audit_declared: Any,
    audit_settings: Any,
) -> None:
    """Outbound HTTP connections are reused, in a pool sized for each downstream."""
    number, most = audit_settings.value("reuse-requests"), audit_settings.value("connections-per-request")
    pools = {name: pool for name, pool in audit_declared("pools", {}).items() if pool.target == TARGET}
    reads = [e for e in audit_endpoints.declared() if e.method == "GET"]
    if not reads:
        raise CouldNotRun("no operation is declared that is read with GET: nothing to send (audit.yaml, endpoints)")

    def send(endpoint: Any) -> None:
        client = audit_identity(endpoint.identity) if endpoint.identity else audit_http
        client.get(endpoint.url(), headers={"Connection": "close"})  # each instance gets its share

    with audit_downstream() as heard:
        calling = _calling(reads, send, heard)
        for _ in range(ROUNDS):
            before, on = heard.requests, heard.per_connection()
            for endpoint in islice(cycle(calling), PATIENCE * int(number.number) if calling else 0):
                if heard.requests - before >= number.number:
                    break
                send(endpoint)
            came = heard.requests - before
            used = [c for c, requests in heard.per_connection().items() if requests > on.get(c, 0)]
            connections, opened = len(used), sum(c not in on for c in used)
            if came < number.number or opened <= most.number * came:
                break
    if came < number.number:
        raise CouldNotRun(
            f"{came} calls came to the downstream, {number} are wanted: of {len(reads)} declared reads "
            f"{listed(calling) or 'none'} called it each time; declare one that does (audit.yaml, endpoints)"
        )
    faults = []
    if opened > most.number * came:
        faults.append(f"{came} calls came on {opened} new connections, {opened / came:.2f} for each; at most {most}")
    if not pools:
        faults.append(
            f"no pool of the target {TARGET} is declared ({audit_declared.origin('pools')}): what is its size?"
        )
    allowed = sum(pool.size * pool.processes * pool.instances for pool in pools.values())
    if pools and connections > allowed:
        faults.append(f"{connections} connections came, and {listed(pools)} may have {allowed}")
    assert not faults, f"outbound connections are not pooled (asked: {listed(calling)}){lines(faults)}"


def _calling(reads: list[Any], send: Any, heard: Any) -> list[Any]:
    """Those of the reads that make a call each time, not just the first time."""
    found = []
    for endpoint in reads:
        send(endpoint)
        before = heard.requests
        send(endpoint)
        if heard.requests > before:
            found.append(endpoint)
    return found
