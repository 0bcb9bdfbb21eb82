"""Whether a write shows in the next read, of services that forget in one way or another."""

from __future__ import annotations

import json
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.cached import Cached, endpoints

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.caching import invalidation
from pytest_backend_audit.suites.caching.invalidation import test_a_write_is_visible_to_the_next_read as check
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.testing import run_check

READ = Endpoint("GET", "/orders/{id}", class_="read-cacheable", origin="audit.yaml:8")
WRITE = Endpoint(
    "PATCH", "/orders/{id}", parameters={"id": 7}, origin="audit.yaml:9",
    bodies=({"status": "open"}, {"status": "paid"}, {"status": "sent"}),
)  # fmt: skip
SHORT = "thresholds: {invalidation-bound: 0.05}\n"


class Orders:
    """Orders of which each look may come from what was kept.

    Args:
        stale: Whether the look that is the n-th after a write still shows what was kept before.
        hit: Hits of each look.
    """

    def __init__(self, stale=lambda _: False, hit: int = 1) -> None:
        self.status = self.kept = "paid"
        self.written: list[str] = []
        self.looks = 0
        self.cached = Cached(self._answer)
        self._stale = stale
        self._hit = hit
        self.beside = lambda _: None

    def _answer(self, cached: Cached, request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            self.kept, self.status, self.looks = self.status, json.loads(request.content)["status"], 0
            self.written.append(self.status)
            return httpx.Response(200)
        cached.hit(self._hit)
        self.beside(cached)
        self.looks += 1
        return httpx.Response(200, json={"id": 7, "status": self.kept if self._stale(self.looks) else self.status})


def judge(orders: Orders, audit_yaml, *found: Endpoint, attest=lambda _: None):
    """The check, of the pair of a read and a write."""
    around = audit_yaml(more=SHORT)
    cached = orders.cached
    written = invalidation.written.__wrapped__(
        endpoints(*(found or (READ, WRITE))), cached.service.client(), cached.service.identity, cached
    )
    return run_check(
        check, written=written, audit_settings=around.settings, audit_attestation=attest,
        audit_acknowledged=around.acknowledged,
    )  # fmt: skip


def test_writes_that_show_at_once_pass_and_end_where_they_began(audit_yaml) -> None:
    """Every body is sent once, the one that stood there last; the document is asked for."""
    orders, asked = Orders(), []
    assert judge(orders, audit_yaml, attest=asked.append).status is Status.PASSED
    assert (orders.written, asked) == (["sent", "open", "paid"], ["invalidation"])


def test_a_write_that_never_shows_fails(audit_yaml) -> None:
    """With how often, how long, and the bound."""
    ran = judge(Orders(stale=lambda _: True), audit_yaml)
    assert ran.status is Status.FAILED
    first, second, third = ran.reason.splitlines()
    assert first == "1 of 1 writes are not visible to the next read"
    assert second.startswith("  - PATCH /orders/{id}: after 3 of 3 writes GET /orders/{id} was stale still when 0.0")
    assert third == (
        "  a write has to show inside 0.05 s (audit.yaml:6); to acknowledge: invalidation:PATCH /orders/{id}"
    )


def test_one_instance_that_does_not_forget_fails(audit_yaml) -> None:
    """Every other look comes from it."""
    ran = judge(Orders(stale=lambda look: look % 2 == 0), audit_yaml)
    assert ran.reason.splitlines()[0] == "1 of 1 writes are not visible to the next read"


def test_a_write_may_take_as_long_as_the_bound_says(audit_yaml) -> None:
    """The first look after it is stale, those that follow aren't."""
    assert judge(Orders(stale=lambda look: look == 1), audit_yaml).status is Status.PASSED


def test_without_the_document_it_fails(audit_yaml) -> None:
    """Though every write shows."""

    def attest(criterion: str) -> SimpleNamespace:
        pytest.fail(f"nobody attests {criterion}", pytrace=False)

    ran = judge(Orders(), audit_yaml, attest=attest)
    assert (ran.status, ran.reason) == (Status.FAILED, "nobody attests invalidation")


def test_an_entry_that_is_not_there_cannot_be_forgotten(audit_yaml) -> None:
    """It says what is missing."""
    ran = judge(Orders(hit=0), audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN, "GET /orders/{id} read again was no hit in the cache: there is no entry that could go"
    )  # fmt: skip


def test_a_read_that_does_not_hold_the_field_shows_nothing(audit_yaml) -> None:
    """Another read has to be named, by shows_at."""
    orders = Orders()

    def answer(request: httpx.Request) -> httpx.Response:
        orders.cached.hit()
        return httpx.Response(200, json={} if request.method == "PATCH" else {"id": 7})

    orders.cached.service.answer = answer
    ran = judge(orders, audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN, "GET /orders/7 does not show what PATCH /orders/{id} writes (audit.yaml:9)"
    )  # fmt: skip


def test_no_write_to_try_is_no_pass(audit_yaml) -> None:
    """One body changes nothing the second time."""
    with pytest.raises(CouldNotRun, match=r"^no write of what a read-cacheable endpoint shows is declared: give one"):
        judge(Orders(), audit_yaml, READ, Endpoint("PATCH", "/orders/{id}", bodies=({"status": "open"},)))


def test_what_another_audit_looks_at_is_no_hit(audit_yaml) -> None:
    """It says nothing of whether the read uses the cache."""
    orders = Orders(hit=0)
    orders.beside = Cached.look
    ran = judge(orders, audit_yaml)
    assert (ran.status, ran.reason[:48]) == (Status.COULD_NOT_RUN, "GET /orders/{id} read again was no hit in the ca")
