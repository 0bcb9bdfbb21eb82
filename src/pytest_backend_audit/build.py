"""Which commit the running service was built from, asked of the service itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.document import build_matches

TIMEOUT = 5.0
"""Seconds for one answer."""
BODY_LIMIT = 64 * 1024
"""Bytes of a version answer that are read."""


@dataclass(frozen=True, slots=True)
class Build:
    """What the service told."""

    reported: str = ""
    """Its SHA; empty when it tells none."""
    trouble: str = ""
    """Why it is not verifiable."""
    mismatch: str = ""
    """Set when a sample told another commit than the audited one."""

    def said(self) -> str:
        """For the head of the card."""
        return self.reported or f"not verifiable: {self.trouble}"


def ask(base_url: str, path: str, pointer: str, samples: int, commit: str) -> Build:
    """Ask `samples` times, each on a new connection, so that each instance behind a balancer gets its turn.

    Args:
        base_url: targets.http.base_url.
        path: build.url, absolute or relative to `base_url`.
        pointer: JSON pointer (RFC 6901) to the SHA in the answer; empty when the answer is the SHA.
        samples: How often.
        commit: Full SHA that is audited.
    """
    import httpx  # noqa: PLC0415 - only where a service tells its build

    url = str(httpx.URL(base_url).join(path)) if base_url else path
    reported = ""
    trusted = httpx.create_ssl_context(trust_env=False)  # reading the certificates takes longer than the answers
    for _ in range(samples):
        client = httpx.Client(trust_env=False, timeout=TIMEOUT, verify=trusted)
        try:
            with client, client.stream("GET", url) as answer:
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > BODY_LIMIT:
                        return Build(trouble=f"{url} answers more than {BODY_LIMIT} bytes")
                if answer.status_code != httpx.codes.OK:
                    return Build(trouble=f"{url} answers {answer.status_code}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Build(trouble=f"{url}: {str(error) or type(error).__name__}")
        sha = _read(body, pointer)
        if sha is None:
            return Build(trouble=f"{url} has no SHA at {pointer or 'the top of its answer'}")
        if not build_matches(sha, commit):
            return Build(sha, mismatch=f"{url} says it was built from {sha[:40]!r}, the audited commit is {commit}")
        reported = sha
    return Build(reported)


def _read(body: bytes, pointer: str) -> str | None:
    text = body.decode("utf-8", "replace").strip()
    if not pointer:
        return text or None
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for part in pointer.lstrip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value if isinstance(value, str) and value else None
