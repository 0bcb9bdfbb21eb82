"""From what a check asks for to a request that may be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Need
from pytest_backend_audit.targets.classify import answer_key
from pytest_backend_audit.targets.common import require
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.targets.http import SAFE, open_http, open_identity, shared_http
from pytest_backend_audit.targets.load.job import Prepared

if TYPE_CHECKING:
    from pytest_backend_audit.config.targets import Http
    from pytest_backend_audit.runtime import Runtime


def prepared(runtime: Runtime, settings: Http, asked: Endpoint | str | httpx.Request, identity: str | None) -> Prepared:
    """The request for an endpoint, a path or an URL, with the identity's credentials.

    Raises:
        CouldNotRun: Its host is not declared, its method writes and that is not allowed, or there is no such identity.
    """
    request = asked if isinstance(asked, httpx.Request) else _built(runtime, settings, asked, identity)
    shared = shared_http(runtime, settings)
    key = answer_key(request.url)
    if request.url.scheme not in {"http", "https"} or not shared.hosts.allow(request.url):
        raise CouldNotRun(
            f"audit_load: {request.method} {request.url.copy_with(query=None)}: {key} is not a declared host; "
            f"add it to targets.http.hosts ({shared.origin})"
        )
    if request.method not in SAFE:
        require(runtime, Need.WRITES)
    body = request.read()
    host, _, port = key.rpartition(":")
    return Prepared(
        method=request.method,
        url=str(request.url.copy_with(fragment=None)),
        target=request.url.raw_path.decode("ascii"),
        host=host,
        port=int(port),
        tls=request.url.scheme == "https",
        headers=tuple((k, v) for k, v in request.headers.multi_items() if k.lower() != "connection"),
        body=body,
    )


def _built(runtime: Runtime, settings: Http, asked: Endpoint | str, identity: str | None) -> httpx.Request:
    whose = identity or (asked.identity if isinstance(asked, Endpoint) else None)
    with open_identity(runtime, settings, whose) if whose else open_http(runtime, settings) as client:
        if isinstance(asked, Endpoint):
            request = client.build_request(asked.method, asked.url(), json=asked.body)
        else:
            request = client.build_request("GET", asked)
        if client.auth is not None:
            request = next(client.auth.sync_auth_flow(request))
    return request
