"""Run the pricing service: ``python -m pytest_backend_audit.demo.pricing PORT``."""

from __future__ import annotations

import json
import re
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PRICE = re.compile(r"/prices/SKU-(\d{4})")
_ARTICLES = 500
_SLOW = 0.5
"""Seconds that one article takes, whose supplier is asked each time."""


def answer(path: str) -> tuple[int, dict[str, object]]:
    """Status and body for a path."""
    if path == "/healthz":
        return 200, {"status": "ok"}
    if path == "/prices/SKU-OUTAGE":
        return 503, {"error": "the supplier of this article can't be reached"}
    if path == "/prices/SKU-SLOW":
        time.sleep(_SLOW)
        return 200, {"sku": "SKU-SLOW", "unit_price_cents": 700}
    found = _PRICE.fullmatch(path)
    if found and int(found[1]) < _ARTICLES:
        return 200, {"sku": f"SKU-{found[1]}", "unit_price_cents": 500 + int(found[1]) * 10}
    return 404, {"error": "no such article"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status, body = answer(self.path)
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def main() -> int:
    """Serve until told to stop."""
    server = _Server(("127.0.0.1", int(sys.argv[1])), _Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    with server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
