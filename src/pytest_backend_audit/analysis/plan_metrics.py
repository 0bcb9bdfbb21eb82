"""Series by which a flipped plan shows: sequential scans by table, and what tells changes of plans itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

# postgres_exporter and pgMonitor (seq_scan, seq_tup_read), the OpenTelemetry collector (sequential_scans), Datadog.
_SCANS = re.compile(r"(?:^|_)(?:seq_scans?|seq_tup_read|seq_rows_read|sequential_scans?)(?:_|$)")
_FLIPS = re.compile(r"(?:^|_)(?:query_)?plans?_(?:flip|change|changed|regression|hash|mismatch|cost)")
_ROWS = re.compile(r"seq_tup_read|seq_rows_read")
FEW = 100_000
"""Rows a second, or a scan a second of a table of that size, above which the proposed rule fires: a start, to be
adapted to the service."""


def tells_plans(name: str) -> bool:
    """Whether a series of this name rises when a plan flips to reading the whole table."""
    return bool(_SCANS.search(name) or _FLIPS.search(name))


def proposed(names: Iterable[str]) -> str:
    """A rule for one of these series, those that count rows first; empty where none of them tells of plans."""
    found = sorted((n for n in names if tells_plans(n)), key=lambda n: (not _ROWS.search(n), n))
    if not found:
        return ""
    most = FEW if _ROWS.search(found[0]) else 1
    return f"{{alert: UnexpectedSequentialScans, expr: 'rate({found[0]}[5m]) > {most}', for: 10m}}"
