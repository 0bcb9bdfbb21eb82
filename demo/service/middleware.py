"""What happens around every request: its id, log line and metrics, the caller's identity, the security headers.

Plain ASGI, outside of the framework, so that answers to errors pass through here too.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import error_response
from .logs import REQUEST, REQUEST_ID
from .metrics import Metrics
from .settings import Identity

log = logging.getLogger("orders.access")

SECURITY_HEADERS: Mapping[str, str] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
UNCOUNTED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Probes and scrapes are nobody's experience of the service; they would drown the figures of real routes."""
SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class SecurityHeaders:
    """Adds the headers that tell a browser what it must not do with our answers."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str] = SECURITY_HEADERS) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and complete its answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class RequestScope:
    """Gives each request an id, a log line and its place in the metrics; no exception leaves here."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and account for it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("x-request-id", "")
        request_id = told if SAFE_ID.fullmatch(told) else uuid.uuid4().hex
        token, held = REQUEST_ID.set(request_id), REQUEST.set(scope)
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        try:
            # The framework has answered and logged whatever went wrong before it raises it again.
            with suppress(Exception):
                await self._app(scope, receive, send_with_id)
        finally:
            self._account(scope, status or 500, time.perf_counter() - started)
            REQUEST_ID.reset(token)
            REQUEST.reset(held)

    def _account(self, scope: Scope, status: int, seconds: float) -> None:
        path = scope["path"]
        if path in UNCOUNTED:
            return
        route = getattr(scope.get("route"), "path", "unmatched")
        self._metrics.observe_request(scope["method"], route, status, seconds)
        fields = {"method": scope["method"], "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        log.info("request", extra={"fields": fields})


class Authentication:
    """Lets nobody past without a known bearer token, except on paths that are public by name.

    Refusing by default means that a route somebody adds tomorrow is closed until it is opened on purpose.
    """

    def __init__(self, app: ASGIApp, identities: Mapping[str, Identity], public: frozenset[str]) -> None:
        self._app = app
        self._identities = identities
        self._public = public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who calls; answer 401 to nobody."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identity = self._identify(Headers(scope=scope).get("authorization", ""))
        if identity is None and scope["path"] not in self._public:
            refusal = error_response(
                401, "unauthenticated", "A bearer token is needed.", {"WWW-Authenticate": "Bearer"}
            )
            await refusal(scope, receive, send)
            return
        scope.setdefault("state", {})["identity"] = identity
        await self._app(scope, receive, send)

    def _identify(self, header: str) -> Identity | None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return None
        return self._identities.get(sha256(token.strip().encode()).hexdigest())
