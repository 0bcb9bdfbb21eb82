"""The hot read path uses the cache.

Each endpoint that audit.yaml classes as read-cacheable is read once, so that the cache has it, and then many times in a
row. The server of the cache has to count a hit for each of these reads at least, and the database no statement that
they repeat. What everybody else sends meanwhile is counted beside, and told apart. Where hits are missing once, the
endpoint is tried again: after a lookup that was slow a service may do without its cache for a moment. Reads that reach
neither the cache nor the database come from somewhere else, a cache in the process or in front of the service maybe:
nothing is proven by them until somebody has acknowledged that.

Impact: Every read costs the database what it cost the first time, so the database has to grow with the readers.

Remediation: Look in the cache first, and put there what the database gave, with a lifetime (cache-aside), for the
reads that come most often; start with the endpoint and the statements that the message names.

Verification: INFO stats (keyspace_hits) and pg_stat_statements (calls) before and after twenty equal requests.

Effort: M
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.attribution import Part, confirmed, too_many, undecided
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites._costs import by_statement, caller, costs, get
from pytest_backend_audit.suites.caching._asking import cacheable, hits, whole_cache

ROUNDS = 3
"""How often an endpoint is tried while others' traffic hides whose the statements are, or hits are missing."""
LOST = 2
"""Rounds with too few hits that count: after a lookup that was slow a service may do without its cache for a second."""


@pytest.fixture
def repeated(
    audit_http: Any, audit_identity: Any, audit_redis: Any, audit_query_budget: Any
) -> Callable[[Any, int], tuple[int, list[Part]]]:
    """Reads an endpoint again and again; gives the cache's hits meanwhile, and our part of the statements."""
    cache = whole_cache(audit_redis)

    def measure(endpoint: Any, times: int) -> tuple[int, list[Part]]:
        client = caller(endpoint, audit_http, audit_identity)
        counted = []

        def send() -> None:
            counted.append(hits(cache))
            for _ in range(times):
                get(client, endpoint)
            counted.append(hits(cache))

        get(client, endpoint)
        found = costs(audit_query_budget, send, f"{times} x {endpoint}")
        if counted[1] < counted[0]:
            raise CouldNotRun("the cache's counters were reset while they were read")
        return counted[1] - counted[0], found

    return measure


@audit(dimension="4.3", criterion="cache-in-place", level=2)
def test_repeated_reads_come_from_the_cache(
    repeated: Callable[[Any, int], tuple[int, list[Part]]],
    audit_endpoints: Any,
    audit_settings: Any,
    audit_acknowledged: Any,
) -> None:
    """The hot read path uses the cache."""
    reads, most = audit_settings.value("cached-reads"), audit_settings.value("cached-read-queries")
    endpoints, times = cacheable(audit_endpoints), int(reads.number)
    limit = most.number * times

    wrong: dict[str, str] = {}
    hidden: list[str] = []
    elsewhere: list[str] = []
    for endpoint in endpoints:
        rounds: list[list[Part]] = []
        lost = 0
        for _ in range(ROUNDS):
            found_there, found = repeated(endpoint, times)
            rounds.append(found)
            again, unclear = confirmed(rounds, limit), too_many(found, limit) or undecided(found, limit)
            lost += found_there < times
            if lost == LOST and found_there < times / 2 and not unclear:
                elsewhere.append(str(endpoint))
                break
            if lost == LOST:
                wrong[str(endpoint)] = f"{found_there} hits; {by_statement(unclear) or 'no statement'}"
            elif again:
                wrong[str(endpoint)] = by_statement(again)
            if str(endpoint) in wrong or not (unclear or found_there < times):
                break
        else:
            hidden.append(f"{times} x {endpoint} could: {by_statement(unclear) or f'{found_there} hits'}")
    left = audit_acknowledged(wrong)
    assert not left, (
        f"{len(left)} of {len(endpoints)} read-cacheable endpoints don't come from the cache"
        f"{lines(f'{name}: {wrong[name]}' for name in left)}\n"
        f"read once, and then again ({reads}): each of these has to hit the cache, and may send any one statement "
        f"{most} at most, on average; to acknowledge: {left.names}"
    )
    if hidden:
        raise CouldNotRun(
            f"others send as many statements as {hidden[0]}; audit while the service is quieter, or raise cached-reads"
        )
    if untold := audit_acknowledged(elsewhere):
        raise CouldNotRun(
            f"{len(untold)} of {len(endpoints)} endpoints drew {times} times on neither the cache nor the database: "
            f"{listed(untold)}; that may be a cache in the process, one in front of the service, a replica of "
            f"targets.redis, or no cache and a source that is not audited; to acknowledge: {untold.names}"
        )
