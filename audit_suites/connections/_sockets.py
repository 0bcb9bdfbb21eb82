"""Reading the sockets of the host that the audit runs on, by ``ss`` or by /proc."""

from __future__ import annotations

import shutil
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_backend_audit import CouldNotRun
from pytest_backend_audit.analysis.sockets import (
    Count,
    End,
    Socket,
    closed,
    count,
    from_proc,
    from_ss,
    is_here,
    listeners,
    outbound,
)

PROC = Path("/proc")
FRONTS = {"nginx", "haproxy", "envoy", "traefik", "caddy", "varnishd", "toxiproxy-serve"}
"""Programs, as /proc names them, that pass requests on: the service's own sockets are behind them."""
TUNNELS = {"docker-proxy", "rootlessport", "slirp4netns", "kubectl", "ssh", "socat", "linkerd2-proxy", "pilot-agent"}
"""Those that pass connections on into a container, or to another host."""
RANGE = PROC / "sys/net/ipv4/ip_local_port_range"


class Host:
    """The service's processes on this host, and their sockets."""

    def __init__(self, command: Any, evidence: Any, declared: Any) -> None:
        """Find the processes that listen where audit.yaml says that the instances do.

        Raises:
            CouldNotRun: They aren't on this host, or can't be seen.
        """
        self._command, self._evidence = command, evidence
        self._called: frozenset[tuple[str, int]] = frozenset()
        urls = declared("targets.http.metrics", ()) or (declared("targets.http.base_url"),)
        away = [url for url in urls if not is_here(urlsplit(url).hostname or "")]
        if away:
            raise CouldNotRun(
                f"{len(away)} of {len(urls)} instances don't run on this host ({away[0]}): sockets are seen only where "
                "they are; run the audit there, with targets.http.metrics on its loopback"
            )
        if not RANGE.exists():
            raise CouldNotRun("this host has no /proc: sockets are read on Linux only")
        self.ports = {urlsplit(url).port or {"https": 443}.get(urlsplit(url).scheme, 80) for url in urls}
        least, most = map(int, RANGE.read_text().split())
        self.ephemeral = range(least, most + 1)
        self.pids = self._processes()

    def read(self) -> Count:
        """Count the sockets."""
        return count(self._sockets(), self.pids, self.ports, self.ephemeral)

    def closed(self) -> set[End]:
        """Its connections that are in TIME-WAIT."""
        return closed(self._sockets(), self.pids, self.ports)

    def outbound(self) -> set[End]:
        """Connections that the processes have opened, also those that were closed and wait in TIME-WAIT."""
        found, called = outbound(self._sockets(), self.pids, self.ports, self._called)
        self._called = called
        return found

    def _processes(self) -> frozenset[int]:
        found = listeners(self._sockets(), self.ports)
        unseen = sorted(port for port in self.ports if not found.get(port))
        if unseen:
            raise CouldNotRun(
                f"who listens on port {', '.join(map(str, unseen))} can't be seen: run the audit on the service's "
                "host, outside of other containers, as the service's user or root"
            )
        for port, pids in found.items():
            names = {_name(pid) for pid in pids}
            if tunnels := sorted(TUNNELS & names):
                raise CouldNotRun(
                    f"who listens on port {port} is {tunnels[0]}, which passes connections on to where the service "
                    "runs: run the audit there, in the container's network or on that host"
                )
            if passing := sorted(FRONTS & names):
                raise CouldNotRun(
                    f"who listens on port {port} is {passing[0]}, which passes requests on to the service: name the "
                    "metrics page of each instance behind it, on its own port (audit.yaml, targets.http.metrics)"
                )
        return frozenset().union(*found.values())

    def _sockets(self) -> list[Socket]:
        if shutil.which("ss"):
            return from_ss(self._command(["ss", "-Htanp"]).stdout)
        tables = [path.read_text() for path in (PROC / "net/tcp", PROC / "net/tcp6") if path.exists()]
        self._evidence.command("cat /proc/net/tcp /proc/net/tcp6", "".join(tables))
        return from_proc(tables, _owners())


def _owners() -> dict[int, set[int]]:
    found: defaultdict[int, set[int]] = defaultdict(set)
    for folder in PROC.glob("[0-9]*/fd"):
        with suppress(OSError):  # somebody else's, or gone meanwhile
            for link in folder.iterdir():
                if (inode := _inode(link)) is not None:
                    found[inode].add(int(folder.parent.name))
    return dict(found)


def _inode(link: Path) -> int | None:
    with suppress(OSError):  # the listing's own descriptor is gone by now
        target = link.readlink().name
        return int(target[8:-1]) if target.startswith("socket:[") else None
    return None


def _name(pid: int) -> str:
    with suppress(OSError):  # gone meanwhile
        return (PROC / str(pid) / "comm").read_text().strip()
    return ""
