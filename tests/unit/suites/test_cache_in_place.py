"""Whether reads come from the cache, of services that differ from the reference one."""

from __future__ import annotations

from itertools import chain, count, repeat

import httpx
import pytest
from unit.suites.cached import Cached, cacheable, endpoints

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites import _costs
from pytest_backend_audit.suites.caching import cache_in_place
from pytest_backend_audit.suites.caching.cache_in_place import test_repeated_reads_come_from_the_cache as check
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.testing import run_check

ORDER = "SELECT * FROM orders WHERE id = $1"


@pytest.fixture(autouse=True)
def _short_quiet(monkeypatch) -> None:
    monkeypatch.setattr(_costs, "QUIET", 0)


def judge(cached: Cached, audit_yaml, found=None, more: str = ""):
    """The check, of one endpoint."""
    around = audit_yaml(more=more)
    repeated = cache_in_place.repeated.__wrapped__(
        cached.service.client(), cached.service.identity, cached, cached.budget(around)
    )
    return run_check(
        check, on=around.runtime.recorder, repeated=repeated, audit_endpoints=found or cacheable("/orders/7"),
        audit_settings=around.settings, audit_acknowledged=around.acknowledged,
    )  # fmt: skip


def served(cached: Cached, _: httpx.Request) -> httpx.Response:
    """From the cache."""
    cached.hit()
    return httpx.Response(200)


def loaded(cached: Cached, _: httpx.Request) -> httpx.Response:
    """From the database."""
    cached.statement(ORDER)
    return httpx.Response(200)


def both(cached: Cached, request: httpx.Request) -> httpx.Response:
    """A session from the cache, the rest from the database."""
    cached.hit()
    return loaded(cached, request)


def test_reads_from_the_cache_pass_and_leave_evidence(audit_yaml) -> None:
    """A first read, and forty more."""
    cached = Cached(served)
    ran = judge(cached, audit_yaml)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert cached.service.asked == ["GET /orders/7"] * 41
    assert [evidence.title for evidence in ran.evidence] == [
        "statements of 40 x GET /orders/7 (pg_stat_statements)",
        "statements of everybody else's requests, right after (pg_stat_statements)",
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [(loaded, f"0 hits; 40 x {ORDER}"), (both, f"40 x {ORDER}")],
)
def test_reads_from_the_database_fail_and_are_named(audit_yaml, answer, said: str) -> None:
    """Though something else of the request was cached."""
    ran = judge(Cached(answer), audit_yaml)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "1 of 1 read-cacheable endpoints don't come from the cache",
        f"  - GET /orders/7: {said}",
        "  read once, and then again (40 requests (standard)): each of these has to hit the cache, and may send any "
        "one statement 0.5 queries (standard) at most, on average; to acknowledge: cache-in-place:GET /orders/7",
    ]


def test_an_answer_of_neither_cache_nor_database_shows_nothing(audit_yaml) -> None:
    """Of a cache in the process, or in front of it, or of none at all; who knows which acknowledges it."""
    local = Cached(lambda *_: httpx.Response(200))
    ran = judge(local, audit_yaml)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "1 of 1 endpoints drew 40 times on neither the cache nor the database: GET /orders/7; that may be a cache "
        "in the process, one in front of the service, a replica of targets.redis, or no cache and a source that is not "
        "audited; to acknowledge: cache-in-place:GET /orders/7",
    )
    assert len(local.service.asked) == 82
    more = (
        "acknowledged: [{item: 'cache-in-place:GET /orders/7', reason: kept in the process, who: Ada, ticket: T-1, "
        "expires: 2026-02-01}]\n"
    )
    assert judge(local, audit_yaml, more=more).status is Status.PASSED


def test_statements_that_others_send_too_are_held_against_reads_without_hits(audit_yaml) -> None:
    """Nobody can tell whose they are; but a cache that has all of it would count hits."""
    ran = judge(Cached(loaded, beside=lambda cached: cached.statement(*[ORDER] * 300)), audit_yaml)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines()[1].startswith(f"  - GET /orders/7: 0 hits; 340 x {ORDER} (others send ")


@pytest.mark.parametrize(("slow", "status"), [([3], Status.PASSED), ([3, 60], Status.FAILED)])
def test_a_lookup_that_was_slow_once_is_not_held_against_it(audit_yaml, slow: list[int], status: Status) -> None:
    """The service does without the cache for a moment then; it does so in two rounds where that is how it works."""
    numbers = count()

    def answer(cached: Cached, request: httpx.Request) -> httpx.Response:
        return (loaded if next(numbers) in slow else served)(cached, request)

    cached = Cached(answer)
    ran = judge(cached, audit_yaml)
    assert (ran.status, len(cached.service.asked)) == (status, 82)
    assert ("39 hits; no statement" in ran.reason) == (status is Status.FAILED)


def test_a_clump_of_others_statements_is_not_held_against_it(audit_yaml) -> None:
    """A neighbour's page of fifty rows, each loaded by itself, falls into the first round."""
    sent = chain([0, 50], repeat(0))
    ran = judge(Cached(served, beside=lambda cached: cached.statement(*[ORDER] * next(sent))), audit_yaml)
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_statements_of_others_are_not_held_against_it(audit_yaml) -> None:
    """Where they are fewer than a repeated read would make them; where not, nobody can tell."""
    few = Cached(served, beside=lambda cached: cached.statement(*[ORDER] * 18))
    assert judge(few, audit_yaml).status is Status.PASSED
    many = Cached(served, beside=lambda cached: cached.statement(*[ORDER] * 300))
    ran = judge(many, audit_yaml)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith(f"others send as many statements as 40 x GET /orders/7 could: 300 x {ORDER}")


@pytest.mark.parametrize(
    "more",
    [
        "thresholds: {cached-read-queries: 1.0}\n",
        "acknowledged: [{item: 'cache-in-place:GET /orders/7', reason: new, who: Ada, ticket: T-1, "
        "expires: 2026-02-01}]\n",
    ],
)
def test_a_team_may_ask_for_less_in_the_open(audit_yaml, more: str) -> None:
    """A statement for the session at each request, say."""
    assert judge(Cached(both), audit_yaml, more=more).status is Status.PASSED


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"server": {"redis_mode": "cluster"}}, "targets.redis is a node of a cluster, which knows of its own keys"),
        ({"server": {"server_mode": "sentinel"}}, "targets.redis is a sentinel, which holds no keys"),
        ({"replication": {"role": "slave"}}, "targets.redis is a replica, which counts its own lookups only"),
    ],
)
def test_a_part_of_the_cache_cannot_tell(audit_yaml, info, said: str) -> None:
    """It says what it is, and what to name instead."""
    with pytest.raises(CouldNotRun, match=f"^{said}"):
        judge(Cached(served, info=info), audit_yaml)


def test_nothing_to_read_is_no_pass(audit_yaml) -> None:
    """No endpoint of the class, or one that answers no success."""
    ran = judge(Cached(served), audit_yaml, endpoints(Endpoint("GET", "/orders/7", class_="read-uncached")))
    assert ran.reason.startswith("none of 1 operations is declared as read-cacheable: name what the cache is for")
    ran = judge(Cached(lambda *_: httpx.Response(404)), audit_yaml)
    assert (ran.status, ran.reason) == (Status.COULD_NOT_RUN, "GET /orders/7 answered 404 (audit.yaml:9)")


def test_counters_that_fall_were_reset(audit_yaml) -> None:
    """By CONFIG RESETSTAT, or a restart."""

    def restarting(cached: Cached, _: httpx.Request) -> httpx.Response:
        cached.hits -= 1
        return httpx.Response(200)

    assert judge(Cached(restarting), audit_yaml).reason == "the cache's counters were reset while they were read"
