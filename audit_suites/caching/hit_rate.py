"""Over a window of traffic enough lookups hit the cache.

The server counts hits and misses since its start; two readings with traffic between them give the rate of now. One
window serves both levels. The server also counts what only looks into the cache (TTL, TYPE, GETRANGE and the like), as
this audit and others do meanwhile: by INFO commandstats it is left out of the traffic. Where it could decide about the
limit, nothing is said. A window takes two seconds at least, however many lookups come at once. Where too few hit, one
with three times as many follows, and decides.

Impact: Every miss costs what the cache was bought to save, and an incident that empties it is felt at once.

Remediation: Look at what misses: keys that hold something random or too specific, lifetimes shorter than the time
between two reads, a memory limit that evicts what is hot (evicted_keys).

Verification: INFO stats, a minute, INFO stats again: hits / (hits + misses) of the difference, while nobody sends
TTL or TYPE.

Effort: M
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.cache import Lookups, lookups
from pytest_backend_audit.analysis.text import percent
from pytest_backend_audit.suites.caching import _asking

LONGER = 3
"""Times as many lookups, in the window that decides: after a start each entry is missed once."""


@pytest.fixture(scope="module")
def seen(audit_redis: Any, audit_window: Any, audit_settings: Any) -> Lookups:
    """Lookups over a window that has enough of them; where too few hit, over a longer one, if enough come for it."""
    enough, tuned = audit_settings.value("hit-rate-lookups"), audit_settings.value("hit-rate-tuned")

    def watch(least: float) -> Lookups:
        with audit_window(
            lambda: _asking.lookups(audit_redis),
            traffic=["lookups"],
            at_least=least,
            lasting=_asking.LASTING,
            rising=["hits", "misses"],
        ) as window:
            pass
        return lookups(window.delta)

    _asking.open_windows(audit_redis, audit_window)
    first = watch(enough.number)
    if first.most > tuned.number:
        return first
    with suppress(CouldNotRun):
        return watch(LONGER * enough.number)
    return first


def _must_be_clear(seen: Lookups, *, decided: bool) -> None:
    if not decided:
        raise CouldNotRun(
            f"between {percent(seen.least)} and {percent(seen.most)} of {seen.total:g} lookups hit the cache: "
            f"{seen.inspections:g} more only looked into it (TTL, TYPE ...), and the server counts them alike; audit "
            "while nobody else does"
        )


@audit(dimension="4.3", criterion="hit-rate", level=3)
def test_the_cache_was_built_to_be_hit(seen: Lookups, audit_settings: Any) -> None:
    """Over a window of traffic at least the deliberate share of lookups hits the cache."""
    least = audit_settings.value("hit-rate-deliberate")
    assert seen.most >= least.number, (
        f"{percent(seen.most)} of {seen.total:g} lookups hit the cache; it should be at least {least}"
    )
    _must_be_clear(seen, decided=seen.least >= least.number)


@audit(dimension="4.3", criterion="hit-rate", level=4)
def test_the_cache_is_tuned(seen: Lookups, audit_settings: Any) -> None:
    """Over a window of traffic more than the tuned share of lookups hits the cache."""
    least = audit_settings.value("hit-rate-tuned")
    assert seen.most > least.number, (
        f"{percent(seen.most)} of {seen.total:g} lookups hit the cache; it should be more than {least}"
    )
    _must_be_clear(seen, decided=seen.least > least.number)
