"""The fault proxy between the service and what it depends on: toxiproxy where the machine has it, else our own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_backend_audit.demo.stack.process import Process, free_port, python, wait_for
from pytest_backend_audit.targets.faults.keeper import call

DELAY = "defect"
"""Name of the latency that a defect brings, beside those that audits set."""


def program() -> Path | None:
    """toxiproxy, or None where the machine lacks it."""
    found = shutil.which("toxiproxy-server")
    return Path(found) if found else None


@dataclass(slots=True)
class FaultProxy:
    """A running proxy; each dependency has a port of it, which stays."""

    process: Process
    url: str
    """Its API."""
    ports: Mapping[str, int]

    @classmethod
    def start(cls, folder: Path, upstreams: Mapping[str, int]) -> FaultProxy:
        """Start it, and wait until each of its ports takes connections.

        Args:
            folder: For its log.
            upstreams: Dependency -> port on 127.0.0.1.

        Raises:
            StackError: It does not start.
        """
        api = free_port()
        ports = {name: free_port() for name in upstreams}
        listens = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        argv: list[str | Path]
        if binary := program():
            argv = [binary, "-host", "127.0.0.1", "-port", str(api)]
        else:
            ways = [f"{name}={listens[name]}=127.0.0.1:{port}" for name, port in upstreams.items()]
            argv = [*python("pytest_backend_audit.targets.faults.proxy", f"127.0.0.1:{api}", *ways)]
        process = Process("fault proxy", argv, folder / "proxy.log")
        made = cls(process, f"http://127.0.0.1:{api}", ports)
        try:
            wait_for(lambda: call("GET", f"{made.url}/version"), "the fault proxy to answer", process=process)
            if binary:
                for name, port in upstreams.items():
                    wanted = {"name": name, "listen": listens[name], "upstream": f"127.0.0.1:{port}"}
                    call("POST", f"{made.url}/proxies", wanted)
        except BaseException:
            process.stop()
            raise
        return made

    def point(self, name: str, port: int) -> None:
        """Lead a dependency's port elsewhere; connections that stand are ended."""
        if call("GET", f"{self.url}/proxies/{name}")["upstream"] != f"127.0.0.1:{port}":
            call("POST", f"{self.url}/proxies/{name}", {"upstream": f"127.0.0.1:{port}"})

    def delay(self, name: str, seconds: float) -> None:
        """Have a dependency's answers come later from now on; by 0, as they come."""
        toxics = f"{self.url}/proxies/{name}/toxics"
        if any(toxic["name"] == DELAY for toxic in call("GET", f"{self.url}/proxies/{name}")["toxics"]):
            call("DELETE", f"{toxics}/{DELAY}")
        if seconds:
            attributes = {"latency": round(1000 * seconds), "jitter": 0}
            call("POST", toxics, {"name": DELAY, "type": "latency", "stream": "downstream", "attributes": attributes})

    def stop(self) -> None:
        """Stop it."""
        self.process.stop()
