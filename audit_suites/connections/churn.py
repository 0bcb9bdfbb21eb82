"""New connections a second and sockets in TIME-WAIT stay bounded under load.

While the load that audit.yaml declares (load) is sent, the sockets of the service's processes on this host are read
several times, by ss or in /proc. Counted are connections that they opened meanwhile to what they call: databases,
caches, other services; those that were closed again are found in TIME-WAIT. What was in TIME-WAIT before is left out,
as it may come from other work than this load; what comes is taken to come for as long as TIME-WAIT lasts.

Impact: Each new connection costs its server a process or a handshake; under peak load both sides spend their time on
greeting each other, and ports in TIME-WAIT run out.

Remediation: Keep connections: a pool with a lifetime of minutes rather than one connection per request, CONN_MAX_AGE in
Django, keep-alive in HTTP clients.

Verification: ss -tan state time-wait | wc -l stays low at peak; total_connections_received of Redis hardly rises.

Effort: M
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.sockets import TIME_WAIT_LASTS
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites._profile import TELLING, profile, refused
from pytest_backend_audit.suites.connections._sockets import Host

WARMING = 1.0
"""Seconds of load in which pools may grow to what it takes."""
WINDOW = 6.0
"""Seconds, at most, over which connections are counted: those in TIME-WAIT stay for sixty."""
READINGS = 12


@audit(dimension="4.2", criterion="churn", level=5, needs=("load",))
def test_few_connections_are_opened_under_load(
    audit_load: Any,
    audit_command: Any,
    audit_evidence: Any,
    *,
    audit_endpoints: Any,
    audit_declared: Any,
    audit_settings: Any,
) -> None:
    """New connections a second and sockets in TIME-WAIT stay bounded under load."""
    most, waiting = audit_settings.value("connection-churn"), audit_settings.value("time-wait-sockets")
    load = profile(audit_declared, audit_endpoints)
    host = Host(audit_command, audit_evidence, audit_declared)
    window = min(WINDOW, load.seconds)
    with audit_load.background(load.endpoints, load.rate, WARMING + 2 * window, shares=load.shares) as sent:
        time.sleep(WARMING)
        before, closed, begun = host.outbound(), host.closed(), time.monotonic()
        seen = set()
        for _ in range(READINGS):
            time.sleep(window / READINGS)
            seen |= host.outbound()
        seconds = time.monotonic() - begun
        closing = len(host.closed() - closed) / seconds
    opened = seen - before
    faults = []
    if len(opened) > most.number * seconds:
        peers = Counter(f"{host_}:{port}" for _, (host_, port) in opened)
        to = listed(f"{peer} {number}" for peer, number in peers.most_common())
        faults.append(f"{len(opened) / seconds:.1f} new connections a second ({to}), at most {most} may be")
    if closing * TIME_WAIT_LASTS > waiting.number:
        faults.append(
            f"{closing:.1f} sockets a second go into TIME-WAIT, which lasts {TIME_WAIT_LASTS:.0f} s: "
            f"{closing * TIME_WAIT_LASTS:.0f} at a time, at most {waiting} may be"
        )
    assert not faults, f"under {load.rate:g} requests/s connections come and go{lines(faults)}"
    if reason := refused(sent.done, TELLING):
        raise CouldNotRun(f"{reason}: what is refused early opens no connection")
