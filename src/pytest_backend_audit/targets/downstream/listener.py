"""An HTTP listener that notes what comes, and answers it: from elsewhere, or as it is told to."""

from __future__ import annotations

import http.client
import socket
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes of a request, or of an answer that is handed on."""
ARRIVALS_LIMIT = 20_000
"""Arrivals that are kept; what comes after is answered, and counted only."""
SHOWN = 20
"""Arrivals that evidence shows one by one."""
TIMEOUT = 10.0
"""Seconds that somewhere else may take to answer."""
PROBE = "backend-audit-probe"
"""User agent of the audit's own question whether this listener is reached; it counts for nothing."""
_HOP_BY_HOP = frozenset(
    {"connection", "content-length", "date", "keep-alive", "server", "te", "trailer", "transfer-encoding", "upgrade"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests go on to."""

    host: str
    port: int
    tls: bool = False
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """How requests are answered."""

    forward: Place | None = None
    status: int | None = None
    """Instead of forwarding; 200 where there is nowhere to forward to."""
    body: str = ""
    """JSON of that answer."""
    delay: float = 0.0
    """Seconds that every answer is held back."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that came."""

    at: float
    """On the monotonic clock, seconds."""
    connection: int
    """Number of the connection that it came on, from 1."""
    method: str
    target: str
    """Path and query."""
    headers: tuple[tuple[str, str], ...]
    size: int
    """Bytes of its body."""

    def header(self, name: str) -> str | None:
        """The value of a header, whatever its case; None without it."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)


@dataclass(slots=True)
class Heard:
    """What a listener has heard so far; it goes on growing while the block runs."""

    address: str
    """``host:port`` where it listens."""
    arrivals: list[Arrival] = field(default_factory=list)
    more: int = 0
    """Arrivals beyond those that are kept."""
    connections: int = 0
    """Connections that were opened to it."""
    probes: int = 0
    """The audit's own questions."""

    @property
    def requests(self) -> int:
        """All arrivals."""
        return len(self.arrivals) + self.more

    def per_connection(self) -> dict[int, int]:
        """Number of a connection -> requests on it; connections without any are left out."""
        return dict(Counter(a.connection for a in self.arrivals))

    def lines(self) -> list[str]:
        """For people: values of headers are left out, they may be anybody's."""
        most = max(self.per_connection().values(), default=0)
        found = [f"{self.requests} requests on {self.connections} connections, at most {most} on one"]
        begun = self.arrivals[0].at if self.arrivals else 0.0
        for arrival in self.arrivals[:SHOWN]:
            names = ", ".join(name for name, _ in arrival.headers)
            path = arrival.target.partition("?")[0]
            when = f"+{arrival.at - begun:.3f} s, connection {arrival.connection}"
            found.append(f"{when}: {arrival.method} {path} ({names})")
        if self.requests > SHOWN:
            found.append(f"and {self.requests - SHOWN} more")
        return found


class Listener:
    """Listens while its block runs."""

    def __init__(self, host: str, port: int, reply: Reply) -> None:
        """Bind.

        Raises:
            OSError: The address is taken, or not ours.
        """
        self.reply = reply
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._numbers = 0
        self._server = _Server((host, port), _handler(self))
        self.heard = Heard(f"{host}:{self._server.server_address[1]}")
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        with self._lock:
            left = list(self._open)
        for connection in left:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def opened(self, connection: socket.socket) -> int:
        """A connection has come; its number."""
        with self._lock:
            self._open.add(connection)
            self._numbers += 1
            self.heard.connections += 1
            return self._numbers

    def closed(self, connection: socket.socket) -> None:
        """It has gone."""
        with self._lock:
            self._open.discard(connection)

    def probed(self) -> None:
        """The audit itself has asked, on a connection of its own."""
        with self._lock:
            self.heard.probes += 1
            self.heard.connections -= 1

    def arrived(self, arrival: Arrival) -> None:
        """A request has come."""
        with self._lock:
            if len(self.heard.arrivals) < ARRIVALS_LIMIT:
                self.heard.arrivals.append(arrival)
            else:
                self.heard.more += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no trouble of ours; anything else is told as usual."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _handler(listener: Listener) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 120
        number = 0
        onward: http.client.HTTPConnection | None = None

        def setup(self) -> None:
            super().setup()
            self.number = listener.opened(self.connection)

        def finish(self) -> None:
            listener.closed(self.connection)
            if self.onward is not None:
                self.onward.close()
            super().finish()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

        def _serve(self) -> None:
            at = time.monotonic()
            if self.headers.get("User-Agent") == PROBE:
                listener.probed()
                self.close_connection = True
                self._answer(204, [], b"")
                return
            body = self._body()
            headers = tuple(self.headers.items())
            listener.arrived(Arrival(at, self.number, self.command, self.path, headers, len(body)))
            reply = listener.reply
            if reply.delay:
                time.sleep(reply.delay)
            if reply.forward is None or reply.status is not None:
                kind = [("Content-Type", "application/json")] if reply.body else []
                self._answer(reply.status or 200, kind, reply.body.encode())
                return
            try:
                self._answer(*self._elsewhere(reply.forward, body))
            except (OSError, http.client.HTTPException):
                self.onward = None
                self._answer(502, [], b"")

        do_GET = do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base's

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                return self._chunks()
            return self.rfile.read(min(int(self.headers.get("Content-Length") or 0), BODY_LIMIT))

        def _chunks(self) -> bytes:
            found = bytearray()
            while size := int(self.rfile.readline(100).partition(b";")[0], 16):
                found += self.rfile.read(min(size, BODY_LIMIT))
                self.rfile.readline(100)
                if len(found) > BODY_LIMIT:
                    self.close_connection = True
                    break
            else:
                while self.rfile.readline(8192).strip():  # trailers
                    pass
            return bytes(found)

        def _elsewhere(self, place: Place, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            if self.onward is None:
                kind = http.client.HTTPSConnection if place.tls else http.client.HTTPConnection
                self.onward = kind(place.host, place.port, timeout=TIMEOUT)
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
            self.onward.request(self.command, place.prefix + self.path, body or None, headers)
            answer = self.onward.getresponse()
            data = answer.read(BODY_LIMIT)
            return answer.status, [(k, v) for k, v in answer.getheaders() if k.lower() not in _HOP_BY_HOP], data

        def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            if status not in {204, 304}:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD" and body:
                self.wfile.write(body)

    return Handler
