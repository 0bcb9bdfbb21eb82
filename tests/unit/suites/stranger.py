"""Services of every kind behind an httpx client, and what checks of them are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import httpx

from pytest_backend_audit.targets.endpoints import Endpoint, Endpoints

Answering = Callable[[httpx.Request], httpx.Response]


@dataclass
class Service:
    """A service that answers by a function; it knows the token of one identity, alice."""

    answer: Answering
    asked: list[str] = field(default_factory=list)

    def client(self, token: str = "") -> httpx.Client:
        """A caller."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url="http://service", transport=httpx.MockTransport(self._answer), headers=headers)

    def identity(self, name: str) -> httpx.Client:
        """For ``audit_identity``."""
        return self.client(f"token-of-{name}")

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        return self.answer(request)


def operations(*texts: str, public: Sequence[str] = ()) -> Endpoints:
    """For ``audit_endpoints``: ``"GET /a", ...``."""
    split = [text.split() for text in texts]
    return Endpoints([Endpoint(method, path, public=path in public) for method, path in split], "literal")


def run_with(*needs: str) -> SimpleNamespace:
    """For ``audit_run``."""
    return SimpleNamespace(allowed=frozenset(needs))


def json_with(**content: object) -> httpx.Response:
    """A small JSON answer."""
    return httpx.Response(200, json=content)
