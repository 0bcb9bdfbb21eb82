"""What a crowd at an entry that has gone costs, of services that guard it in one way or another."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import pytest
from unit.suites.cached import Cached, endpoints

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites import _costs
from pytest_backend_audit.suites.caching import stampede
from pytest_backend_audit.suites.caching.stampede import test_an_expired_entry_is_loaded_about_once as check
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.testing import run_check

READ = Endpoint("GET", "/orders/{id}", class_="read-cacheable")
WRITE = Endpoint("PATCH", "/orders/{id}", parameters={"id": 7}, bodies=({"status": "open"}, {"status": "paid"}))
ORDER = "SELECT * FROM orders WHERE id = $1"


@pytest.fixture(autouse=True)
def _short_quiet(monkeypatch) -> None:
    monkeypatch.setattr(_costs, "QUIET", 0)


class Crowded:
    """A service of which a crowd asks.

    Args:
        loads: Loads that a crowd of 200 costs: the first, the second ...; the last of them goes on. One each by itself.
        found: How many of the crowd find the entry.
        together: How many were under way at once.
        statuses: What they got.
        always: A statement that each request sends.
        misses: What each misses of the cache that is there for all others.
    """

    def __init__(
        self, *loads: int, found: int = 0, together: int = 200, statuses=None, always: str = "", misses: int = 0
    ) -> None:
        self.cached = Cached(self._answer)
        self._burst = SimpleNamespace(
            concurrency=together, sent=200, statuses=statuses or {200: 200}, lines=lambda: ["", "", "statuses: ..."]
        )
        self._loads, self._found = list(loads or [1]), found
        self._always, self._misses = [always] if always else [], misses
        self.faults: list[str] = []

    def burst(self, number: int, request: httpx.Request) -> SimpleNamespace:
        """For ``audit_load``."""
        assert (number, request.url.path) == (200, "/orders/7")
        loads = self._loads.pop(0) if len(self._loads) > 1 else self._loads[0]
        self.cached.statement(*[f"{ORDER} /*request {n}*/" for n in range(loads)])
        self.cached.statement(*self._always * number)
        self.cached.hit(self._found)
        return self._burst

    @contextmanager
    def latency(self, dependency: str, seconds: float):
        """For ``audit_faults``."""
        self.faults.append(f"{dependency} {seconds}")
        yield

    dependencies = ("postgres", "redis")

    def _answer(self, cached: Cached, _: httpx.Request) -> httpx.Response:
        cached.statement(*self._always)
        cached.misses += self._misses
        cached.hit()
        return httpx.Response(200, json={"id": 7, "status": "paid"})


def judge(crowded: Crowded, audit_yaml, *, faults: bool = True):
    """The check, of one pair of a read and a write."""
    around = audit_yaml()
    cached = crowded.cached
    bursts = stampede.bursts.__wrapped__(
        cached.service.client(), cached.service.identity, cached, cached.budget(around), crowded,
        audit_faults=crowded, audit_declared=SimpleNamespace(configured=lambda _: faults),
    )  # fmt: skip
    return run_check(
        check, on=around.runtime.recorder, bursts=bursts, audit_endpoints=endpoints(READ, WRITE),
        audit_settings=around.settings, audit_acknowledged=around.acknowledged,
    )  # fmt: skip


@pytest.mark.parametrize("faults", [True, False])
def test_one_load_for_all_passes(audit_yaml, faults: bool) -> None:
    """With a database that answers later, where that can be had."""
    crowded = Crowded()
    assert judge(crowded, audit_yaml, faults=faults).status is Status.PASSED
    assert crowded.faults == (["postgres 0.05"] * 2 if faults else [])
    assert crowded.cached.service.asked.count("PATCH /orders/7") == 4


def test_a_load_for_each_fails_with_what_was_sent(audit_yaml) -> None:
    """Whatever comments tell its statements apart."""
    ran = judge(Crowded(70), audit_yaml)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "1 of 1 hot reads are loaded again and again when their entry has gone",
        f"  - GET /orders/{{id}}: 200 requests at once, of which 200 at least found nothing, sent 70 x {ORDER}",
        "  200 requests (standard) at once may send any one statement 2 queries (standard) at most; to acknowledge: "
        "stampede:GET /orders/{id}",
    ]


TOKEN = "SELECT user_id FROM tokens WHERE key = $1"


def test_what_each_request_sends_anyway_is_no_load(audit_yaml) -> None:
    """Frameworks look the token up in the database each time, whatever the cache has."""
    assert judge(Crowded(1, always=TOKEN), audit_yaml).status is Status.PASSED
    ran = judge(Crowded(70, always=TOKEN), audit_yaml)
    assert (ran.status, f"sent 70 x {ORDER}\n" in ran.reason) == (Status.FAILED, True)


def test_what_a_request_sends_that_misses_may_be_its_load(audit_yaml) -> None:
    """Others' hits made it look as if the entry was there: its loads are no habit."""
    ran = judge(Crowded(0, always=ORDER, misses=1), audit_yaml)
    assert (ran.status, f"sent 200 x {ORDER}" in ran.reason) == (Status.FAILED, True)


def test_an_entry_that_has_not_gone_shows_nothing(audit_yaml) -> None:
    """All of the crowd find it."""
    ran = judge(Crowded(0, found=200), audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    assert "of 200 requests at once at most 0 found nothing in the cache" in ran.reason


def test_a_load_that_the_database_does_not_see_shows_nothing(audit_yaml) -> None:
    """The service reads from a replica: its crowd loads the entry there, once or two hundred times."""
    ran = judge(Crowded(0), audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.splitlines()[1] == (
        "- GET /orders/{id}: none of 200 requests at once, of which 200 at least found nothing, sent a statement to "
        "the database that targets.postgres names: does the service ask a replica, or another database, or is "
        "pg_stat_statements.track none?"
    )


@pytest.mark.parametrize(
    ("crowded", "said"),
    [
        (Crowded(together=40), "of 200 requests at most 40 were under way together: nothing crowded at the entry"),
        (Crowded(statuses={200: 120, 429: 80}), "80 of 200 requests got no success (statuses: ...): too few tested"),
    ],
)
def test_a_crowd_that_is_none_shows_nothing(audit_yaml, crowded: Crowded, said: str) -> None:
    """It says what it was."""
    ran = judge(crowded, audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.splitlines()[1].startswith(f"- GET /orders/{{id}}: {said}")


@pytest.mark.parametrize("loads", [(70, 1, 70), (1, 70, 70)])
def test_a_crowd_that_costs_too_much_twice_fails(audit_yaml, loads: tuple[int, ...]) -> None:
    """A third is sent where the first two differ, and decides."""
    crowded = Crowded(*loads)
    ran = judge(crowded, audit_yaml)
    assert ran.status is Status.FAILED
    assert f"sent 70 x {ORDER}" in ran.reason
    assert crowded.cached.service.asked.count("PATCH /orders/7") == 6


@pytest.mark.parametrize("loads", [(70, 1, 1), (1, 70, 1)])
def test_a_crowd_that_costs_too_much_once_is_no_pass(audit_yaml, loads: tuple[int, ...]) -> None:
    """Others' statements come in clumps, and so may a stampede: nobody can tell."""
    ran = judge(Crowded(*loads), audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    assert f"GET /orders/{{id}}: one of 3 crowds sent 70 x {ORDER}, the others did not" in ran.reason
