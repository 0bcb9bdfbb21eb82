"""A TCP proxy of ours that can be told to misbehave, for where there is no toxiproxy.

Run as ``python -m pytest_backend_audit.targets.faults.proxy API NAME=LISTEN=UPSTREAM...``, each an ``host:port``. It
stands between a service and its dependencies, and speaks as much of toxiproxy's API as faults need: latency, timeout
and reset_peer, down and up, and another upstream. Beyond toxiproxy a toxic may have a ``lease``: seconds after which it
goes by itself.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from pytest_backend_audit.targets.faults.proxying import (
    ATTRIBUTES,
    TO_CLIENT,
    TO_SERVER,
    Proxy,
    RefusedError,
    Toxic,
    address,
)

VERSION = "backend-audit"
"""What it tells where toxiproxy tells its version: whoever asks learns which of the two it is."""
ANSWER_TIMEOUT = 10.0
BODY_LIMIT = 64 * 1024


@dataclass(slots=True)
class Api:
    """Answers as toxiproxy does."""

    proxies: dict[str, Proxy]

    async def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON for a request.

        Raises:
            RefusedError: It makes no sense.
        """
        if (method, path) == ("GET", "/version"):
            return 200, {"version": VERSION}
        if (method, path) == ("GET", "/proxies"):
            return 200, {name: proxy.told() for name, proxy in self.proxies.items()}
        found = re.fullmatch(r"/proxies/([^/]+)(/toxics(?:/([^/]+))?)?", path)
        if found is None:
            raise RefusedError(f"no such path: {path}", 404)
        proxy = self.proxies.get(found[1])
        if proxy is None:
            raise RefusedError("proxy not found", 404)
        if found[2] is None:
            return await self._proxy(method, proxy, body)
        return self._toxics(method, proxy, found[3], body)

    async def _proxy(self, method: str, proxy: Proxy, body: Any) -> tuple[int, Any]:
        if method in {"POST", "PATCH"}:
            wanted = _mapping(body)
            if "upstream" in wanted:
                proxy.upstream = address(str(wanted["upstream"]))
                await proxy.down()
                await proxy.up()
            if "enabled" in wanted:
                await (proxy.up() if wanted["enabled"] else proxy.down())
        elif method != "GET":
            raise RefusedError(f"{method} is not understood here", 405)
        return 200, proxy.told()

    def _toxics(self, method: str, proxy: Proxy, name: str | None, body: Any) -> tuple[int, Any]:
        if name is None and method == "POST":
            toxic, lease = _toxic(_mapping(body))
            proxy.add(toxic, lease)
            return 200, {**toxic.told(), "lease": lease}
        if name is None and method == "GET":
            return 200, [t.told() for t in proxy.toxics.values()]
        if name is not None and method == "DELETE":
            proxy.remove(name)
            return 204, None
        if name is not None and method == "GET":
            if name not in proxy.toxics:
                raise RefusedError("toxic not found", 404)
            return 200, proxy.toxics[name].told()
        raise RefusedError(f"{method} is not understood here", 405)


def _mapping(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, Mapping):
        raise RefusedError("the body is no JSON object")
    return body


def _toxic(wanted: Mapping[str, Any]) -> tuple[Toxic, float]:
    kind = str(wanted.get("type", ""))
    if kind not in ATTRIBUTES:
        raise RefusedError(f"type {kind!r} is not known; there are {', '.join(ATTRIBUTES)}")
    stream = str(wanted.get("stream") or TO_CLIENT)
    if stream not in {TO_CLIENT, TO_SERVER}:
        raise RefusedError(f"stream {stream!r} is neither {TO_CLIENT} nor {TO_SERVER}")
    given = _mapping(wanted.get("attributes") or {})
    # Unlike toxiproxy, which takes a misspelt attribute for nothing.
    if unknown := sorted(set(given) - set(ATTRIBUTES[kind])):
        raise RefusedError(f"attribute {unknown[0]!r} is not known; {kind} has {', '.join(ATTRIBUTES[kind])}")
    try:
        attributes = {name: float(given.get(name, 0)) for name in ATTRIBUTES[kind]}
        toxicity, lease = float(wanted.get("toxicity", 1)), float(wanted.get("lease", 0))
    except (TypeError, ValueError):
        raise RefusedError("attributes, toxicity and lease are numbers") from None
    if min(*attributes.values(), lease, toxicity) < 0 or toxicity > 1:
        raise RefusedError("attributes and lease are not below 0, and toxicity lies between 0 and 1")
    return Toxic(str(wanted.get("name") or f"{kind}_{stream}"), kind, stream, toxicity, attributes), lease


def _handler(do: Callable[[Awaitable[tuple[int, Any]]], tuple[int, Any]], api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), BODY_LIMIT)
            text = self.rfile.read(length)
            try:
                status, told = do(api.answer(self.command, self.path, json.loads(text) if text else None))
            except RefusedError as error:
                status, told = error.status, {"error": str(error), "status": error.status}
            except (ValueError, OSError) as error:
                status, told = 400, {"error": str(error), "status": 400}
            data = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            if told is not None:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    return Handler


async def _main(api_address: tuple[str, int], given: Sequence[tuple[str, tuple[str, int], tuple[str, int]]]) -> None:
    loop = asyncio.get_running_loop()
    proxies = {name: Proxy(name, listen, upstream, loop) for name, listen, upstream in given}
    for proxy in proxies.values():
        await proxy.up()

    def do(work: Awaitable[tuple[int, Any]]) -> tuple[int, Any]:
        async def bounded() -> tuple[int, Any]:
            return await work

        return asyncio.run_coroutine_threadsafe(bounded(), loop).result(ANSWER_TIMEOUT)

    server = ThreadingHTTPServer(api_address, _handler(do, Api(proxies)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()
    for proxy in proxies.values():
        await proxy.down()
    await asyncio.to_thread(server.shutdown)


def main(argv: Sequence[str]) -> int:
    """Stand between until told to stop."""
    try:
        api, *rest = argv
        given = []
        for text in rest:
            name, listen, upstream = text.split("=")
            given.append((name, address(listen), address(upstream)))
        pair = address(api)
    except ValueError as error:
        sys.stderr.write(f"faults.proxy: {error}; arguments are API NAME=LISTEN=UPSTREAM..., each host:port\n")
        return 2
    asyncio.run(_main(pair, given))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
