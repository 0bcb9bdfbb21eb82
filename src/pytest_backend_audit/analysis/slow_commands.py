"""What a Redis server says of slow commands: its slow log, and its statistics of commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

DISABLED = -1
"""Value of slowlog-log-slower-than that turns the log off."""
WALKING = {"keys": "SCAN, or a set of the keys"}
"""Commands that walk over the whole keyspace while everybody waits, and what to use instead."""
_MAINTENANCE = frozenset(
    {
        "acl", "bgrewriteaof", "bgsave", "client", "cluster", "command", "config", "debug",
        "failover", "flushall", "flushdb", "function", "hello", "info", "latency", "memory",
        "module", "monitor", "psync", "replconf", "replicaof", "role", "save", "script",
        "shutdown", "slaveof", "slowlog", "swapdb", "sync",
    }
)  # fmt: skip
"""What those send who run the server: no part of a hot path."""
OURS = "backend-audit"
"""Name of the audit's own connections."""
LENGTH = 128
"""Entries that the server's log has room for by default."""


@dataclass(frozen=True, slots=True)
class Slow:
    """A command that is slow, or will be."""

    command: str
    said: str

    def __str__(self) -> str:
        return f"{self.command}: {self.said}"


def calls(statistics: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Calls by command, and of all that are no maintenance as ``all``, from INFO commandstats.

    Args:
        statistics: ``cmdstat_get`` -> ``{"calls": 12, "usec": 60, ...}``.
    """
    found: dict[str, float] = {}
    for name, told in statistics.items():
        command = _first(name.removeprefix("cmdstat_"))
        found[command] = found.get(command, 0) + float(told["calls"])
    found["all"] = sum(count for command, count in found.items() if command not in _MAINTENANCE)
    return found


def log_faults(configuration: Mapping[str, Any], threshold: float) -> list[str]:
    """Why the slow log would tell nothing.

    Args:
        configuration: CONFIG GET ``slowlog-*``.
        threshold: Highest useful threshold, in seconds.
    """
    slower, length = int(configuration["slowlog-log-slower-than"]), int(configuration["slowlog-max-len"])
    most = round(threshold * 1e6)
    mend = f"CONFIG SET slowlog-log-slower-than {most}"
    found = []
    if slower == DISABLED:
        found.append(f"the slow log is off (slowlog-log-slower-than is -1): {mend}")
    elif slower > most:
        found.append(f"slowlog-log-slower-than is {slower} us: {mend}")
    if length < 1:
        found.append("the slow log keeps nothing (slowlog-max-len is 0): CONFIG SET slowlog-max-len 128")
    return found


def reach(log: Sequence[Mapping[str, Any]], room: int, now: float) -> float | None:
    """How far back a log goes that is full, in seconds; None where it has forgotten nothing.

    Args:
        log: SLOWLOG GET: each entry with ``start_time``, in whole seconds since the epoch.
        room: Most entries that could have come.
        now: By the server's clock, in seconds since the epoch.
    """
    times = [int(entry["start_time"]) for entry in log]
    return max(1.0, now - min(times)) if times and len(times) >= room else None


def within(
    seconds: float | None, total: Mapping[str, float], rise: Mapping[str, float], *, window: float, up: float
) -> dict[str, float]:
    """Calls by command over the time that a log goes back.

    A full log knows of the last moments only, and a server's counters of all of its life: of a server that has been up
    for weeks, a log full of one command would be a small share of its calls. What came in that time is told by the
    average since the start or by the window, whichever is more.

    Args:
        seconds: How far back the log goes; None for the server's life.
        total: Calls by command since the server began to count.
        rise: Calls by command over a window with traffic.
        window: That window's length, in seconds.
        up: For how long the server has been up, in seconds.
    """
    if seconds is None:
        return dict(total)
    return {
        command: min(calls, seconds * max(calls / max(up, seconds), rise.get(command, 0) / window))
        for command, calls in total.items()
    }


def slow(
    log: Sequence[Mapping[str, Any]],
    rise: Mapping[str, float],
    total: Mapping[str, float],
    *,
    share: float,
    threshold: float,
) -> list[Slow]:
    """Commands of a hot path that hold the server up.

    A single command of thousands that took long is the machine's hiccup; it is the command's own doing where a share
    of its calls did.

    Args:
        log: SLOWLOG GET: each entry with ``command``, ``duration`` in microseconds, ``client_name``.
        rise: Calls by command over a window with traffic.
        total: Calls by command over the time that the log goes back, as `within` tells.
        share: Most of a command's calls that may be in the log.
        threshold: Seconds from which on an entry is slow: a log may be told to keep faster ones as well.
    """
    found = [
        Slow(name.upper(), f"walks over all keys, {rise[name]:g} times in the window: use {instead}")
        for name, instead in WALKING.items()
        if rise.get(name)
    ]
    entries: dict[str, list[Mapping[str, Any]]] = {}
    for entry in log:
        command = _first(_text(entry.get("command", "")).lower())
        if int(entry["duration"]) < threshold * 1e6:
            continue
        if command and command not in _MAINTENANCE and _text(entry.get("client_name", "")) != OURS:
            entries.setdefault(command, []).append(entry)
    for command, slow_ones in sorted(entries.items()):
        made = max(total.get(command, 0), len(slow_ones))
        if len(slow_ones) > max(1, share * made) and command not in {one.command.lower() for one in found}:
            longest = max(int(entry["duration"]) for entry in slow_ones)
            clients = sorted({_text(entry.get("client_name", "")) for entry in slow_ones} - {""})
            of = f", of {', '.join(clients[:3])}" if clients else ""
            found.append(
                Slow(
                    command.upper(),
                    f"{len(slow_ones)} of {made:.0f} calls are in the slow log, the longest took {longest} us{of}"
                    f"{_last(slow_ones)}",
                )
            )
    return found


def _last(entries: Sequence[Mapping[str, Any]]) -> str:
    """When the last of them came: the log keeps what is mended by now."""
    times = [int(entry["start_time"]) for entry in entries if entry.get("start_time")]
    if not times:
        return ""
    return f"; the last one came at {datetime.fromtimestamp(max(times), UTC):%Y-%m-%d %H:%M} UTC"


def _first(command: str) -> str:
    return command.replace("|", " ").split(" ")[0]


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
