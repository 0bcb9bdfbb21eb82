"""Restarts from outside: what an audit's command asks for, the stack does, since its parts are its children."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Control:
    """Listens on loopback for ``POST /restart/NAME``; answers when the part is up again."""

    def __init__(self, restarts: Mapping[str, Callable[[], None]]) -> None:
        """Begin to listen.

        Args:
            restarts: Part -> what restarts it.
        """
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(restarts, threading.Lock()))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _handler(restarts: Mapping[str, Callable[[], None]], one_at_a_time: threading.Lock) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            restart = restarts.get(self.path.removeprefix("/restart/"))
            if restart is None:
                self._answer(404, f"there is no such part; there are: {', '.join(restarts)}")
                return
            try:
                with one_at_a_time:
                    restart()
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller is to hear of it
                self._answer(500, str(error))
            else:
                self._answer(200, "restarted")

        def _answer(self, status: int, text: str) -> None:
            data = f"{text}\n".encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler
