"""Sends HTTP/1.1 requests at a constant rate, or all at once, and times each.

Run as ``python -I generator.py``, a process of its own: what the check does meanwhile must not delay a request. It
reads its job, one line of JSON, from standard input, and writes the samples, one JSON document, to standard output.
When standard input ends, whoever asked has gone, and it stops at once; a line ``stop`` ends the run early.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import resource
import select
import selectors
import ssl
import sys
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import h11

LEAD = 0.02
"""Seconds between being ready and the first request."""
READ_LIMIT = 4 * 1024 * 1024
"""Bytes of one answer that are read."""
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(slots=True)
class Request:
    """What is sent, and where to."""

    host: str
    port: int
    tls: bool
    head: h11.Request
    body: bytes


@dataclass(slots=True, eq=False)
class Exchange:
    """One request on its way, and what became of it."""

    kind: int
    request: Request
    due: float
    fired: float = 0.0
    sent: float = 0.0
    done: float = 0.0
    status: int = 0
    error: str = ""
    again: bool = False
    connection: Connection | None = None
    timer: asyncio.TimerHandle | None = None

    def finish(self, now: float, error: str = "") -> None:
        """It is over."""
        if self.done:
            return
        self.done = now
        self.error = error
        if error:
            self.status = 0
        if self.timer is not None:
            self.timer.cancel()


class Connection(asyncio.Protocol):
    """One connection: carries one exchange at a time."""

    __slots__ = ("_clock", "_heard", "_http", "_pool", "exchange", "transport", "used")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._clock = pool.loop.time
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=256 * 1024)
        self.exchange: Exchange | None = None
        self.transport: asyncio.Transport | None = None
        self.used = False
        self._heard = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self.transport = transport  # type: ignore[assignment]

    def send(self, exchange: Exchange) -> None:
        """Send a request; the connection is idle."""
        request, http = exchange.request, self._http
        self.exchange, exchange.connection, self._heard = exchange, self, 0
        data = http.send(request.head) or b""
        if request.body:
            data += http.send(h11.Data(request.body)) or b""
        data += http.send(h11.EndOfMessage()) or b""
        assert self.transport is not None
        exchange.sent = self._clock()
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        """A part of an answer."""
        now = self._clock()  # before it is looked at, which is our time and not the service's
        self._heard += len(data)
        if self._heard > READ_LIMIT:
            self._fail(now, f"answers more than {READ_LIMIT // 2**20} MiB")
            return
        try:
            self._http.receive_data(data)
            self._take(now)
        except h11.RemoteProtocolError as error:
            self._fail(now, f"no HTTP: {error}")

    def eof_received(self) -> None:
        """An answer without a length ends so."""
        with contextlib.suppress(h11.RemoteProtocolError):
            self._http.receive_data(b"")
            self._take(self._clock())

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._fail(self._clock(), told(exc) if exc is not None else "closed before an answer")
        self._pool.gone(self)

    def abort(self) -> None:
        """Close it, whatever is under way."""
        if self.transport is not None:
            self.transport.abort()

    def _take(self, now: float) -> None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Response) and self.exchange is not None:
                self.exchange.status = event.status_code
            elif isinstance(event, h11.EndOfMessage):
                self._complete(now)
                return
            elif event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return

    def _complete(self, now: float) -> None:
        exchange, self.exchange = self.exchange, None
        if exchange is not None:
            exchange.finish(now)
        try:
            self._http.start_next_cycle()
        except h11.LocalProtocolError:  # either side wants it closed
            self.abort()
            return
        self.used = True
        self._pool.idle_again(self)

    def _fail(self, now: float, error: str) -> None:
        exchange, self.exchange = self.exchange, None
        if exchange is None or exchange.done:
            return
        # A server may close an idle connection in the very moment in which we use it: then it has done nothing.
        if self.used and not self._heard and not exchange.again and exchange.request.head.method.decode() in REPEATABLE:
            exchange.again = True
            exchange.connection = None
            self._pool.carry(exchange, fresh=True)
        else:
            exchange.finish(now, error)
        self.abort()


@dataclass(slots=True)
class Pool:
    """All connections to one server."""

    loop: asyncio.AbstractEventLoop
    host: str
    port: int
    context: ssl.SSLContext | None
    most: int
    idle: list[Connection] = field(default_factory=list)
    waiting: deque[Exchange] = field(default_factory=deque)
    open: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def carry(self, exchange: Exchange, *, fresh: bool = False) -> None:
        """Send it on an idle connection, on a new one, or when one gets free."""
        while self.idle and not fresh:
            connection = self.idle.pop()
            if connection.transport is not None and not connection.transport.is_closing():
                connection.send(exchange)
                return
        if self.open < self.most or fresh:
            self.start(self._on_new(exchange))
        else:
            self.waiting.append(exchange)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something happen meanwhile."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def idle_again(self, connection: Connection) -> None:
        """A connection has done its work."""
        while self.waiting:
            exchange = self.waiting.popleft()
            if not exchange.done:
                connection.send(exchange)
                return
        self.idle.append(connection)

    def gone(self, connection: Connection) -> None:
        """A connection has ended."""
        self.open -= 1
        with contextlib.suppress(ValueError):
            self.idle.remove(connection)
        while self.waiting:
            exchange = self.waiting.popleft()
            if not exchange.done:
                self.carry(exchange)
                return

    async def connect(self) -> Connection:
        """A new connection.

        Raises:
            OSError: There is none to be had.
        """
        self.open += 1
        try:
            _, made = await self.loop.create_connection(
                lambda: Connection(self), self.host, self.port, ssl=self.context
            )
        except BaseException:
            self.open -= 1
            raise
        return made

    async def _on_new(self, exchange: Exchange) -> None:
        try:
            made = await self.connect()
        except (OSError, ssl.SSLError) as error:
            exchange.finish(self.loop.time(), told(error))
            return
        if exchange.done:  # given up meanwhile
            self.idle_again(made)
        else:
            made.send(exchange)


class Run:
    """One job."""

    def __init__(self, job: dict[str, Any]) -> None:
        self.loop = asyncio.get_running_loop()
        self.job = job
        self.requests = [_request(r) for r in job["requests"]]
        self.pattern: list[int] = job["pattern"]
        self.exchanges: list[Exchange] = []
        self.stopped = asyncio.Event()
        self.begun = 0.0
        context = ssl.create_default_context(cafile=job["ca"]) if any(r.tls for r in self.requests) else None
        self.pools = {
            (r.host, r.port, r.tls): Pool(self.loop, r.host, r.port, context if r.tls else None, job["connections"])
            for r in self.requests
        }

    def pool_of(self, request: Request) -> Pool:
        """The connections to its server."""
        return self.pools[request.host, request.port, request.tls]

    async def at_a_rate(self) -> None:
        """Send each when it is due, whatever became of those before."""
        rate, count = self.job["rate"], self.job["count"]
        self.begun = self.loop.time() + LEAD
        for n in range(count):
            due = self.begun + n / rate
            while (left := due - self.loop.time()) > 0 and not self.stopped.is_set():
                await asyncio.sleep(min(0.1, left))
            if self.stopped.is_set():
                return
            exchange = self._made(n, due)
            exchange.fired = self.loop.time()
            self.pool_of(exchange.request).carry(exchange)
            if n % 16 == 15:  # when late, hear answers in between
                await asyncio.sleep(0)

    async def at_once(self) -> None:
        """Open all connections first, so that the requests themselves meet."""
        count = self.job["count"]
        kinds = [self.pattern[n % len(self.pattern)] for n in range(count)]
        pools = [self.pool_of(self.requests[kind]) for kind in kinds]
        opened = await asyncio.gather(*(self._opened(pool) for pool in pools))
        self.begun = self.loop.time()
        for n, made in enumerate(opened):
            exchange = self._made(n, self.begun)
            exchange.fired = exchange.sent = self.loop.time()
            if isinstance(made, Connection):
                made.send(exchange)
            else:
                exchange.finish(self.loop.time(), made)

    async def _opened(self, pool: Pool) -> Connection | str:
        try:
            return await asyncio.wait_for(pool.connect(), self.job["timeout"])
        except TimeoutError:
            return "no connection in time"
        except (OSError, ssl.SSLError) as error:
            return told(error)

    def _made(self, number: int, due: float) -> Exchange:
        kind = self.pattern[number % len(self.pattern)]
        exchange = Exchange(kind, self.requests[kind], due)
        exchange.timer = self.loop.call_at(due + self.job["timeout"], self._give_up, exchange)
        self.exchanges.append(exchange)
        return exchange

    def _give_up(self, exchange: Exchange) -> None:
        exchange.finish(self.loop.time(), "timed out")
        if exchange.connection is not None:
            exchange.connection.exchange = None
            exchange.connection.abort()

    async def end(self) -> None:
        """Wait for what is under way; each has its timeout."""
        while any(not e.done for e in self.exchanges):
            await asyncio.sleep(0.005)
        for pool in self.pools.values():
            for connection in pool.idle:
                connection.abort()

    def result(self) -> dict[str, Any]:
        """What is told to whoever asked."""
        rows = [
            [e.kind, *(round(t - self.begun, 7) for t in (e.due, e.fired, e.sent or e.done, e.done)), e.status, e.error]
            for e in self.exchanges
        ]
        return {"samples": rows, "cut": self.job["count"] - len(rows)}


def told(error: BaseException) -> str:
    """An error in a few words, the same for all of its kind."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return "connection reset"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _request(given: dict[str, Any]) -> Request:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given["headers"]]
    head = h11.Request(method=given["method"], target=given["target"], headers=headers)
    return Request(given["host"], given["port"], given["tls"], head, base64.b64decode(given["body"]))


def _loop() -> asyncio.AbstractEventLoop:
    if not hasattr(selectors, "EpollSelector"):
        return asyncio.SelectorEventLoop()

    class Fine(selectors.EpollSelector):
        """Waits to the microsecond: epoll's own timeout is in whole milliseconds, which is half a fast answer."""

        def select(self, timeout: float | None = None) -> Any:
            if timeout is not None and timeout > 0:
                select.select([self.fileno()], [], [], timeout)
                timeout = 0
            return super().select(timeout)

    return asyncio.SelectorEventLoop(Fine())


def _more_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


async def _main(job: dict[str, Any]) -> None:
    run = Run(job)

    def heard() -> None:
        data = os.read(0, 4096)
        if not data:
            os._exit(1)
        run.stopped.set()

    run.loop.add_reader(0, heard)
    await (run.at_a_rate() if job["rate"] else run.at_once())
    await run.end()
    run.loop.remove_reader(0)
    sys.stdout.write(json.dumps(run.result()))
    sys.stdout.flush()


def main() -> None:
    """Do the job that standard input tells."""
    line = bytearray()
    while not line.endswith(b"\n"):
        # Byte for byte from the descriptor: what comes behind the job is for the loop.
        data = os.read(0, 1)
        if not data:
            return
        line += data
    _more_files()
    loop = _loop()
    try:
        loop.run_until_complete(_main(json.loads(line)))
    finally:
        loop.close()


if __name__ == "__main__":
    main()
