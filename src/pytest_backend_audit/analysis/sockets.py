"""TCP sockets of a host, as ``ss`` or /proc/net/tcp tell them: whose they are, and whether a service's climb."""

from __future__ import annotations

import re
import socket
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

LISTEN, TIME_WAIT = "LISTEN", "TIME-WAIT"
TIME_WAIT_LASTS = 60.0
"""Seconds that a closed socket stays in TIME-WAIT on Linux, which has no setting for it (TCP_TIMEWAIT_LEN)."""
_STATES = {
    1: "ESTAB", 2: "SYN-SENT", 3: "SYN-RECV", 4: "FIN-WAIT-1", 5: "FIN-WAIT-2", 6: TIME_WAIT, 7: "UNCONN",
    8: "CLOSE-WAIT", 9: "LAST-ACK", 10: LISTEN, 11: "CLOSING",
}  # fmt: skip
"""As /proc numbers them, by the names that ss has for them."""
End = tuple[int, tuple[str, int]]
"""A connection by its own port, and its peer's address and port."""
LOOPBACK = ("127.", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Socket:
    """One end of a connection, or a listener."""

    state: str
    port: int
    """Of this end."""
    peer: tuple[str, int]
    pids: frozenset[int]
    """Processes that have it; none that can be seen, for one of somebody else, or in TIME-WAIT."""


@dataclass(frozen=True, slots=True)
class Count:
    """What one reading says of a service."""

    by_process: Mapping[int, int]
    """Sockets of each of its processes."""
    time_wait: int
    """Ends in TIME-WAIT that were its own."""
    ephemeral: int
    """Ports of the ephemeral range that the host has in use."""

    def __str__(self) -> str:
        each = ", ".join(f"pid {pid}: {number}" for pid, number in sorted(self.by_process.items()))
        return f"{each}; TIME-WAIT: {self.time_wait}; ephemeral ports: {self.ephemeral}"


def from_ss(text: str) -> list[Socket]:
    """The sockets that ``ss -Htanp`` lists."""
    found = []
    for line in text.splitlines():
        parts = line.split(None, 5)
        if len(parts) >= 5 and ":" in parts[3]:
            pids = frozenset(int(pid) for pid in re.findall(r"pid=(\d+)", parts[5] if len(parts) > 5 else ""))
            found.append(Socket(parts[0], _end(parts[3])[1], _end(parts[4]), pids))
    return found


def from_proc(tables: Iterable[str], owners: Mapping[int, Collection[int]]) -> list[Socket]:
    """The sockets of /proc/net/tcp and tcp6.

    Args:
        tables: Their texts.
        owners: Inode of a socket -> processes that have it open.
    """
    found = []
    for line in (line for table in tables for line in table.splitlines()[1:]):
        parts = line.split()
        state = _STATES.get(int(parts[3], 16), parts[3])
        found.append(Socket(state, _hex(parts[1])[1], _hex(parts[2]), frozenset(owners.get(int(parts[9]), ()))))
    return found


def listeners(sockets: Iterable[Socket], ports: Collection[int]) -> dict[int, frozenset[int]]:
    """Port -> processes that listen there."""
    found: dict[int, frozenset[int]] = {}
    for one in sockets:
        if one.state == LISTEN and one.port in ports:
            found[one.port] = found.get(one.port, frozenset()) | one.pids
    return found


def count(sockets: Sequence[Socket], pids: Collection[int], ports: Collection[int], ephemeral: range) -> Count:
    """Count what a service has.

    Args:
        sockets: All of the host.
        pids: The service's processes.
        ports: Where they listen.
        ephemeral: Ports that outgoing connections get.
    """
    own = set(pids)
    by_process = Counter(dict.fromkeys(own, 0))
    for one in sockets:
        by_process.update(one.pids & own)
    used = {s.port for s in sockets if s.port in ephemeral and s.state != LISTEN}
    return Count(dict(by_process), len(closed(sockets, own, ports)), len(used))


def closed(
    sockets: Sequence[Socket], pids: Collection[int], ports: Collection[int]
) -> set[tuple[int, tuple[str, int]]]:
    """Ends in TIME-WAIT that were a service's, by their own port and their peer; as `count` takes them."""
    sockets, own = list(sockets), set(pids)
    called = {s.peer for s in sockets if s.pids & own and s.port not in ports and s.state != LISTEN}
    return {(s.port, s.peer) for s in sockets if s.state == TIME_WAIT and (s.port in ports or s.peer in called)}


def outbound(
    sockets: Sequence[Socket],
    pids: Collection[int],
    ports: Collection[int],
    known: Collection[tuple[str, int]] = (),
) -> tuple[set[End], frozenset[tuple[str, int]]]:
    """Connections that a service has opened, by their own port and their peer; and all that it is known to call.

    Args:
        sockets: All of the host.
        pids: The service's processes.
        ports: Where they listen.
        known: What it was seen to call before: a socket in TIME-WAIT has no process any more.
    """
    own = set(pids)
    mine = {
        (s.port, s.peer) for s in sockets if s.pids & own and s.port not in ports and s.state not in {LISTEN, TIME_WAIT}
    }
    called = frozenset(known) | {peer for _, peer in mine}
    over = {(s.port, s.peer) for s in sockets if s.state == TIME_WAIT and s.peer in called and s.port not in ports}
    return mine | over, called


def climbing(readings: Sequence[Count], growth: float, slack: int) -> list[str]:
    """Processes whose sockets rose from reading to reading, by more than a share of what they began with.

    Args:
        readings: One after the other.
        growth: The share.
        slack: Sockets that a pool may open meanwhile.
    """
    found = []
    for pid, began in readings[0].by_process.items():
        series = [reading.by_process.get(pid, 0) for reading in readings]
        rising = all(later > earlier for earlier, later in pairwise(series))
        if rising and series[-1] > max(began * (1 + growth), began + slack):
            found.append(f"pid {pid}: {' -> '.join(map(str, series))}")
    return found


def climbing_together(readings: Sequence[Count], growth: float, slack: int) -> list[str]:
    """The sockets of all processes, where they rose from reading to reading by more than a share and a slack.

    Requests spread over many processes leave too little in each of them to be seen there.

    Args:
        readings: One after the other.
        growth: The share, of what they began with.
        slack: Sockets that pools may open meanwhile, in all processes together; where those are more, one for each.
    """
    processes = len(readings[0].by_process)
    series = [sum(reading.by_process.values()) for reading in readings]
    rising = all(later > earlier for earlier, later in pairwise(series))
    if rising and series[-1] - series[0] > max(series[0] * growth, slack, processes):
        return [f"all {processes} processes together: {' -> '.join(map(str, series))}"]
    return []


def is_here(host: str) -> bool:
    """Whether a host's name or address is this machine's loopback."""
    return host.startswith(LOOPBACK)


def _end(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return _plain(host.strip("[]").partition("%")[0]), int(port) if port.isdigit() else 0


def _hex(text: str) -> tuple[str, int]:
    address, _, port = text.partition(":")
    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
    raw = b"".join(words)
    return _plain(socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)), int(port, 16)


def _plain(host: str) -> str:
    return host.removeprefix("::ffff:")
