"""The stack's own door: restarts that an audit's command asks for, since the parts are its children, and its pager."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Control:
    """Listens on loopback: ``POST /restart/NAME`` answers when the part is up again, ``POST /page`` notes a page."""

    def __init__(self, restarts: Mapping[str, Callable[[], None]]) -> None:
        """Begin to listen.

        Args:
            restarts: Part -> what restarts it.
        """
        self.pages: list[Any] = []
        """What Alertmanager has sent, the oldest first."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(restarts, self.pages, threading.Lock()))
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


def _handler(
    restarts: Mapping[str, Callable[[], None]], pages: list[Any], one_at_a_time: threading.Lock
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path == "/page":
                pages.append(json.loads(text))
                self._answer(200, "noted")
                return
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
