"""With the cache down, or hanging, the service still answers with less, and it recovers afterwards.

The reads that audit.yaml declares are sent again and again while connections to the cache are refused
(targets.faults), then while they hang. Each must be answered inside the limit, and with no error: who was let in before
has to be let in without the cache, and what was there has to be there. When the fault has ended, the cacheable ones
that hit the cache before must hit it again inside their limit.

Impact: A cache that was to make the service fast takes it down instead, and everything that depends on it.

Remediation: Give each operation on the cache a timeout far below that of a request, catch its errors in the one place
that asks the cache, go on without it, and leave it alone for a moment after an error, so that not every request waits
anew.

Verification: Stop the cache, then SIGSTOP it, and request a cached page meanwhile; start it again, and see hits.

Effort: M
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites._costs import caller
from pytest_backend_audit.suites.caching._asking import CACHEABLE, hit_by, whole_cache

CACHES = ("redis", "valkey", "cache")
"""Names under which audit.yaml may declare the cache as a dependency."""
ROUNDS = 4
"""How often each read is sent while a fault is on: the first may find a connection that still stands."""
SPAN = 2.0
"""Seconds that the rounds last at least: a service that met an error leaves the cache alone for a moment."""
TOLD = 1
"""Reads that fail under a fault before the others are spared: each may take as long as an answer may."""
PAUSE = 0.2
LIMITED = "answered 429"
"""A limit of requests that the audit's own reach, or one that lets nobody in without the cache: nobody can tell."""


@pytest.fixture
def reads(
    audit_endpoints: Any, audit_http: Any, audit_identity: Any, audit_settings: Any
) -> list[tuple[Any, Callable[[], int]]]:
    """Each declared read, and what sends it, waits no longer than an answer may take, and gives the status."""
    limit = audit_settings.value("answer-limit")
    found = [e for e in audit_endpoints.declared() if e.method == "GET"]
    if not any(e.class_ == CACHEABLE for e in found):
        raise CouldNotRun(f"no read is declared as {CACHEABLE} (audit.yaml, endpoints): nothing asks the cache")

    def sending(endpoint: Any) -> Callable[[], int]:
        client = caller(endpoint, audit_http, audit_identity)
        return lambda: int(
            client.get(endpoint.url(), headers={"Connection": "close"}, timeout=limit.number).status_code
        )

    made = [(endpoint, sending(endpoint)) for endpoint in found]
    for endpoint, send in made:
        if (status := send()) >= 400:
            raise CouldNotRun(f"before any fault {endpoint} answered {status} ({endpoint.origin})")
    return made


@audit(dimension="4.3", criterion="outage", level=5, needs=("faults",))
def test_the_service_does_without_its_cache(
    reads: list[tuple[Any, Callable[[], int]]],
    audit_faults: Any,
    audit_redis: Any,
    audit_settings: Any,
    audit_acknowledged: Any,
) -> None:
    """With the cache down, or hanging, the service still answers with less, and it recovers afterwards."""
    limit, recovery = audit_settings.value("answer-limit"), audit_settings.value("recovery-limit")
    cache = next((name for name in audit_faults.dependencies if name in CACHES), None)
    if cache is None:
        raise CouldNotRun(f"no dependency is the cache: name it redis (targets.faults.dependencies): {CACHES}")
    whole_cache(audit_redis)
    cacheable = [(endpoint, send) for endpoint, send in reads if endpoint.class_ == CACHEABLE]
    hitting = [(endpoint, send) for endpoint, send in cacheable if hit_by(send, audit_redis)]
    if not hitting:
        raise CouldNotRun(
            f"before any fault none of {len(cacheable)} reads that are declared as {CACHEABLE} hits the cache: whether "
            "it is missed, and asked again, can't be seen"
        )
    faults: dict[str, Callable[[str], AbstractContextManager[Any]]] = {
        "refuses": audit_faults.refuse,
        "hangs": audit_faults.hang,
    }
    wrong: dict[str, str] = {}
    for what, fault in faults.items():
        with fault(cache):
            failed = _failing(reads)
            wrong |= {f"{name} while the cache {what}": said for name, said in failed.items()}
        for endpoint, send in hitting:
            if not _hits_again(send, audit_redis, recovery.number):
                wrong[f"{endpoint} after the cache {what}"] = f"no hit within {recovery}"
    left = audit_acknowledged({name: said for name, said in wrong.items() if said != LIMITED})
    assert not left, (
        f"the service does not do without its cache{lines(f'{name}: {wrong[name]}' for name in left)}\n"
        f"each of {len(reads)} reads was sent {ROUNDS} times at least with each fault on; an answer may take {limit}; "
        f"to acknowledge: {left.names}"
    )
    if limited := [name for name, said in wrong.items() if said == LIMITED]:
        raise CouldNotRun(
            f"{listed(limited)}: {LIMITED}; let the audit's identities send more requests, so that it can be seen what "
            "the service does without its cache"
        )


def _failing(reads: list[tuple[Any, Callable[[], int]]]) -> dict[str, str]:
    """Reads that fail under the fault that is on, with what they say; it ends early once enough do."""
    failed: dict[str, str] = {}
    begun, rounds = time.monotonic(), 0
    while rounds < ROUNDS or time.monotonic() - begun < SPAN:
        for endpoint, send in reads:
            if str(endpoint) not in failed and (said := _judged(send)):
                failed[str(endpoint)] = said
            if len(failed) > TOLD:
                return failed
        rounds += 1
        time.sleep(PAUSE)
    return failed


def _judged(send: Callable[[], int]) -> str:
    """What is wrong with an answer, or nothing."""
    begun = time.monotonic()
    try:
        status = send()
    except CouldNotRun:
        raise
    except Exception as error:  # noqa: BLE001 - the client's errors are the service's: it breaks off, or says nothing
        return f"no answer within {time.monotonic() - begun:.1f} s ({type(error).__name__})"
    return f"answered {status}" if status >= 400 else ""  # before any fault it was none of these


def _hits_again(send: Callable[[], int], cache: Any, limit: float) -> bool:
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if not _judged(send) and hit_by(send, cache):
            return True
        time.sleep(PAUSE)
    return False
