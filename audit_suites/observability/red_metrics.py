"""The service exports the rate, the errors and the duration of its requests.

The metrics page of each instance is read before and after requests of the audit's own that end in an error: reads of
targets.http.error_path, else of a path that does not exist. All three must have counted them. Errors of others count
there too, such as what other checks are refused: right before and right after is counted how many come without ours,
and it is tried again while they could be taken for ours.

Impact: Without rates an outage looks like a quiet night; without errors it looks like success; without durations like
nothing at all.

Remediation: Count every answer by method, route and status, and observe its duration, in a middleware that sees all of
them: also those of authentication, of validation and of the handler for exceptions.

Verification: Ask for a path that doesn't exist, and see http_requests_total{status="404"} rise.

Effort: S
"""

from __future__ import annotations

import time
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.metrics import NoMetricsError, Requests, growth, read_page, requests
from pytest_backend_audit.analysis.text import listed

FAILURES = 5
"""Requests of ours: more than fail by themselves in the moment between two readings, too few to trip a breaker."""
NOWHERE = "/backend-audit/there-is-no-such-path"
ROUNDS = 5
"""How often it is tried while others' errors could be taken for ours."""
CLEAR = 0.6
"""Share of ours that must be left when others' errors are taken off: theirs come as they like, now more, now fewer."""
QUIET = 0.3
"""Seconds, at least, over which others' errors are counted, before and after."""
SETTLING = 2.0
"""Seconds until counters must show an answered request; exporters of several processes write late."""


@audit(dimension="4.5", criterion="red-metrics", level=3)
def test_rate_errors_and_duration_are_exported(audit_http: Any, audit_identity: Any, audit_declared: Any) -> None:
    """The service exports the rate, the errors and the duration of its requests."""
    pages = audit_declared("targets.http.metrics")

    def read() -> list[Requests]:
        return [
            requests(read_page(a.status_code, a.headers.get("content-type", ""), a.text))
            for a in map(audit_http.get, pages)
        ]

    try:
        read()
    except NoMetricsError as error:
        raise AssertionError(f"not all of {listed(pages)} are metrics pages: one {error}") from None
    path, identities = audit_declared("targets.http.error_path", NOWHERE), audit_declared("identities", ())
    client = audit_identity(identities[0]) if identities else audit_http

    def beside(seconds: float) -> float:
        begun = read()
        time.sleep(seconds)
        return growth(begun, read())["errors"]

    for _ in range(ROUNDS):
        others, begun, before = beside(QUIET), time.monotonic(), read()
        statuses = [client.get(path, headers={"Connection": "close"}).status_code for _ in range(FAILURES)]
        if min(statuses) < 400:
            raise CouldNotRun(f"GET {path} answered {min(statuses)}: no error to count; set targets.http.error_path")
        deadline = time.monotonic() + SETTLING
        while min((grown := growth(before, read())).values()) < FAILURES and time.monotonic() < deadline:
            time.sleep(SETTLING / 10)
        missing = [f"{name} rose by {count:g}" for name, count in grown.items() if count < FAILURES]
        assert not missing, (
            f"{FAILURES} requests that ended in an error ({min(statuses)} to {max(statuses)}) were not counted on "
            f"{len(pages)} metrics pages: {', '.join(missing)}"
        )
        others = max(others, beside(max(QUIET, time.monotonic() - begun)))
        if grown["errors"] - others >= CLEAR * FAILURES:
            return
    raise CouldNotRun(
        f"others' requests fail as well: errors rose by {grown['errors']:g} with {FAILURES} of ours, and by {others:g} "
        "in as much time without; audit while nobody else sends what fails"
    )
