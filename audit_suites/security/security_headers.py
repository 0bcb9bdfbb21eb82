"""Answers carry the six security headers with sound values.

Looked at is the answer to every read of the OpenAPI document and of audit.yaml, asked with and without an identity, and
the answer to a path that does not exist: headers that only successes carry protect nobody from an error page.

Impact: A browser that is not told otherwise runs injected scripts, shows the page inside another one, guesses content
types, and tells other sites where users come from.

Remediation: Set the headers in one place that sees every answer (the outermost middleware, or the proxy):
Strict-Transport-Security, Content-Security-Policy, X-Frame-Options, X-Content-Type-Options, Referrer-Policy,
Permissions-Policy. An API needs no more than default-src 'none'; frame-ancestors 'none'.

Verification: curl -sI of a good path and of one that doesn't exist shows all six.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.security_headers import faults
from pytest_backend_audit.analysis.text import lines, listed

NOWHERE = "/backend-audit/there-is-no-such-path"


@audit(dimension="4.7", criterion="security-headers", level=3)
def test_answers_carry_security_headers(
    audit_endpoints: Any, audit_http: Any, audit_identity: Any, audit_declared: Any, audit_settings: Any
) -> None:
    """Answers carry the six security headers with sound values."""
    least = audit_settings.value("hsts-max-age")
    identities = audit_declared("identities", default=())
    clients = [audit_http, *map(audit_identity, identities[:1])]
    paths = [endpoint.url() for endpoint in audit_endpoints if endpoint.method == "GET"]
    answers = [_ask(client, path) for client in clients for path in [*paths, NOWHERE]]
    statuses = sorted({answer.status_code for answer in answers})
    if not any(s < 300 for s in statuses) or not any(s >= 400 for s in statuses):
        raise CouldNotRun(f"{len(answers)} answers, status {listed(statuses)}: needed are a success and an error")
    wrong: dict[str, list[str]] = {}
    for answer in answers:
        for fault in faults(answer.headers.multi_items(), least.number):
            wrong.setdefault(fault, []).append(f"{answer.status_code} {answer.request.url.path}")
    told = [f"{fault}: {len(where)} of {len(answers)} answers ({listed(where, 3)})" for fault, where in wrong.items()]
    assert not told, f"faults in security headers (least max-age is {least}):{lines(told)}"


def _ask(client: Any, path: str) -> Any:
    with client.stream("GET", path) as answer:  # headers are all that is looked at, and a body may never end
        return answer
