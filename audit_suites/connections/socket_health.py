"""Sockets of the service's processes, those in TIME-WAIT and ephemeral ports in use stay bounded, and do not climb.

The processes that listen where targets.http.metrics (else base_url) of audit.yaml leads are found on this host, by ss
or in /proc; a proxy that only passes requests on is none of them. Their sockets are counted three times, with requests
of the audit's own between: reads of the endpoints that audit.yaml declares. In a service of many processes each gets
few of them, so that all processes together are looked at as well. Of sockets in TIME-WAIT those count that were the
service's end; ports count whoever has them. Where reads are refused, the check could not run: what they would have
opened was not opened.

Impact: A socket that each request leaves behind exhausts file descriptors or ports within hours; then the service
accepts nothing, and reaches nothing.

Remediation: Make one client per downstream when the process starts, and close what a request opens in a context
manager. Keep connections alive: what is opened and closed for each request waits in TIME-WAIT for a minute.

Verification: ss -tanp | grep pid= of the process, before and after a hundred requests.

Effort: M
"""

from __future__ import annotations

import time
from itertools import cycle, islice
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.sockets import climbing, climbing_together
from pytest_backend_audit.analysis.text import lines, listed, percent
from pytest_backend_audit.suites._profile import TELLING
from pytest_backend_audit.suites.connections._sockets import Host

REQUESTS = 60
"""Between two readings: enough for a leak to be more than what pools open meanwhile."""
SLACK = 10
"""Sockets that pools and others' requests may open meanwhile, in one process."""
WARMING = 3
"""Requests for each process before the first reading: pools open in most of them."""
MOST_WARMING = 300
SETTLING = 0.3
"""Seconds for answered requests' connections to close."""


@audit(dimension="4.2", criterion="socket-health", level=3)
def test_sockets_stay_bounded_and_do_not_climb(
    audit_command: Any,
    audit_evidence: Any,
    audit_http: Any,
    *,
    audit_identity: Any,
    audit_endpoints: Any,
    audit_declared: Any,
    audit_settings: Any,
) -> None:
    """Sockets of the service's processes, those in TIME-WAIT and ephemeral ports in use stay bounded."""
    most, share = audit_settings.value("time-wait-sockets"), audit_settings.value("ephemeral-ports-ratio")
    growth = audit_settings.value("socket-growth")
    reads = [e for e in audit_endpoints.declared() or audit_endpoints if e.method == "GET" and "{" not in e.url()]
    if not reads:
        raise CouldNotRun("no operation is declared that is read with GET: nothing to send (audit.yaml, endpoints)")
    host = Host(audit_command, audit_evidence, audit_declared)
    requests = ((audit_identity(e.identity) if e.identity else audit_http, e) for e in cycle(reads))
    refused: list[str] = []

    def send(number: int) -> None:
        for client, endpoint in islice(requests, number):
            status = client.get(endpoint.url(), headers={"Connection": "close"}).status_code
            if not 200 <= status < 400:
                refused.append(f"{endpoint}: {status}")
        time.sleep(SETTLING)

    send(min(MOST_WARMING, WARMING * len(host.pids)))
    refused.clear()
    readings = [host.read()]
    for _ in range(2):
        send(REQUESTS)
        readings.append(host.read())

    last = readings[-1]
    used = last.ephemeral / len(host.ephemeral)
    rising = climbing(readings, growth.number, SLACK) or climbing_together(readings, growth.number, SLACK)
    faults = [f"{said}, over {2 * REQUESTS} requests" for said in rising]
    if last.time_wait > most.number:
        faults.append(f"{last.time_wait} sockets of the service are in TIME-WAIT, at most {most} may be")
    if used > share.number:
        ports = f"{last.ephemeral} of {len(host.ephemeral)} ephemeral ports"
        faults.append(f"{ports} are in use ({percent(used)}), at most {share} may be")
    assert not faults, (
        f"sockets of {len(host.pids)} processes don't stay bounded{lines(faults)}\n"
        f"growth by {growth} of what a process began with, and {SLACK} sockets, are no fault; last: {last}"
    )
    if len(refused) > (1 - TELLING) * 2 * REQUESTS:
        raise CouldNotRun(
            f"{len(refused)} of {2 * REQUESTS} reads were refused ({listed(sorted(set(refused)))}), so what they open "
            "was not seen: declare reads that succeed, with their identity (audit.yaml, endpoints)"
        )
