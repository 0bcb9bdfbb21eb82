"""Open paths are named; walls and catch-all pages fool nobody; what was not tried is said."""

from __future__ import annotations

import httpx
import pytest
from unit.suites.stranger import Service, operations, run_with

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.security.authentication import (
    test_every_operation_asks_for_credentials as check_operations,
)
from pytest_backend_audit.suites.security.authentication import test_reads_ask_for_credentials as check_reads
from pytest_backend_audit.testing import run_check

ALICE = "identities: {alice: {token: token-of-alice}}\n"
ALL = ("GET /a", "GET /a/{id}", "POST /a", "DELETE /a/{id}", "GET /health")


def guarded(request: httpx.Request) -> httpx.Response:
    """A sound service."""
    if request.url.path == "/health" or request.headers.get("authorization") == "Bearer token-of-alice":
        return httpx.Response(200, json=[])
    return httpx.Response(401)


def reads(service: Service, audit_yaml, *needs: str, found=ALL, more: str = ALICE):
    """The check of reads."""
    return run_check(
        check_reads,
        protected=[e for e in operations(*found, public=["/health"]) if not e.public],
        audit_http=service.client(),
        audit_identity=service.identity,
        audit_declared=audit_yaml(more=more).declared,
        audit_run=run_with(*needs),
    )


def test_a_sound_service_passes_when_everything_could_be_tried(audit_yaml) -> None:
    """Only reads are sent, and to public paths nothing."""
    service = Service(guarded)
    ran = reads(service, audit_yaml, "probes")
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert service.asked == ["GET /a", "GET /a/1", "GET /a"]


def test_without_probes_it_says_what_was_not_tried(audit_yaml) -> None:
    """By name, with the way out."""
    ran = reads(Service(guarded), audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "2 reads ask for credentials; 2 operations were not tried, since their methods could change something "
        "(--audit-allow=probes): POST /a, DELETE /a/{id}",
    )


@pytest.mark.parametrize("status", [200, 302, 404, 422, 500])
def test_whatever_is_no_refusal_is_open(audit_yaml, status: int) -> None:
    """A stranger who gets another answer than 401 or 403 got past the door."""

    def one_open(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status) if request.url.path == "/a/1" else guarded(request)

    ran = reads(Service(one_open), audit_yaml, "probes")
    assert (ran.status, ran.reason) == (
        Status.FAILED,
        f"1 of 2 protected operations don't ask for credentials - GET /a/{{id}} answered {status}; expected is 401 or "
        "403, and what is meant to be public belongs into targets.http.public",
    )


def test_a_page_for_every_path_is_open(audit_yaml) -> None:
    """Single-page catch-all: 200 and HTML."""
    ran = reads(Service(lambda _: httpx.Response(200, html="<p>Welcome</p>")), audit_yaml, "probes")
    assert ran.reason.startswith("2 of 2 protected operations don't ask for credentials")


def test_a_wall_was_not_tested(audit_yaml) -> None:
    """401 to everybody, known identities too, shows nothing about the service behind."""
    ran = reads(Service(lambda _: httpx.Response(401)), audit_yaml, "probes")
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "none of 2 protected reads opens to a known identity, who got 401: nothing was tested",
    )


def test_one_read_that_opens_is_enough(audit_yaml) -> None:
    """Whichever it is: the ones before it may be closed to this identity, and the ones behind it are not asked."""

    def only_the_second(request: httpx.Request) -> httpx.Response:
        return guarded(request) if request.url.path == "/b" else httpx.Response(403)

    service = Service(only_the_second)
    ran = reads(service, audit_yaml, "probes", found=("GET /a", "GET /b", "GET /c"))
    assert ran.status is Status.PASSED
    assert service.asked == ["GET /a", "GET /b", "GET /c", "GET /a", "GET /b"]


def test_without_an_identity_a_wall_can_not_be_told(audit_yaml) -> None:
    """So it could not run; an open path fails all the same."""
    assert reads(Service(guarded), audit_yaml, "probes", more="").reason.startswith("identities is not configured")
    assert reads(Service(lambda _: httpx.Response(200)), audit_yaml, "probes", more="").status is Status.FAILED


def test_without_reads_there_is_nothing_to_compare(audit_yaml) -> None:
    """A service that only takes writes."""
    ran = reads(Service(guarded), audit_yaml, "probes", found=("POST /a",))
    assert ran.reason == "none of 1 protected operations is a read that could be tried"


def test_writes_are_probed_with_ids_that_nothing_has(audit_yaml) -> None:
    """And an open one is named."""
    service = Service(lambda r: httpx.Response(422) if r.method == "POST" else guarded(r))
    protected = [e for e in operations(*ALL, public=["/health"]) if not e.public]
    ran = run_check(check_operations, protected=protected, audit_http=service.client())
    assert ran.reason.startswith("1 of 4 protected operations don't ask for credentials - POST /a answered 422;")
    assert service.asked == ["GET /a", "GET /a/0", "POST /a", "DELETE /a/0"]
    sound = run_check(check_operations, protected=protected, audit_http=Service(guarded).client())
    assert sound.status is Status.PASSED
