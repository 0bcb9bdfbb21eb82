"""How entries are invalidated is documented, and a write is visible to the next read inside the stated bound.

Each write that audit.yaml declares with bodies, and whose read is classed as read-cacheable, is sent with one body
after the other, so that each changes something; the read, which the cache holds, has to show that inside the bound, and
then each time, whichever instance answers. At the end stands what stood there before, where that is one of the bodies.

Impact: People see what is no longer so, decide by it, and repeat what they have done already.

Remediation: Remove or replace the entry in the code path of each write, after the transaction has committed; where that
can't be, set the lifetime to the staleness that is fine, and state that as the bound. Write down which of these holds
for which kind of entry, and name that page in audit.yaml, under attestations.

Verification: GET, PATCH, GET: the second answer shows the change.

Effort: M
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.answers import shows
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites._costs import caller, get
from pytest_backend_audit.suites.caching._asking import Change, changes, must_be_cached, must_write, whole_cache

IN_A_ROW = 6
"""Reads on new connections that must all show a write: more than an instance with a cache of its own lets pass."""
PAUSE = 0.02
"""Seconds between two looks."""


@pytest.fixture
def written(
    audit_endpoints: Any, audit_http: Any, audit_identity: Any, audit_redis: Any
) -> tuple[list[Change], Callable[[Change, float], list[float]]]:
    """The writes that can be tried, and how to try one; gives how long after each body a read still was stale."""
    cache = whole_cache(audit_redis)

    def stale_after(change: Change, bound: float) -> list[float]:
        writer = caller(change.write, audit_http, audit_identity)
        reader = caller(change.read, audit_http, audit_identity)

        def look() -> bool:
            answer = reader.get(change.url, headers={"Connection": "close"})
            told = shows(answer.json(), body) if answer.is_success else None
            if told is None:
                raise CouldNotRun(f"GET {change.url} does not show what {change.write} writes ({change.write.origin})")
            return told

        found = []
        for body in change.in_turn(get(reader, change.read, change.url).json()):
            must_be_cached(reader, change, cache)
            must_write(writer, change, body)
            begun = time.monotonic()
            stale, fresh = 0.0, 0
            while fresh < IN_A_ROW and stale <= bound:
                asked = time.monotonic() - begun
                if look():
                    fresh += 1
                else:
                    stale, fresh = asked, 0
                    time.sleep(PAUSE)
            found.append(stale)
        return found

    return changes(audit_endpoints), stale_after


@audit(dimension="4.3", criterion="invalidation", level=3, needs=("writes",))
def test_a_write_is_visible_to_the_next_read(
    written: tuple[list[Change], Callable[[Change, float], list[float]]],
    audit_settings: Any,
    audit_attestation: Any,
    audit_acknowledged: Any,
) -> None:
    """How entries are invalidated is documented, and a write is visible to the next read inside the stated bound."""
    bound = audit_settings.value("invalidation-bound")
    found, stale_after = written
    wrong: dict[str, str] = {}
    for change in found:
        stale = stale_after(change, bound.number)
        late = [seconds for seconds in stale if seconds > bound.number]
        if late:
            wrong[str(change.write)] = (
                f"after {len(late)} of {len(stale)} writes {change.read} was stale still when {max(late):.2f} s had "
                "passed"
            )
    left = audit_acknowledged(wrong)
    assert not left, (
        f"{len(left)} of {len(found)} writes are not visible to the next read"
        f"{lines(f'{name}: {wrong[name]}' for name in left)}\n"
        f"a write has to show inside {bound}; to acknowledge: {left.names}"
    )
    audit_attestation("invalidation")
