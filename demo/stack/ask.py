"""Short questions by HTTP to servers of the stack, and connections to it.

httpx reads the system's certificates for each client anew, some 30 ms of computing, though nothing here speaks TLS:
with clients that come and go, that was more than half of what the background traffic cost. All share one context.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import cache

import httpx


@cache
def tls() -> ssl.SSLContext:
    """What every client is made with."""
    return ssl.create_default_context()


def get(
    url: str, *, timeout: float = 2, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None
) -> httpx.Response:
    """One request on a connection of its own, by no proxy.

    Raises:
        httpx.TransportError: No answer.
    """
    return httpx.get(url, params=params, headers=headers, timeout=timeout, trust_env=False, verify=tls())
