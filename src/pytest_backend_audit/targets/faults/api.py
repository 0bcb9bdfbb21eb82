"""The API of a fault proxy: toxiproxy's, or that of our own, which speaks the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.faults.keeper import ApiError, Call, call

WILDCARDS = frozenset({"", "0.0.0.0", "::", "[::]"})  # noqa: S104 - a proxy's word for "everywhere", heard and not used


@dataclass(frozen=True, slots=True)
class Proxied:
    """A proxy as its API describes it."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Api:
    """Asks one fault proxy."""

    url: str
    origin: str
    """``audit.yaml:LINE`` of the target."""

    def get(self, name: str) -> Proxied:
        """One of its proxies.

        Raises:
            CouldNotRun: It can't be reached, or has no such proxy.
        """
        try:
            found = call("GET", f"{self.url}/proxies")
        except ApiError as error:
            raise CouldNotRun(f"targets.faults: {error} - is it running? ({self.origin})") from None
        if not isinstance(found, Mapping) or not all(isinstance(v, Mapping) for v in found.values()):
            raise CouldNotRun(f"targets.faults: {self.url} does not speak toxiproxy's API ({self.origin})")
        if name not in found:
            there = ", ".join(sorted(found)) or "none"
            raise CouldNotRun(f"targets.faults: {self.url} has no proxy {name!r}; it has: {there} ({self.origin})")
        told = found[name]
        return Proxied(
            name,
            str(told.get("listen", "")),
            str(told.get("upstream", "")),
            bool(told.get("enabled")),
            tuple(str(t.get("name")) for t in told.get("toxics") or ()),
        )

    def address(self, proxied: Proxied) -> tuple[str, int]:
        """Where the audit reaches what is behind a proxy; one that listens everywhere is where its API is."""
        host, _, port = proxied.listen.rpartition(":")
        if host in WILDCARDS:
            host = urlsplit(self.url).hostname or ""
        return host.strip("[]"), int(port)

    def do(self, wanted: Call) -> Any:
        """Carry out a request.

        Raises:
            CouldNotRun: It is not done.
        """
        try:
            return call(wanted["method"], wanted["url"], wanted.get("body"))
        except ApiError as error:
            raise CouldNotRun(f"targets.faults: {error} ({self.origin})") from None

    def of(self, proxy: str) -> str:
        """The URL of a proxy."""
        return f"{self.url}/proxies/{quote(proxy, safe='')}"

    def enable(self, proxy: str, on: bool) -> Call:
        """Let a proxy listen, or refuse connections and end those that stand."""
        return {"method": "POST", "url": self.of(proxy), "body": {"enabled": on}}

    def point(self, proxy: str, upstream: str) -> Call:
        """Lead a proxy's connections elsewhere; those that stand are ended."""
        return {"method": "POST", "url": self.of(proxy), "body": {"upstream": upstream}}

    def add(self, proxy: str, toxic: Mapping[str, Any]) -> Call:
        """Add a toxic."""
        return {"method": "POST", "url": f"{self.of(proxy)}/toxics", "body": dict(toxic)}

    def remove(self, proxy: str, toxic: str) -> Call:
        """Remove a toxic."""
        return {"method": "DELETE", "url": f"{self.of(proxy)}/toxics/{quote(toxic, safe='')}", "body": None}

    def has(self, proxy: str, wanted: Mapping[str, Any]) -> None:
        """Read a toxic back: an attribute that toxiproxy does not know it takes without a word, and ignores.

        Raises:
            CouldNotRun: It is not as it was wanted.
        """
        found = self.do({"method": "GET", "url": f"{self.of(proxy)}/toxics/{quote(wanted['name'], safe='')}"})
        told = found.get("attributes") if isinstance(found, Mapping) else None
        if told is None or any(told.get(k) != v for k, v in wanted["attributes"].items()):
            raise CouldNotRun(f"targets.faults: asked for {wanted['attributes']}, {self.url} has {told}")
