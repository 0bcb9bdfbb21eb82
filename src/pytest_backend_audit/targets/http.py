"""HTTP: an httpx.Client that keeps to declared hosts and safe methods, reads a bounded answer, and records it."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind, Need
from pytest_backend_audit.recorder import utc_now
from pytest_backend_audit.targets.classify import answer_key
from pytest_backend_audit.targets.common import origin_of, require, timeouts_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_backend_audit.config.targets import Http, Identity
    from pytest_backend_audit.runtime import Runtime

READ_LIMIT = 4 * 1024 * 1024
"""Bytes of one answer that are read."""
ENCODED_LIMIT = 256 * 1024
"""Bytes of a compressed answer that are read: a thousandfold expansion still fits into memory."""
HEADERS_LIMIT = 4 * 1024
"""Characters of an answer's headers that evidence keeps."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True, slots=True)
class Hosts:
    """The servers that requests may go to."""

    exact: frozenset[str]
    """``host:port``."""
    any_port: frozenset[str]

    def allow(self, url: httpx.URL) -> bool:
        """Whether a request may go there."""
        return url.host in self.any_port or answer_key(url) in self.exact


@dataclass(slots=True)
class Shared:
    """What all HTTP clients of the process share: connections, and what is known of dead servers."""

    runtime: Runtime
    hosts: Hosts
    inner: httpx.BaseTransport
    origin: str
    deadline: float
    place: str = "targets.http"
    """Where audit.yaml names the target, for messages."""
    dead: dict[str, str] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)

    def close(self) -> None:
        """Close the connections."""
        self.inner.close()


class RecordingTransport(httpx.BaseTransport):
    """Every hop of every request passes here, redirects included."""

    def __init__(self, shared: Shared, identity: str = "") -> None:
        self._shared = shared
        self._identity = identity

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            CouldNotRun: Its host is not declared, or its method is not allowed to this check.
        """
        shared = self._shared
        self._admit(request)
        key = answer_key(request.url)
        if key in shared.dead and not shared.runtime.recorder.faults_on:
            raise httpx.ConnectTimeout(f"{shared.dead[key]}, not tried again", request=request)
        begun = time.monotonic()
        try:
            response = shared.inner.handle_request(request)
        except httpx.TimeoutException as error:
            if key not in shared.answered and not shared.runtime.recorder.faults_on:
                seconds = time.monotonic() - begun
                shared.dead[key] = f"no answer within {seconds:.1f} s (first seen {utc_now()})"
                raise type(error)(f"no answer within {seconds:.1f} s", request=request) from None
            raise
        shared.answered.add(key)
        shared.runtime.recorder.answered.add(key)
        response.stream = _RecordedStream(self, request, response, begun)
        return response

    def keep(self, request: httpx.Request, response: httpx.Response, body: bytes, begun: float, *, whole: bool) -> None:
        """Record one request with its answer."""
        runtime = self._shared.runtime
        if not runtime.recorder.recording:
            return
        head = f"HTTP {response.status_code} {response.reason_phrase}\n"
        headers = "\n".join(f"{name}: {value}" for name, value in response.headers.multi_items())[:HEADERS_LIMIT]
        facts: dict[str, Any] = {"status": response.status_code, "bytes": len(body)}
        if self._identity:
            facts["identity"] = self._identity
        if not whole:
            facts["read"] = "in part"
        runtime.recorder.record(
            EvidenceKind.OUTPUT,
            f"{request.method} {request.url.raw_path.decode('ascii', 'replace')}",
            f"{head}{headers}\n\n{self._body(response, body)}",
            target=f"http {answer_key(request.url)}",
            duration=time.monotonic() - begun,
            facts=facts,
        )

    def close(self) -> None:
        """Leave the shared connections open: other clients use them."""

    def _body(self, response: httpx.Response, body: bytes) -> str:
        runtime = self._shared.runtime
        # A bundled check knows its statements, and none knows what a service answers.
        keep = runtime.config is None or runtime.config.keep_rows
        kind = response.headers.get("content-type", "")
        if not keep:
            made = hmac.new(runtime.run_key, body, hashlib.sha256).hexdigest()[:32]
            return f"{kind or 'no content type'}, {len(body)} bytes{_shape(body)}, keyed digest {made}"
        encoded = response.headers.get("content-encoding", "identity") != "identity"
        if encoded or b"\0" in body[:1024]:
            return f"{len(body)} bytes, {'compressed' if encoded else 'binary'}"
        return body.decode("utf-8", "replace")

    def _admit(self, request: httpx.Request) -> None:
        shared = self._shared
        if request.url.scheme not in {"http", "https"} or not shared.hosts.allow(request.url):
            raise CouldNotRun(
                f"{shared.place}: {request.method} {request.url.copy_with(query=None)}: "
                f"{answer_key(request.url)} is not a declared host; add it to targets.http.hosts ({shared.origin})"
            )
        if request.method in SAFE:
            return
        if request.method in WRITING:
            probing = Need.PROBES in shared.runtime.needs and Need.WRITES not in shared.runtime.needs
            require(shared.runtime, Need.PROBES if probing else Need.WRITES)
        else:
            require(shared.runtime, Need.PROBES)


def _shape(body: bytes) -> str:
    """How much a JSON body holds, and nothing of what."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if isinstance(value, dict):
        return f", JSON object of {len(value)}"
    return f", JSON array of {len(value)}" if isinstance(value, list) else ""


class _RecordedStream(httpx.SyncByteStream):
    """Reads an answer inside its bounds, and records it when it ends."""

    def __init__(
        self, owner: RecordingTransport, request: httpx.Request, response: httpx.Response, begun: float
    ) -> None:
        self._owner = owner
        self._request = request
        self._response = response
        self._inner = response.stream
        self._begun = begun
        self._body = bytearray()
        self._done = False

    def __iter__(self) -> Iterator[bytes]:
        encoded = self._response.headers.get("content-encoding", "identity") != "identity"
        limit = ENCODED_LIMIT if encoded else READ_LIMIT
        assert isinstance(self._inner, httpx.SyncByteStream)
        for chunk in self._inner:
            self._body += chunk
            if len(self._body) > limit:
                self._stop(f"answers more than {limit // 1024} KiB; the rest was not read")
            if time.monotonic() - self._begun > self._owner._shared.deadline:
                self._stop(f"was still answering after {self._owner._shared.deadline:g} s")
            yield chunk
        self._keep(whole=True)

    def close(self) -> None:
        """Give the connection back."""
        self._keep(whole=False)
        if isinstance(self._inner, httpx.SyncByteStream):
            self._inner.close()

    def _stop(self, why: str) -> None:
        self._keep(whole=False)
        asked = f"{self._request.method} {self._request.url.copy_with(query=None)}"
        raise CouldNotRun(f"{self._owner._shared.place}: {asked} {why}")

    def _keep(self, *, whole: bool) -> None:
        if not self._done:
            self._done = True
            self._owner.keep(self._request, self._response, bytes(self._body), self._begun, whole=whole)


def open_http(runtime: Runtime, settings: Http) -> httpx.Client:
    """A new client on base_url, over the process's shared connections."""
    return _client(runtime, settings)


def open_identity(runtime: Runtime, settings: Http, name: str) -> httpx.Client:
    """A client that calls as a declared test identity.

    Raises:
        CouldNotRun: audit.yaml declares no such identity, or a variable of it is not set.
    """
    config = runtime.config
    identity: Identity | None = config.identities.get(name) if config is not None else None
    if identity is None:
        raise CouldNotRun(config.why_no_identity(name) if config is not None else f"identities.{name}: no audit.yaml")
    headers = dict(identity.headers)
    if identity.token is not None:
        headers["Authorization"] = f"Bearer {identity.token}"
    auth = (identity.username, identity.password) if identity.username and identity.password is not None else None
    return _client(runtime, settings, identity=name, headers=headers, auth=auth)


def shared_http(runtime: Runtime, settings: Http) -> Shared:
    """The process's HTTP connections."""
    for closer in runtime.closers:
        if isinstance(closer, Shared):
            return closer
    folder = runtime.config.path.parent if runtime.config is not None else runtime.repository
    limits = timeouts_of(runtime)
    made = Shared(
        runtime=runtime,
        hosts=declared_hosts(settings),
        inner=httpx.HTTPTransport(verify=tls_context(settings.ca_file, folder), trust_env=False),
        origin=origin_of(runtime, "targets", "http"),
        deadline=2 * limits.request,
    )
    runtime.closers.append(made)
    return made


def declared_hosts(settings: Http) -> Hosts:
    """base_url's server, those of the metrics pages, and what ``hosts`` names, with a port or without."""
    exact = {answer_key(httpx.URL(url)) for url in (settings.base_url, *settings.metrics)}
    with_port = {h for h in settings.hosts if h.rpartition(":")[2].isdigit()}
    return Hosts(frozenset(exact | with_port), frozenset(settings.hosts) - with_port)


def tls_context(ca_file: str | None, folder: Path) -> ssl.SSLContext:
    """Trust the system's certificates, or those of a file beside audit.yaml.

    Raises:
        CouldNotRun: The file can't be read.
    """
    try:
        return ssl.create_default_context(cafile=str(folder / ca_file) if ca_file else None)
    except OSError as error:
        raise CouldNotRun(f"ca_file {ca_file}: {error.strerror or error}") from None


def _client(
    runtime: Runtime,
    settings: Http,
    *,
    identity: str = "",
    headers: dict[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> httpx.Client:
    limits = timeouts_of(runtime)
    return httpx.Client(
        base_url=settings.base_url,
        transport=RecordingTransport(shared_http(runtime, settings), identity),
        trust_env=False,
        timeout=httpx.Timeout(limits.request, connect=limits.connect),
        headers={"User-Agent": "backend-audit", "Accept-Encoding": "identity", **(headers or {})},
        auth=auth,
    )
