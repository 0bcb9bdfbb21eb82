"""How long callers waited for a connection of a pool, by what metrics pages say before, during and after some load.

Two things tell. Some libraries count the time that callers have waited: HikariCP's acquire timer, database/sql's wait
duration, pgxpool's acquire duration, OpenTelemetry's wait_time, psycopg's requests_wait_ms. And every pool that exports
how many callers wait (`pool_metrics`) tells it by Little's law: as many wait on average as come in the time that
each of them waits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from prometheus_client import Metric

from pytest_backend_audit.analysis.pool_metrics import ACTIVE, IDLE, WAITING, Pools, exported, is_of_a_pool, pool_of

WAITED, CALLERS = "waited", "callers"
"""Signals beside those of `pool_metrics`: seconds that callers have waited so far, and how many asked at all."""

_TIME = re.compile(
    r"(?:wait|acquire|blocked|borrow|checkout)\w*?_(?:duration|time|seconds?|milliseconds?|ms|ns)(?:_|$)"
)
_NO_WAIT = re.compile(r"timeout|creat|usage|use_time|lifetime|_max$")
_UNITS = (
    (re.compile(r"_(?:ms|millis|milliseconds?)(?:_|$)"), 1e-3),
    (re.compile(r"_(?:ns|nanoseconds?)(?:_|$)"), 1e-9),
)
_CALLERS = re.compile(r"(?:^|_)(?:acquire_count|acquires|checkouts|requests(?:_num)?)$")
_NOT_ALL = re.compile(r"empty|cancel|waiting|queued|error")
_NO_GAUGE = re.compile(r"(?:_total|wait_count|waited_for|empty_acquire(?:_count)?)$")
"""Counts of those who have waited, whatever type they are told to have."""
_WORDS = re.compile(r"_(?:duration|time|seconds?|milliseconds?|millis|ms|ns|blocked|acquires|checkouts)(?=_|$)")


@dataclass(frozen=True, slots=True)
class Wait:
    """How long callers of one pool of one process waited over a window."""

    average: float
    """Seconds that each of them waited, on average."""
    callers: float
    """Who asked for a connection, where the pool counts them; else the requests that the process answered."""
    most: float
    """Most of them that were seen waiting at a time."""

    def __str__(self) -> str:
        return f"{self.callers:g} callers waited {1000 * self.average:.0f} ms on average, up to {self.most:g} at a time"


class UntoldError(ValueError):
    """A page does not tell how long callers waited; the message says why."""


def with_waits(families: Iterable[Metric]) -> Pools:
    """The pools that a page tells of, as `exported` gives them, with `WAITED` and `CALLERS` where they are counted."""
    families = list(families)
    found = exported(f for f in families if f.type != "counter" and not _NO_GAUGE.search(f.name))
    for family in filter(lambda f: is_of_a_pool(f.name), families):
        name = family.name.removesuffix("_total")
        if _TIME.search(name) and not _NO_WAIT.search(name):
            signals = {"_sum": WAITED, "_count": CALLERS} if family.type in {"histogram", "summary"} else {"": WAITED}
        elif family.type in {"counter", "unknown"} and _CALLERS.search(name) and not _NOT_ALL.search(name):
            signals = {"": CALLERS}
        else:
            continue
        unit = next((seconds for words, seconds in _UNITS if words.search(name)), 1.0)
        for sample in family.samples:
            signal = signals.get("" if "" in signals else sample.name.removeprefix(family.name))
            if signal is not None and not sample.name.endswith("_created"):
                values = found.setdefault(pool_of(_WORDS.sub("", name), sample), {})
                values[signal] = values.get(signal, 0.0) + (unit if signal == WAITED else 1.0) * sample.value
    return found


def waited(readings: Sequence[Mapping[str, float]], seconds: float, answered: float) -> Wait:
    """How long callers of one pool waited while its page was read again and again.

    Args:
        readings: What the page said of the pool each time (`with_waits`), in order; two at least.
        seconds: From the first reading to the last.
        answered: Requests that the process answered meanwhile.

    Raises:
        UntoldError: The page says nothing of waiting, its process began anew, nobody used the pool, or callers waited
            most of the time and nobody counts how many asked.
    """
    first, last = readings[0], readings[-1]
    timed = all(WAITED in reading for reading in readings)
    gauged = all(WAITING in reading for reading in readings)
    if not timed and not gauged:
        raise UntoldError("tells neither how many callers wait nor for how long (4.2 pool-metrics)")
    asked = all(CALLERS in reading for reading in readings)
    callers = last[CALLERS] - first[CALLERS] if asked else answered
    spent = last[WAITED] - first[WAITED] if timed else 0.0
    if callers < 0 or spent < 0:
        raise UntoldError("began to count anew meanwhile")
    if callers == 0 or not any(reading.get(ACTIVE, 1) + reading.get(IDLE, 0) for reading in readings):
        raise UntoldError("was asked for no connection meanwhile")
    queue = [reading[WAITING] for reading in readings] if gauged else [0.0]
    # Of all requests perhaps a few alone need a connection, or some need many: over them the average would be wrong.
    if not asked and sum(waiting > 0 for waiting in queue) > len(queue) / 2:
        raise UntoldError(f"has callers that wait, up to {max(queue):g} at a time, but does not count who asks at all")
    return Wait(max(spent, fmean(queue) * seconds) / callers, callers, max(queue))
