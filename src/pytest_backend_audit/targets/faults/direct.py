"""Where a target of audit.yaml itself is, by its connection string."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pytest_backend_audit.config.targets import Http
    from pytest_backend_audit.runtime import Runtime

_PORTS = {"redis": 6379, "rediss": 6379, "http": 80, "https": 443}


def address_of(runtime: Runtime, name: str) -> tuple[str, int] | None:
    """Host and port of a target; None where audit.yaml has none of that name, or it is reached by a Unix socket.

    Args:
        runtime: The audit.
        name: Of the target.
    """
    settings = runtime.config.target(name) if runtime.config is not None else None
    if dsn := getattr(settings, "dsn", None):
        from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - the driver loads with it

        parts = conninfo_to_dict(dsn)
        host = str(parts.get("host") or "")
        return (host, int(parts.get("port") or 5432)) if host and not host.startswith("/") else None
    url = getattr(settings, "url", None) or getattr(settings, "base_url", None)
    if not isinstance(url, str):
        return None
    return _of_url(url)


def instance_of(settings: Http) -> tuple[str, int, str] | None:
    """Host, port and protocol of one instance of the service: past what balances, whose connections outlive it.

    Args:
        settings: targets.http; its metrics pages are the instances', and without them there is ``base_url``.
    """
    url = (*settings.metrics, settings.base_url)[0]
    address = _of_url(url)
    return (*address, "tls" if urlsplit(url).scheme == "https" else "http") if address else None


def _of_url(url: str) -> tuple[str, int] | None:
    split = urlsplit(url)
    port = split.port or _PORTS.get(split.scheme)
    return (split.hostname, port) if split.hostname and port else None
