"""A TCP proxy that can be told to misbehave: connections, and what is wrong with them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections import deque
from dataclasses import dataclass, field
from typing import Any

CONNECT_TIMEOUT = 5.0
ATTRIBUTES = {"latency": ("latency", "jitter"), "timeout": ("timeout",), "reset_peer": ("timeout",)}
"""Kind of toxic -> its attributes, milliseconds all."""
TO_CLIENT, TO_SERVER = "downstream", "upstream"


class RefusedError(ValueError):
    """A request to the API makes no sense; `status` goes into the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(slots=True)
class Toxic:
    """Something that is wrong with a proxy's connections."""

    name: str
    type: str
    stream: str
    toxicity: float
    attributes: dict[str, float]
    timer: asyncio.TimerHandle | None = None

    def told(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "name": self.name,
            "type": self.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
            "attributes": self.attributes,
        }


class Side(asyncio.Protocol):
    """One end of a proxied connection; what it hears goes to the other end, as the toxics will."""

    def __init__(self, link: Link, stream: str) -> None:
        self.link = link
        self.stream = stream
        """Where what this side hears is going."""
        self.transport: asyncio.Transport | None = None
        self.other: Side | None = None
        self._queue: deque[tuple[float, bytes]] = deque()
        self._due = 0.0
        self._ended = False
        self._early: list[bytes] = []
        self.swallowed = False
        """Whether a toxic has kept something: what follows makes no sense to the other side any more."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand it on, later, or never."""
        if self.other is None or self.other.transport is None:
            self._early.append(data)
            return
        if self.swallowed or self.link.has("timeout", self.stream):
            self.swallowed = True
            return
        delay = self.link.delay(self.stream)
        if not delay and not self._queue:
            self._write(data)
            return
        self._later(delay, data)

    def joined(self) -> None:
        """The other side stands now as well."""
        early, self._early = self._early, []
        for data in early:
            self.data_received(data)

    def eof_received(self) -> bool:
        """The other side hears of it after what came before."""
        self._ended = True
        if not self._queue and not self.swallowed:
            self._write(b"")
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """End the other side too, once it has what is still on its way."""
        if not self._queue:
            self.link.end(hard=exc is not None)

    def pause_writing(self) -> None:
        """This side can't keep up: hear less from the other."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """It can again."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def _later(self, delay: float, data: bytes) -> None:
        loop = self.link.loop
        self._due = max(self._due, loop.time() + delay)  # in its order, whatever the jitter
        self._queue.append((self._due, data))
        if len(self._queue) == 1:
            loop.call_at(self._due, self._next)

    def _next(self) -> None:
        _, data = self._queue.popleft()
        self._write(data)
        if self._queue:
            self.link.loop.call_at(self._queue[0][0], self._next)
        elif self._ended:
            self._write(b"")
        elif self.transport is not None and self.transport.is_closing():
            self.link.end()

    def _write(self, data: bytes) -> None:
        target = self.other.transport if self.other is not None else None
        if target is None or target.is_closing():
            return
        if data:
            target.write(data)
        elif self.other is not None and self.other._ended and not self.other._queue:
            self.link.end()
        elif target.can_write_eof():
            with contextlib.suppress(OSError):
                target.write_eof()


class Link:
    """A client, a server, and what is between them."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.loop = proxy.loop
        self.client = Side(self, TO_SERVER)
        self.server = Side(self, TO_CLIENT)
        self._struck: dict[str, bool] = {}

    def struck(self, toxic: Toxic) -> bool:
        """Whether a toxic is about this connection: drawn once, as toxiproxy does."""
        return self._struck.setdefault(toxic.name, random.random() < toxic.toxicity)  # noqa: S311 - no secret

    def forget(self, toxic: Toxic) -> None:
        """A toxic has gone."""
        self._struck.pop(toxic.name, None)

    def has(self, kind: str, stream: str) -> bool:
        """Whether such a toxic is about this connection."""
        return any(t.type == kind and t.stream == stream and self.struck(t) for t in self.proxy.toxics.values())

    def delay(self, stream: str) -> float:
        """Seconds that data has to wait."""
        found = 0.0
        for toxic in self.proxy.toxics.values():
            if toxic.type == "latency" and toxic.stream == stream and self.struck(toxic):
                jitter = toxic.attributes.get("jitter", 0)
                found += (toxic.attributes["latency"] + random.uniform(-jitter, jitter)) / 1000  # noqa: S311 - no secret
        return max(0.0, found)

    async def run(self, client: socket.socket) -> None:
        """Join a client that was accepted with the server."""
        host, port = self.proxy.upstream
        self.server.other, self.client.other = self.client, self.server
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self.loop.create_connection(lambda: self.server, host, port)
        except (OSError, TimeoutError):
            _reset(client)
            client.close()
            self.end()
            return
        if self not in self.proxy.links:  # ended meanwhile
            client.close()
            self.end(hard=True)
            return
        await self.loop.connect_accepted_socket(lambda: self.client, client)
        self.server.joined()
        self.proxy.strike(self)

    def end(self, *, hard: bool = False) -> None:
        """End both sides; hard means by a reset."""
        self.proxy.links.discard(self)
        for side in (self.client, self.server):
            transport = side.transport
            if transport is None:
                continue
            if hard:
                _reset(transport.get_extra_info("socket"))
                transport.abort()
            elif not transport.is_closing():
                transport.close()


@dataclass(slots=True)
class Proxy:
    """One listening port, and the server behind it."""

    name: str
    listen: tuple[str, int]
    upstream: tuple[str, int]
    loop: asyncio.AbstractEventLoop
    toxics: dict[str, Toxic] = field(default_factory=dict)
    links: set[Link] = field(default_factory=set)
    listener: socket.socket | None = None
    task: asyncio.Task[None] | None = None
    joining: set[asyncio.Task[None]] = field(default_factory=set)

    async def up(self) -> None:
        """Listen."""
        if self.listener is None:
            family = socket.AF_INET6 if ":" in self.listen[0] else socket.AF_INET
            self.listener = socket.create_server(self.listen, family=family, backlog=512)
            self.listener.setblocking(False)
            self.task = self.loop.create_task(self._accept(self.listener))

    async def down(self) -> None:
        """Refuse connections, and end those that stand."""
        if self.listener is not None and self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.listener.close()
            self.listener = None
        for link in list(self.links):
            link.end(hard=True)

    def strike(self, link: Link) -> None:
        """Let a toxic that ends connections do so."""
        for toxic in self.toxics.values():
            if toxic.type in {"reset_peer", "timeout"} and link.struck(toxic):
                after = toxic.attributes["timeout"] / 1000
                if after:
                    self.loop.call_later(after, self._if_still, toxic, link)
                elif toxic.type == "reset_peer":  # now: a fast server has answered within the next turn of the loop
                    self._if_still(toxic, link)

    def add(self, toxic: Toxic, lease: float) -> None:
        """Begin to misbehave."""
        if toxic.name in self.toxics:
            raise RefusedError(f"toxic {toxic.name} already exists", 409)
        self.toxics[toxic.name] = toxic
        if lease:
            toxic.timer = self.loop.call_later(lease, self.remove, toxic.name)
        for link in list(self.links):
            self.strike(link)

    def remove(self, name: str) -> None:
        """Behave again. Connections of which something was kept are ended."""
        toxic = self.toxics.pop(name, None)
        if toxic is None:
            raise RefusedError("toxic not found", 404)
        if toxic.timer is not None:
            toxic.timer.cancel()
        for link in list(self.links):
            link.forget(toxic)
            if toxic.type == "timeout" and (link.client.swallowed or link.server.swallowed):
                link.end(hard=True)

    def told(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "name": self.name,
            "listen": shown(self.listen),
            "upstream": shown(self.upstream),
            "enabled": self.listener is not None,
            "toxics": [t.told() for t in self.toxics.values()],
        }

    def _if_still(self, toxic: Toxic, link: Link) -> None:
        if self.toxics.get(toxic.name) is toxic and link in self.links:
            link.end(hard=True)

    async def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = await self.loop.sock_accept(listener)
            except OSError:  # too many files: those that end make room
                await asyncio.sleep(0.05)
                continue
            link = Link(self)
            self.links.add(link)
            joining = self.loop.create_task(link.run(client))
            self.joining.add(joining)
            joining.add_done_callback(self.joining.discard)


def address(text: str) -> tuple[str, int]:
    """``host:port`` as a pair.

    Raises:
        RefusedError: It is none.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise RefusedError(f"{text!r} is no host:port")
    return host.strip("[]"), int(port)


def shown(pair: tuple[str, int]) -> str:
    """The pair as text."""
    return f"[{pair[0]}]:{pair[1]}" if ":" in pair[0] else f"{pair[0]}:{pair[1]}"


def _reset(connection: socket.socket) -> None:
    """Have it end with a reset when it is closed."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
