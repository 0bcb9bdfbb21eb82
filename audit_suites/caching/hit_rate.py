"""Over a window of traffic enough lookups hit the cache.

The server counts hits and misses since its start; two readings with traffic between them give the rate of now. One
window serves both levels.

Impact: Every miss costs what the cache was bought to save, and an incident that empties it is felt at once.

Remediation: Look at what misses: keys that hold something random or too specific, lifetimes shorter than the time
between two reads, a memory limit that evicts what is hot (evicted_keys).

Verification: INFO stats, a minute, INFO stats again: hits / (hits + misses) of the difference.

Effort: M
"""

from __future__ import annotations

from typing import Any

import pytest

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.cache import Lookups, lookups
from pytest_backend_audit.analysis.text import percent


@pytest.fixture(scope="module")
def seen(audit_redis: Any, audit_window: Any, audit_settings: Any) -> Lookups:
    """Lookups over a window that has enough of them."""
    enough = audit_settings.value("hit-rate-lookups")
    counters = ["keyspace_hits", "keyspace_misses"]
    with audit_window(lambda: audit_redis.info("stats"), traffic=counters, at_least=enough.number) as window:
        pass
    return lookups(window.delta)


@audit(dimension="4.3", criterion="hit-rate", level=3)
def test_the_cache_was_built_to_be_hit(seen: Lookups, audit_settings: Any) -> None:
    """Over a window of traffic at least the deliberate share of lookups hits the cache."""
    least = audit_settings.value("hit-rate-deliberate")
    assert seen.hit_rate >= least.number, (
        f"{percent(seen.hit_rate)} of {seen.total:g} lookups hit the cache; it should be at least {least}"
    )


@audit(dimension="4.3", criterion="hit-rate", level=4)
def test_the_cache_is_tuned(seen: Lookups, audit_settings: Any) -> None:
    """Over a window of traffic more than the tuned share of lookups hits the cache."""
    least = audit_settings.value("hit-rate-tuned")
    assert seen.hit_rate > least.number, (
        f"{percent(seen.hit_rate)} of {seen.total:g} lookups hit the cache; it should be more than {least}"
    )
