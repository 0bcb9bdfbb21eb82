"""Fragmentation, peak memory, evictions and the largest keys stay inside their bounds.

INFO memory is read, evictions are counted over a window with traffic, and keys are scanned, within a time, for how much
memory each takes. A ratio of fragmentation counts only where what is wasted is more than the server itself would care
about (active-defrag-ignore-bytes). A cache that evicts is full most of the time, as it is meant to be: its peak is held
against the machine's memory; that of one that can't, against maxmemory.

Impact: A large key blocks the server each time that it is read, copied or freed, and drives out much to make room;
memory that is held and not used is paid for; what is evicted before it is read again was cached for nothing.

Remediation: Split large values by what is read together, or keep them elsewhere; give the cache more memory, or entries
shorter lives, where evictions are many; turn active defragmentation on.

Verification: redis-cli --bigkeys and --memkeys, and INFO memory.

Effort: M
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.cache import evicts
from pytest_backend_audit.analysis.cache_memory import Bounds, Fault, faults, large
from pytest_backend_audit.analysis.lifetimes import kind_of
from pytest_backend_audit.analysis.text import lines
from pytest_backend_audit.suites.caching._asking import LASTING, PAGE, evictions, key_text, whole_cache

GUARDED = frozenset({"prod", "canary"})
"""Environments in which a key is shown by its kind: its name may tell of a person."""


@pytest.fixture
def evicted(audit_redis: Any, audit_window: Any, audit_settings: Any) -> float:
    """Keys evicted a second, over a window with traffic."""
    enough = audit_settings.value("cache-window-calls")
    cache = whole_cache(audit_redis)
    with audit_window(
        lambda: evictions(cache),
        traffic=["lookups"],
        at_least=enough.number,
        lasting=LASTING,
        opened="memory-health",
        rising=["hits", "misses", "evicted_keys"],
    ) as window:
        pass
    return float(window.rate("evicted_keys"))


@pytest.fixture
def sizes(audit_redis: Any, audit_settings: Any, audit_run: Any, audit_evidence: Any) -> list[tuple[str, int | None]]:
    """Keys with their sizes, as many as can be looked at within the time; how many those are is evidence."""
    seconds = audit_settings.value("big-key-seconds")
    cache = whole_cache(audit_redis)
    found: dict[Any, int | None] = {}
    cursor, end = 0, time.monotonic() + seconds.number
    while True:
        cursor, keys = cache.scan(cursor, count=PAGE)
        asking = cache.pipeline()
        for key in keys:
            asking.memory_usage(key)
        found.update(zip(keys, asking.execute(), strict=True))
        if cursor == 0 or time.monotonic() > end:
            break
    if not found:
        raise CouldNotRun("the cache holds no keys: audit while the service is used")
    audit_evidence.command(
        f"MEMORY USAGE of {len(found)} of {cache.dbsize()} keys",
        f"{sum(size or 0 for size in found.values())} bytes in all, the largest {max(s or 0 for s in found.values())}",
    )
    hide = audit_run.environment_kind in GUARDED
    return [(kind_of(key_text(key)) if hide else key_text(key), size) for key, size in found.items()]


@audit(dimension="4.3", criterion="memory-health", level=4)
def test_memory_stays_inside_its_bounds(
    audit_redis: Any, evicted: float, sizes: list[tuple[str, int | None]], audit_settings: Any, audit_acknowledged: Any
) -> None:
    """Fragmentation, peak memory, evictions and the largest keys stay inside their bounds."""
    ratio, ignored = audit_settings.value("fragmentation-ratio"), audit_settings.value("fragmentation-bytes")
    peak, evictions = audit_settings.value("memory-peak-ratio"), audit_settings.value("evictions-per-second")
    big = audit_settings.value("big-key-bytes")
    bounds = Bounds(ratio.number, ignored.number, peak.number, evictions.number)
    memory = audit_redis.info("memory")
    full = evicts(str(memory.get("maxmemory_policy", "")), audit_redis.info("keyspace"))
    found: list[Fault] = [*faults(memory, evicted, bounds, evicts=full), *large(sizes, big.number)]
    left = audit_acknowledged(found, key="item")
    assert not left, (
        f"{len(left)} things about the cache's memory are out of bounds{lines(left)}\n"
        f"bounds: fragmentation {ratio} where more than {ignored} are wasted, peak {peak} of what there is, "
        f"evictions {evictions}, a key {big}; to acknowledge: {left.names}"
    )
