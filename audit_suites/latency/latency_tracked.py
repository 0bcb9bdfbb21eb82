"""The latency of requests is measured.

The metrics page of each instance is read: it has a histogram or a summary of how long requests took, and it has
observed some. What the page is, is judged by its content, not by its status.

Impact: Nobody can say whether the service is slow, since when, and for whom.

Remediation: Observe the duration of each request in a histogram (http_request_duration_seconds) in a middleware that
sees all answers, errors too, and export it on /metrics of each instance.

Verification: curl -s http://instance/metrics | grep request_duration_seconds_count shows a number that rises.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.metrics import NoMetricsError, read_page, requests
from pytest_backend_audit.analysis.text import listed


@audit(dimension="4.4", criterion="latency-tracked", level=2)
def test_every_instance_measures_latency(audit_http: Any, audit_declared: Any) -> None:
    """The latency of requests is measured."""
    pages = audit_declared("targets.http.metrics")
    lacking, idle = [], []
    for url in pages:
        answer = audit_http.get(url)
        try:
            found = requests(read_page(answer.status_code, answer.headers.get("content-type", ""), answer.text))
        except NoMetricsError as error:
            lacking.append(f"{url} {error}")
            continue
        if not found.duration_names:
            lacking.append(f"{url} has no histogram or summary of request durations")
        elif not found.timed:
            idle.append(f"{url}: {listed(found.duration_names)}")
    assert not lacking, f"{len(lacking)} of {len(pages)} instances don't measure latency: {listed(lacking)}"
    if idle:
        raise CouldNotRun(f"{len(idle)} of {len(pages)} instances have answered no request yet: {listed(idle)}")
