"""Many concurrent requests for a hot key that has just expired cost the database about one query.

For each write that audit.yaml declares with bodies, and whose read is classed as read-cacheable: the read is made until
the cache has it, the write takes it from the cache, and at once the read is sent many times, all together, each on a
connection of its own. Where faults can be set on the way to the database (targets.faults), it answers a little later
meanwhile, so that whoever can crowd at the entry does. Enough of the requests must have found nothing in the cache; no
statement may be sent more often than the setting allows, and what everybody else sends is counted beside, and told
apart. What each request sends although the cache has the entry, such as a look at its token, loads nothing: some such
requests are made before, and that much is left out. An entry that a write has removed is to its readers what one that
has expired is; the audit need neither wait for that nor be allowed to delete.

Impact: When a hot entry goes, the database gets at once all the requests that the cache had kept from it, and the
outage that follows keeps the cache empty.

Remediation: Let one load an entry and the others wait for it: a lock or a future per key inside each process, and a
lease in the cache (SET key:lease 1 NX PX 1000) between them; or renew hot entries before they expire, in the
background, and serve the old one meanwhile.

Verification: Delete a hot key, send 200 requests for it at once (hey -n 200 -c 200), and look at calls in
pg_stat_statements.

Effort: M
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.attribution import (
    Counts,
    Part,
    blurred,
    confirmed,
    loads,
    parts,
    per_request,
    persistent,
    summed,
    too_many,
)
from pytest_backend_audit.analysis.cache import served, without
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites._costs import by_statement, caller, counted, get, quiet, unseen
from pytest_backend_audit.suites.caching._asking import (
    Change,
    changes,
    emptied,
    lookups,
    must_be_cached,
    whole_cache,
)

ENOUGH, ROUNDS = 2, 3
"""Bursts that settle it, and bursts at most: a third where only one of two cost too much, as others' statements come in
clumps too."""
TOGETHER = 0.5
"""Share of the requests that must have been under way at once; beside the service, all of them rarely are."""
CROWD = 0.1
"""Share of the requests that must have found nothing in the cache; also how much others' statements may blur."""
WARM = 20
"""Requests for an entry that is there, which tell what each sends whatever the cache has."""
LATER = 0.05
"""Seconds by which the database answers later: a slow query's time, and short of what lets requests fail."""
DATABASES = ("postgres", "pgbouncer")


@pytest.fixture
def bursts(
    audit_http: Any,
    audit_identity: Any,
    audit_redis: Any,
    audit_query_budget: Any,
    audit_load: Any,
    *,
    audit_faults: Any,
    audit_declared: Any,
) -> Callable[[Change, int], tuple[list[Part], int]]:
    """Sends many requests at once for what has just gone.

    Gives our part of the statements, and how many of the requests, at least, found nothing in the cache.
    """
    cache = whole_cache(audit_redis)
    faults = audit_faults.dependencies if audit_declared.configured("faults") else ()
    database = next((name for name in DATABASES if name in faults), "")

    def sent_anyway(reader: Any, change: Change) -> dict[str, int]:
        must_be_cached(reader, change, cache)
        before = lookups(cache)
        ours = counted(audit_query_budget, partial(_again, reader, change), f"{WARM} x {change.read}")
        after = lookups(cache)
        usual = quiet(audit_query_budget, ours.seconds)
        rise = Counts(_rise(before, after), ours.seconds)
        beside = Counts(_rise(after, lookups(cache)), usual.seconds)
        # Else they may have loaded it.
        return per_request(parts(ours, usual), WARM) if served(WARM, parts(rise, beside)) else {}

    def burst(change: Change, number: int) -> tuple[list[Part], int]:
        reader = caller(change.read, audit_http, audit_identity)
        writer = caller(change.write, audit_http, audit_identity)
        seen: list[Any] = []
        always = sent_anyway(reader, change)

        def send() -> None:
            seen.append(lookups(cache))
            seen.append(audit_load.burst(number, reader.build_request("GET", change.url)))
            seen.append(lookups(cache))

        with audit_faults.latency(database, LATER) if database else nullcontext():
            emptied(change, reader, writer, cache)
            ours = counted(audit_query_budget, send, f"{number} x {change.read} at once")
            usual = quiet(audit_query_budget, ours.seconds)
        before, result, after = seen
        found = loads(parts(ours, usual), always, number)
        if result.concurrency < TOGETHER * number:
            raise CouldNotRun(
                f"of {number} requests at most {result.concurrency} were under way together: nothing crowded at the "
                "entry; run it where there is more room"
            )
        failed = result.sent - sum(count for status, count in result.statuses.items() if 200 <= status < 300)
        if failed and not too_many(found, CROWD * number):
            raise CouldNotRun(f"{failed} of {number} requests got no success ({result.lines()[2]}): too few tested")
        rise = Counts(_rise(before, after), ours.seconds)
        return found, without(number, parts(rise, Counts(_rise(after, lookups(cache)), usual.seconds)))

    return burst


def _again(reader: Any, change: Change) -> None:
    for _ in range(WARM):
        get(reader, change.read, change.url)


def _rise(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, int]:
    rise = {name: int(after[name] - before[name]) for name in after}
    return {"hits": rise["hits"] - rise["inspections"], "misses": rise["misses"]}


@audit(dimension="4.3", criterion="stampede", level=4, needs=("load", "writes", "faults"))
def test_an_expired_entry_is_loaded_about_once(
    bursts: Callable[[Change, int], tuple[list[Part], int]],
    audit_endpoints: Any,
    audit_settings: Any,
    audit_acknowledged: Any,
) -> None:
    """Many concurrent requests for a hot key that has just expired cost the database about one query."""
    requests, most = audit_settings.value("stampede-requests"), audit_settings.value("stampede-queries")
    number, found = int(requests.number), changes(audit_endpoints)
    wrong: dict[str, str] = {}
    untold: list[str] = []
    for change in found:
        try:
            cost, unclear = _cost(change, number, most.number, bursts)
        except CouldNotRun as reason:
            cost, unclear = "", str(reason)
        if cost:
            wrong[str(change.read)] = cost
        elif unclear:
            untold.append(f"{change.read}: {unclear}")
    left = audit_acknowledged(wrong)
    assert not left, (
        f"{len(left)} of {len(found)} hot reads are loaded again and again when their entry has gone"
        f"{lines(f'{name}: {wrong[name]}' for name in left)}\n"
        f"{requests} at once may send any one statement {most} at most; to acknowledge: {left.names}"
    )
    if untold:
        raise CouldNotRun(
            f"nothing could crowd, or be told from others{lines(untold)}\n"
            "a load that takes longer, by targets.faults, or a quieter service would tell"
        )


def _cost(
    change: Change, number: int, most: float, bursts: Callable[[Change, int], tuple[list[Part], int]]
) -> tuple[str, str]:
    """What crowds at one read cost too much, or why that can't be told; both empty where it is loaded about once."""
    seen: list[list[Part]] = []
    crowd = 0
    while len(seen) < ROUNDS:
        found, empty = bursts(change, number)
        crowd = max(crowd, empty)
        seen.append(found)
        if again := confirmed(seen, most) or persistent(seen, most):
            return f"{number} requests at once, of which {empty} at least found nothing, sent {by_statement(again)}", ""
        once = [part for one in seen for part in too_many(one, most)]
        if len(seen) >= ENOUGH and not once:
            break
    if once:
        return "", f"one of {len(seen)} crowds sent {by_statement(once)}, the others did not"
    if crowd < CROWD * number:
        return "", f"of {number} requests at once at most {crowd} found nothing in the cache"
    if not any(part.seen(1) for one in seen for part in one):
        return "", unseen(f"none of {number} requests at once, of which {crowd} at least found nothing,")
    unclear = blurred(summed(seen), most * len(seen), CROWD * number * len(seen))
    return "", f"others send too many of {by_statement(unclear)}" if unclear else ""
