"""Whether tenants get each other's entries, of services that leak in one way or another."""

from __future__ import annotations

import itertools

import httpx
import pytest
from unit.suites.cached import Cached, cacheable, endpoints

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.caching.tenant_isolation import test_no_tenant_gets_an_entry_of_another as check
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.testing import run_check

TENANTS = (
    "identities: {alice: {token: t, tenant: acme}, al: {token: t, tenant: acme}, bob: {token: t, tenant: globex}}\n"
)


def judge(cached: Cached, audit_yaml, *, more: str = TENANTS, **endpoint: object):
    """The check, of one endpoint that is alice's."""
    around = audit_yaml(more=more)
    return run_check(
        check, audit_endpoints=cacheable("/orders/7", **{"identity": "alice", **endpoint}), audit_redis=cached,
        audit_identity=cached.service.identity, audit_declared=around.declared, audit_acknowledged=around.acknowledged,
    )  # fmt: skip


def service(entries: dict[str, httpx.Response], key, hit: int = 1) -> Cached:
    """A service whose entries have a key that a function makes of the caller; owned by alice, who is of acme."""
    numbers = itertools.count()
    kept: dict[str, httpx.Response] = {}

    def answer(cached: Cached, request: httpx.Request) -> httpx.Response:
        caller = request.headers["Authorization"].rpartition("-")[2]
        tenant = "globex" if caller == "bob" else "acme"
        cached.hit(hit)
        found = kept.setdefault(key(tenant), entries.get(tenant, httpx.Response(404)))
        if not found.is_success:
            return found
        return httpx.Response(200, json={**found.json(), "request": next(numbers)})

    return Cached(answer)


ALICES = {"acme": httpx.Response(200, json={"id": 7, "of": "alice"})}
BOTH = {**ALICES, "globex": httpx.Response(200, json={"id": 7, "of": "bob"})}


@pytest.mark.parametrize("entries", [ALICES, BOTH])
def test_a_refusal_and_an_own_entry_pass(audit_yaml, entries) -> None:
    """As each tenant asks for the same path."""
    cached = service(entries, lambda tenant: tenant)
    assert judge(cached, audit_yaml).status is Status.PASSED
    assert cached.service.asked == ["GET /orders/7"] * 4


def test_an_entry_of_another_tenant_fails_and_is_not_shown(audit_yaml) -> None:
    """Though something differs from answer to answer."""
    ran = judge(service(BOTH, lambda _: "one for all"), audit_yaml)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "1 of 1 read-cacheable endpoints serve one tenant's entry to another",
        "  - GET /orders/7: bob (globex) got 200 with what alice (acme) had got",
        "  where all tenants rightly get the same, declare the endpoint as shared; to acknowledge: "
        "tenant-isolation:GET /orders/7",
    ]


def test_an_entry_that_another_tenant_replaces_fails(audit_yaml) -> None:
    """The key is the same, and whoever came last has it."""
    last = {"acme": "alice"}

    def answer(cached: Cached, request: httpx.Request) -> httpx.Response:
        cached.hit()
        if request.headers["Authorization"].endswith("bob"):
            last["acme"] = "bob"
        return httpx.Response(200, json={"of": last["acme"]})

    ran = judge(Cached(answer), audit_yaml)
    assert ran.reason.splitlines()[1] == (
        "  - GET /orders/7: alice (acme) got another answer after other tenants had asked"
    )


@pytest.mark.parametrize(
    ("cached", "more", "endpoint", "said"),
    [
        (service(BOTH, str), "", {}, "0 tenants have a test identity, needed are two: give identities a tenant (a"),
        (service(BOTH, str), TENANTS, {"shared": True}, "every read-cacheable endpoint is declared as shared"),
        (
            service(BOTH, str),
            TENANTS,
            {"identity": "eve"},
            "whose data is GET /orders/7? Give the identity eve a tenant",
        ),
        (service(BOTH, str, hit=0), TENANTS, {}, "GET /orders/7 read again was no hit in the cache"),
        (service({}, str), TENANTS, {}, "GET /orders/7 answered 404 (audit.yaml:9)"),
    ],
)
def test_what_shows_nothing_is_no_pass(audit_yaml, cached: Cached, more: str, endpoint, said: str) -> None:
    """It says what is missing."""
    ran = judge(cached, audit_yaml, more=more, **endpoint)
    assert (ran.status, ran.reason[: len(said)]) == (Status.COULD_NOT_RUN, said)


@pytest.mark.parametrize("status", [302, 401, 429, 503])
def test_an_identity_that_is_not_let_in_has_tried_nothing(audit_yaml, status: int) -> None:
    """Its token has expired, say: a key that leaves out the tenant would not be seen."""

    def answer(cached: Cached, request: httpx.Request) -> httpx.Response:
        cached.hit()
        bob = request.headers["Authorization"].endswith("bob")
        return httpx.Response(status) if bob else httpx.Response(200, json={"id": 7, "of": "alice"})

    ran = judge(Cached(answer), audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        f"whether others get an entry was not tried: bob (globex) got {status} of GET /orders/7; an identity of each "
        "tenant has to be let in: are its credentials good (audit.yaml:6)?",
    )


def test_an_identity_that_is_let_in_elsewhere_was_refused_here(audit_yaml) -> None:
    """Some services answer 401 to whoever may not."""

    def answer(cached: Cached, request: httpx.Request) -> httpx.Response:
        cached.hit()
        bob = request.headers["Authorization"].endswith("bob")
        return httpx.Response(401) if bob and request.url.path == "/orders/7" else httpx.Response(200, json={"id": 7})

    around, cached = audit_yaml(more=TENANTS), Cached(answer)
    found = endpoints(
        Endpoint("GET", "/orders/7", class_="read-cacheable", identity="alice"),
        Endpoint("GET", "/prices", class_="read-cacheable", shared=True),
    )
    ran = run_check(
        check, audit_endpoints=found, audit_redis=cached, audit_identity=cached.service.identity,
        audit_declared=around.declared, audit_acknowledged=around.acknowledged,
    )  # fmt: skip
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_an_answer_without_anything_lasting_shows_nothing(audit_yaml) -> None:
    """There would be nothing to know it by."""
    numbers = itertools.count()

    def answer(cached: Cached, _: httpx.Request) -> httpx.Response:
        cached.hit()
        return httpx.Response(200, json={"now": next(numbers)})

    ran = judge(Cached(answer), audit_yaml)
    assert ran.reason == "GET /orders/7 answers something else each time: nothing to know an entry by"
