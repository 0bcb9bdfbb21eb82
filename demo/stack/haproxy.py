"""HAProxy as the front door, where the machine has it: looks after the instances, and gives each request to the next.

Without it `pytest_backend_audit.demo.stack.balancer` takes its place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pytest_backend_audit.demo.service.settings import CONNECTIONS
from pytest_backend_audit.demo.stack.process import Process

BUSY, IDLE = CONNECTIONS * 3 // 5, CONNECTIONS // 5
"""Connections to one instance that carry requests, and that are kept for the next ones, at most.

An instance counts both, and turns away who comes with one more than it can have: left to itself, HAProxy keeps all that
a burst has opened, and the next burst's don't fit beside them. What is over `BUSY` waits here. The rest is for those
who come past the front door: Prometheus, health checks, an audit that reads the metrics.
"""
_CONFIGURATION = """
global
    maxconn 2000
    stats socket {socket} mode 600 level operator

defaults
    mode http
    timeout connect 2s
    timeout queue 5s
    # Longer than /readyz takes to say no: an instance that is busy for a moment is not away.
    timeout check 2s
    timeout client 60s
    timeout server 60s
    timeout http-request 10s
    option redispatch
    retries 2

frontend orders
    bind 127.0.0.1:{port}
    default_backend instances

backend instances
    balance {balance}
    option httpchk GET /readyz
    default-server check inter 500ms fall 2 rise 1 maxconn {busy} pool-max-conn {idle}
{servers}
"""


def program() -> Path | None:
    """The program, or None where the machine lacks it. Debian keeps it where ordinary users don't look."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which("haproxy", path=places)
    return Path(found) if found else None


def launch(binary: Path, folder: Path, port: int, backends: Sequence[tuple[str, int]], *, sticky: bool) -> Process:
    """Start it, and return at once.

    Args:
        binary: The program.
        folder: For its configuration and log.
        port: Where it listens.
        backends: Name and port of each instance.
        sticky: Whether an address of a client belongs to one instance for good.

    Raises:
        StackError: It may not be run.
    """
    home = folder / "haproxy"
    home.mkdir(mode=0o700, exist_ok=True)
    servers = "\n".join(f"    server {name} 127.0.0.1:{number}" for name, number in backends)
    configuration = home / "haproxy.cfg"
    configuration.write_text(
        _CONFIGURATION.format(
            socket=home / "admin.sock",
            port=port,
            balance="source" if sticky else "roundrobin",
            busy=BUSY,
            idle=IDLE,
            servers=servers,
        )
    )
    return Process("HAProxy", [binary, "-db", "-f", configuration], folder / "balancer.log", cwd=home)
