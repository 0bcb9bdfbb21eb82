"""Requests on new connections spread over all instances.

A number of requests, each on a connection of its own, ask which instance answers (targets.http.instance). Instances are
those that answered, and those that targets.http.metrics names; where more names come than there are instances, they are
names of something else, and nothing is said. A service of which only one instance ever answers fails:
either callers stick to it, or there is no other.

Impact: One instance carries the load of all; when it goes, so do its callers' sessions, and adding instances helps
nobody.

Remediation: Turn off session affinity in the load balancer or the ingress (sessionAffinity: None, no sticky cookie, no
hash of the address), and keep state out of the process.

Verification: for i in $(seq 40); do curl -s https://service/whoami; done | sort | uniq -c

Effort: M
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.instances import Spread
from pytest_backend_audit.analysis.pointers import pointed
from pytest_backend_audit.analysis.text import listed, percent

INSTANCE = "targets.http.instance"


@audit(dimension="4.8", criterion="no-affinity", level=3)
def test_requests_spread_over_instances(audit_http: Any, audit_declared: Any, audit_settings: Any) -> None:
    """Requests on new connections spread over all instances."""
    requests, share = audit_settings.value("affinity-requests"), audit_settings.value("affinity-share")
    url, pointer = audit_declared(f"{INSTANCE}.url"), audit_declared(f"{INSTANCE}.pointer", default="")
    names = []
    for _ in range(int(requests.number)):
        answer = audit_http.get(url, headers={"Connection": "close"})
        name = pointed(answer.text, pointer) if answer.is_success else None
        if name is None:
            raise CouldNotRun(
                f"GET {url} answered {answer.status_code} without an instance at {pointer or 'its top'!r} "
                f"({INSTANCE}, {audit_declared.origin(INSTANCE)})"
            )
        names.append(name)
    spread = Spread.of(names, known=len(audit_declared("targets.http.metrics", default=())))
    if why := spread.no_instances():
        raise CouldNotRun(
            f"{len(names)} requests were answered by {len(spread.answers)} different names, {why}: "
            f"{listed(spread.answers, 3)}; {pointer or 'the answer'} of {url} must name the instance ({INSTANCE}, "
            f"{audit_declared.origin(INSTANCE)}), and targets.http.metrics all of them"
        )
    assert not spread.uneven(share.number), (
        f"{len(names)} requests on new connections were answered by {len(spread.answers)} of {spread.instances} "
        f"instances ({spread}); there should be two at least, each with {percent(spread.least(share.number))} or more "
        f"of the answers, from {share}"
    )
