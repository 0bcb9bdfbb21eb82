"""Every protected path answers 401 or 403 to a caller without credentials.

Every operation of the OpenAPI document and of audit.yaml is asked without credentials, except those on the paths that
targets.http.public names. Reads are always sent; methods that could change something only in a check that may probe,
with ids that nothing has. A service that refuses everybody was not tested: as a test identity, one of the paths must
open.

Impact: Whoever finds an open path reads, or changes, what it serves.

Remediation: Refuse by default, in one layer before all routes, and name the public paths there; then a route that
somebody adds tomorrow is closed until it is opened on purpose.

Verification: curl -s -o /dev/null -w '%{http_code}' of each path without a token shows 401 or 403.

Effort: M
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.access import OPEN, SAFE, Answer, nobodys, opened
from pytest_backend_audit.analysis.text import listed


@pytest.fixture
def protected(audit_endpoints: Any) -> list[Any]:
    """The operations that audit.yaml doesn't call public."""
    found = [endpoint for endpoint in audit_endpoints if not endpoint.public]
    if not found:
        raise CouldNotRun(f"all {len(audit_endpoints)} operations are public: nothing is protected")
    return found


@audit(dimension="4.7", criterion="authentication", level=2)
def test_reads_ask_for_credentials(
    protected: list[Any], audit_http: Any, audit_identity: Any, audit_declared: Any, audit_run: Any
) -> None:
    """Every protected path answers 401 or 403 to a caller without credentials, and opens to one who has them: reads."""
    reads = [endpoint for endpoint in protected if endpoint.method in SAFE]
    if not reads:
        raise CouldNotRun(f"none of {len(protected)} protected operations is a read that could be tried")
    _nobody_gets_in(audit_http, [(endpoint, endpoint.url()) for endpoint in reads])

    identities = audit_declared("identities")
    seen = _until_one_opens(reads, audit_identity, identities)
    if not OPEN.intersection(seen):
        got = listed(sorted({str(status) for status in seen}))
        raise CouldNotRun(
            f"none of {len(reads)} protected reads opens to a known identity, who got {got}: nothing was tested"
        )

    untried = [str(endpoint) for endpoint in protected if endpoint.method not in SAFE]
    if untried and "probes" not in audit_run.allowed:
        raise CouldNotRun(
            f"{len(reads)} reads ask for credentials; {len(untried)} operations were not tried, since their methods "
            f"could change something (--audit-allow=probes): {listed(untried)}"
        )


@audit(dimension="4.7", criterion="authentication", level=2, needs=("probes",))
def test_every_operation_asks_for_credentials(protected: list[Any], audit_http: Any) -> None:
    """Every protected path answers 401 or 403 to a caller without credentials, whatever the method."""
    _nobody_gets_in(audit_http, [(endpoint, nobodys(endpoint.path)) for endpoint in protected])


def _nobody_gets_in(client: Any, asked: list[tuple[Any, str]]) -> None:
    __tracebackhide__ = True
    answers = [Answer(str(endpoint), _status(client, endpoint.method, url)) for endpoint, url in asked]
    wrong = opened(answers)
    assert not wrong, (
        f"{len(wrong)} of {len(answers)} protected operations don't ask for credentials - {listed(wrong)}; expected is "
        "401 or 403, and what is meant to be public belongs into targets.http.public"
    )


def _until_one_opens(reads: list[Any], identify: Any, identities: list[str]) -> list[int]:
    seen: list[int] = []
    for endpoint in reads:
        seen.append(_status(identify(endpoint.identity or identities[0]), endpoint.method, endpoint.url()))
        if seen[-1] in OPEN:
            break
    return seen


def _status(client: Any, method: str, url: str) -> int:
    with client.stream(method, url) as answer:  # a body may never end
        return int(answer.status_code)
