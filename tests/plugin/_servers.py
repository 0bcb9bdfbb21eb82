"""HTTP servers on loopback, of the tests' own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def http_server(answer: Answer) -> Iterator[int]:
    """Answer every request by `answer`; gives the port."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT"):
        setattr(Handler, f"do_{method}", Handler.answer)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def says(body: bytes, kind: str = "text/plain", status: int = 200, **headers: str) -> Answer:
    """The same answer to everything."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def echo(request: BaseHTTPRequestHandler) -> None:
    """Give back whatever came in, in body and headers, as debugging endpoints do."""
    sent = request.rfile.read(int(request.headers.get("Content-Length", 0))).decode()
    body = json.dumps({"path": request.path, "headers": dict(request.headers), "body": sent}).encode()
    told = {"X_Path": request.path, "X_Seen": request.headers.get("Cookie", "none")}
    says(body, "application/json", **told)(request)
