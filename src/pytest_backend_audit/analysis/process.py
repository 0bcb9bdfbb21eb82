"""What a metrics page says of the process behind it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from email.utils import parsedate_to_datetime

from prometheus_client import Metric

STARTED = "process_start_time_seconds"
"""Unix time of its start, as Prometheus' client libraries name it."""


def youngest(pages: Iterable[tuple[Sequence[Metric], str]]) -> float | None:
    """Seconds that the process has run that started last; None when a page doesn't tell.

    Args:
        pages: Of each instance the metric families, and the Date header that came with them (its own clock).
    """
    ages = [_age(families, date) for families, date in pages]
    known = [age for age in ages if age is not None]
    return min(known) if known and len(known) == len(ages) else None


def _age(families: Sequence[Metric], date: str) -> float | None:
    starts = [s.value for f in families for s in f.samples if s.name == STARTED]
    if not starts:
        return None
    try:
        now = parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        now = time.time()
    return now - max(starts)
