"""Replays are counted only where the count means something: otherwise the check says what is missing."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.stranger import Service

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.reliability import idempotency
from pytest_backend_audit.targets.endpoints import Endpoint, Endpoints
from pytest_backend_audit.testing import LiteralPostgres, run_check


class Orders:
    """A service with a table: a function of the key's earlier use says whether a request makes a row."""

    def __init__(self, makes_row=lambda seen: not seen, status: int = 201, repeated: int = 0) -> None:
        self._lock = threading.Lock()
        self._makes_row = makes_row
        self._status = status
        self._repeated = repeated or status
        self.keys: list[str] = []
        self.rows: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One request."""
        with self._lock:
            key = request.headers["Idempotency-Key"]
            seen = self.keys.count(key)
            if self._makes_row(key in self.keys):
                self.rows.append(json.loads(request.content)["note"])
            self.keys.append(key)
        return httpx.Response(self._repeated if seen else self._status)

    def execute(self, query: str, parameters: tuple[str]) -> SimpleNamespace:
        """The database's side of it."""
        found = sum(parameters[0] in row for row in self.rows) if "count" in query else parameters[0]
        return SimpleNamespace(fetchone=lambda: (found,))


def replay(orders: Orders, audit_yaml, body: object = None, postgres: object = None, found: bool = True):
    """What the fixture makes, for one endpoint."""
    declared = SimpleNamespace(header="Idempotency-Key", table="public.orders")
    endpoint = Endpoint(
        "POST", "/orders", body=body or {"note": "for {key}"}, idempotency=declared, origin="audit.yaml:9"
    )
    service = Service(orders.answer)
    return idempotency.replay.__wrapped__(
        audit_endpoints=Endpoints([endpoint] if found else [], "literal"),
        audit_http=service.client(),
        audit_identity=service.identity,
        audit_postgres=postgres or orders,
        audit_settings=audit_yaml().settings,
    )


def in_a_row(*arguments, **more):
    """The check of replays one after the other."""
    return run_check(idempotency.test_replays_in_a_row_make_one_row, replay=replay(*arguments, **more))


def test_one_row_for_each_key_passes(audit_yaml) -> None:
    """Five requests with one key, then five keys of five requests at once."""
    orders = Orders()
    made = replay(orders, audit_yaml)
    assert run_check(idempotency.test_replays_in_a_row_make_one_row, replay=made).status is Status.PASSED
    assert [len(orders.keys), len(set(orders.keys)), len(orders.rows)] == [5, 1, 1]
    assert run_check(idempotency.test_replays_at_once_make_one_row, replay=made).status is Status.PASSED
    assert [len(orders.keys), len(set(orders.keys)), len(orders.rows)] == [30, 6, 6]


def test_an_ignored_key_makes_rows(audit_yaml) -> None:
    """Their number is in the message."""
    ran = in_a_row(Orders(makes_row=lambda _: True), audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.FAILED,
        "sent in a row: POST /orders: 5 requests (standard) with one key made 5 rows; there should be one",
    )


@pytest.mark.parametrize(
    ("orders", "more", "said"),
    [
        (
            Orders(),
            {"body": {"note": "always the same"}},
            "the body of POST /orders has no {key} to find its rows by (audit.yaml:9)",
        ),
        (
            Orders(status=422),
            {},
            "POST /orders with the declared body answered 422, 422, 422, 422, 422 (audit.yaml:9)",
        ),
        (
            Orders(makes_row=lambda _: False),
            {},
            "public.orders has no row with the key that POST /orders was sent (audit.yaml:9)",
        ),
        (
            Orders(),
            {"postgres": LiteralPostgres({"to_regclass": [(None,)]})},
            "the database has no table public.orders (audit.yaml:9)",
        ),
    ],
)
def test_a_count_that_means_nothing_could_not_run(audit_yaml, orders: Orders, more: dict, said: str) -> None:
    """No mark to tell our rows by, a body that is refused, a table without our rows, no such table."""
    ran = in_a_row(orders, audit_yaml, **more)
    assert (ran.status, ran.reason) == (Status.COULD_NOT_RUN, said)


def test_without_declared_endpoints_there_is_nothing_to_repeat(audit_yaml) -> None:
    """Said before anything is sent."""
    with pytest.raises(pytest.skip.Exception, match="no endpoint is declared with idempotency"):
        replay(Orders(), audit_yaml, found=False)


@pytest.mark.parametrize("refusal", [429, 500, 503])
def test_repeats_that_are_refused_were_not_tried(audit_yaml, refusal: int) -> None:
    """One row then says nothing of what a repeat does; more than one says it all the same."""
    made = replay(Orders(repeated=refusal), audit_yaml)
    for check in (idempotency.test_replays_in_a_row_make_one_row, idempotency.test_replays_at_once_make_one_row):
        ran = run_check(check, replay=made)
        assert ran.status is Status.COULD_NOT_RUN
        assert ran.reason.startswith("POST /orders refused 4 of 5 requests with one key (")
        assert ran.reason.endswith(
            "): what a repeat does was not tried (audit.yaml:9); let it take as many at once, or lower "
            "idempotency-replays"
        )
    rows = Orders(makes_row=lambda _: True, repeated=refusal)
    assert in_a_row(rows, audit_yaml).status is Status.FAILED


@pytest.mark.parametrize("answer", [200, 201, 409])
def test_repeats_that_are_answered_were_tried(audit_yaml, answer: int) -> None:
    """With the first one's answer, or with a conflict."""
    assert in_a_row(Orders(repeated=answer), audit_yaml).status is Status.PASSED
