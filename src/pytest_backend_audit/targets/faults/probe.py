"""A connection of the audit's own to a dependency: whether it answers, and how fast, without knowing any password.

Each protocol has a first word that a server answers to everybody.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from enum import StrEnum

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""PostgreSQL's question whether there is TLS; a server answers with one byte, a pooler too."""
FIRST_WORDS = {
    "postgres": SSL_REQUEST,
    "redis": b"PING\r\n",
    "http": b"OPTIONS * HTTP/1.1\r\nHost: audit\r\nUser-Agent: backend-audit-probe\r\nConnection: close\r\n\r\n",
}
PROTOCOLS = (*FIRST_WORDS, "tls")
"""What `Probe` can speak; of TLS the handshake."""


class Answer(StrEnum):
    """How a round trip ended."""

    ANSWERED = "answered"
    REFUSED = "refused"
    """No connection."""
    LOST = "lost"
    """The connection broke, or was closed without a word."""
    SILENT = "silent"
    """Nothing came in time."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One round trip."""

    answer: Answer
    seconds: float
    """From the first word to its answer, or to the end of waiting."""

    def __str__(self) -> str:
        if self.answer is Answer.ANSWERED:
            return f"answered in {1000 * self.seconds:.1f} ms"
        if self.answer is Answer.SILENT:
            return f"silent for {self.seconds:.1f} s"
        return "connection refused" if self.answer is Answer.REFUSED else "connection lost"


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks one server."""

    host: str
    port: int
    protocol: str

    @property
    def address(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    def ask(self, timeout: float) -> Seen:
        """One round trip on a new connection.

        Args:
            timeout: Seconds, of connecting and of waiting each.
        """
        begun = time.monotonic()
        try:
            connection = socket.create_connection((self.host, self.port), timeout)
        except TimeoutError:
            return Seen(Answer.SILENT, time.monotonic() - begun)
        except ConnectionResetError:  # it was there, and ended before we noticed that it was
            return Seen(Answer.LOST, time.monotonic() - begun)
        except OSError:
            return Seen(Answer.REFUSED, time.monotonic() - begun)
        with connection:
            begun = time.monotonic()
            try:
                heard = self._exchange(connection)
            except TimeoutError:
                return Seen(Answer.SILENT, time.monotonic() - begun)
            except OSError:
                return Seen(Answer.LOST, time.monotonic() - begun)
            return Seen(Answer.ANSWERED if heard else Answer.LOST, time.monotonic() - begun)

    def held(self, timeout: float) -> Held:
        """A connection that stays open, to see it end.

        Raises:
            OSError: There is none to be had.
        """
        return Held(socket.create_connection((self.host, self.port), timeout))

    def _exchange(self, connection: socket.socket) -> bool:
        if self.protocol == "tls":
            context = ssl.create_default_context()
            # Nothing is told to the server or believed of it: only how long it takes.
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(connection, server_hostname=self.host):
                return True
        connection.sendall(FIRST_WORDS[self.protocol])
        return bool(connection.recv(1))


class Held:
    """A connection on which nothing is said."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def ended(self, within: float) -> bool:
        """Whether the other side ends it in time."""
        self._connection.settimeout(max(0.001, within))
        try:
            return not self._connection.recv(1)
        except TimeoutError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """End it ourselves."""
        with contextlib.suppress(OSError):
            self._connection.close()
