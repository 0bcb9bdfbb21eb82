"""Instances of the reference service, and the downstream that it asks for prices."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path

from pytest_backend_audit.demo.service.seed import TENANTS
from pytest_backend_audit.demo.stack import ask, haproxy
from pytest_backend_audit.demo.stack.process import Process, free_port, python, wait_for

POOL_MAX = 8
POOL_MAX_LIFETIME, POOL_MAX_IDLE = 3, 2
"""Seconds: short, so that an audit of a stack that has just started can see connections end of old age."""


@dataclass(frozen=True, slots=True)
class Source:
    """Which code the instances run, and the commit that they tell."""

    module: str = "pytest_backend_audit.demo.service"
    path: Path | None = None
    """Folder that has the module, where it isn't the installed one."""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class Configuration:
    """What all instances are told."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    pricing_url: str
    named: bool = True
    """Whether connections name their application."""
    prepare: bool = False
    """Whether they may prepare statements."""
    defects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Identities:
    """The callers that the service knows, with tokens made for this run."""

    tokens: Mapping[str, str] = field(repr=False)

    @classmethod
    def make(cls) -> Identities:
        """Three callers: a user of either tenant, and an administrator."""
        return cls({name: secrets.token_urlsafe(24) for name in ("alice", "bob", "admin")})

    def as_environment(self) -> str:
        """What the service is told: never a token, only its digest."""
        tenants = {"alice": TENANTS[0], "bob": TENANTS[1], "admin": TENANTS[0]}
        return json.dumps(
            [
                {
                    "name": name,
                    "tenant": tenants[name],
                    "role": "admin" if name == "admin" else "user",
                    "token_sha256": sha256(token.encode()).hexdigest(),
                }
                for name, token in self.tokens.items()
            ]
        )


@dataclass(slots=True)
class Instance:
    """One instance: a name and a port that stay, and the process that has them at the moment."""

    name: str
    port: int
    folder: Path
    source: Source
    identities: Identities
    process: Process | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def launch(self, configuration: Configuration) -> Process:
        """Start it, and return at once."""
        env = _environment(self, configuration)
        self.process = Process(self.name, python(self.source.module), self.folder / f"{self.name}.log", env=env)
        return self.process

    def wait_until_ready(self) -> None:
        """Wait until it says that it can do its work."""
        wait_for(lambda: _status(f"{self.url}/readyz") == 200, f"{self.name} to be ready", process=self.process)

    def stop(self) -> None:
        """Stop it; requests in flight finish first."""
        if self.process is not None:
            self.process.stop()
            self.process = None


@dataclass(slots=True)
class Worker:
    """The worker on the service's outbox."""

    port: int
    """Where its metrics are."""
    folder: Path
    source: Source
    identities: Identities
    name: str = "orders-worker"
    process: Process | None = None

    def launch(self, configuration: Configuration) -> None:
        """Start it, and return at once; it obeys none of the service's defects."""
        env = _environment(self, replace(configuration, defects=frozenset()))
        env["ORDERS_POOL_MIN"] = "1"  # it does one thing at a time
        argv = python(f"{self.source.module}.worker")
        self.process = Process(self.name, argv, self.folder / f"{self.name}.log", env=env)

    @property
    def metrics_url(self) -> str:
        """Its metrics page."""
        return f"http://127.0.0.1:{self.port}/metrics"

    def waiting(self) -> float:
        """Messages that wait, as it has seen; not a number while it has not seen any outbox."""
        page = ask.get(self.metrics_url).raise_for_status().text
        return float(next(line for line in page.splitlines() if line.startswith("outbox_messages ")).split()[1])

    def wait_until_ready(self) -> None:
        """Wait until it has looked into the outbox."""
        wait_for(lambda: self.waiting() >= 0, f"{self.name} to look into the outbox", process=self.process)

    def stop(self) -> None:
        """Stop it; what it is telling is told first."""
        if self.process is not None:
            self.process.stop()
            self.process = None


@dataclass(slots=True)
class Downstream:
    """The pricing service."""

    process: Process
    port: int

    @classmethod
    def start(cls, folder: Path) -> Downstream:
        """Start it, and wait until it answers.

        Raises:
            StackError: It does not start.
        """
        port = free_port()
        process = Process("pricing", python("pytest_backend_audit.demo.pricing", port), folder / "pricing.log")
        made = cls(process, port)
        try:
            wait_for(lambda: _status(f"{made.url}/healthz") == 200, "the pricing service to answer", process=process)
        except BaseException:
            process.stop()
            raise
        return made

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Stop it."""
        self.process.stop()


@dataclass(slots=True)
class FrontDoor:
    """The load balancer before the instances, HAProxy or our own; its port stays when it restarts."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: Process | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, backends: Sequence[Instance], *, sticky: bool = False) -> None:
        """Start it, or start it anew, and wait until a request comes through."""
        self.stop()
        if binary := haproxy.program():
            named = [(instance.name, instance.port) for instance in backends]
            self.process = haproxy.launch(binary, self.folder, self.port, named, sticky=sticky)
        else:
            policy = "sticky" if sticky else "round-robin"
            addresses = [f"127.0.0.1:{instance.port}" for instance in backends]
            argv = python("pytest_backend_audit.demo.stack.balancer", self.port, policy, *addresses)
            self.process = Process("balancer", argv, self.folder / "balancer.log")
        wait_for(lambda: _status(f"{self.url}/healthz") == 200, "the load balancer to answer", process=self.process)

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.stop()
            self.process = None


@dataclass(slots=True)
class Traffic:
    """The background traffic."""

    folder: Path
    base_url: str
    identities: Identities
    process: Process | None = None

    def start(self, *, busy: bool = False) -> None:
        """Start it, or start it anew."""
        self.stop()
        argv = python("pytest_backend_audit.demo.stack.traffic", self.base_url, "busy" if busy else "normal")
        tokens = json.dumps(dict(self.identities.tokens))
        self.process = Process("traffic", argv, self.folder / "traffic.log", env={"TRAFFIC_TOKENS": tokens})

    def stop(self) -> None:
        """Stop it."""
        if self.process is not None:
            self.process.stop()
            self.process = None


def _environment(part: Instance | Worker, configuration: Configuration) -> dict[str, str]:
    """What a process of the service's code is told; all have a pool of one size, as audit.yaml declares."""
    path = {"PYTHONPATH": str(part.source.path)} if part.source.path else {}
    return {
        **path,
        "PGAPPNAME": "",
        "ORDERS_PORT": str(part.port),
        "ORDERS_INSTANCE": part.name,
        "ORDERS_REVISION": part.source.revision,
        "ORDERS_DATABASE_URL": configuration.database_url,
        "ORDERS_APPLICATION_NAME": part.name if configuration.named else "",
        "ORDERS_POOL_MAX": str(POOL_MAX),
        "ORDERS_POOL_MAX_LIFETIME": str(POOL_MAX_LIFETIME),
        "ORDERS_POOL_MAX_IDLE": str(POOL_MAX_IDLE),
        "ORDERS_PREPARE": "1" if configuration.prepare else "",
        "ORDERS_REDIS_URL": configuration.redis_url,
        "ORDERS_PRICING_URL": configuration.pricing_url,
        "ORDERS_IDENTITIES": part.identities.as_environment(),
        "ORDERS_DEFECTS": ",".join(sorted(configuration.defects)),
    }


def _status(url: str) -> int:
    return ask.get(url).status_code
