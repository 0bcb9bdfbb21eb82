"""Keeps a fault to its lease: a process that sets things right if the audit is gone, or has forgotten to.

Run as ``python -I keeper.py``: it needs nothing but the standard library. It reads one line of JSON from standard
input: the file of the records, the fault's id, its lease in seconds, and the requests that undo it. A line ``done``
means that the audit has undone it; the end of standard input, that the audit has ended. The way back is here once, for
this process, for the audit itself and for ``backend-audit revert``.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import signal
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 5.0
"""Seconds that a proxy's API may take to answer."""
PAUSE = 1.0
"""Seconds between attempts to undo a fault whose proxy does not answer."""
PATIENCE = 120.0
"""Seconds for which it is tried."""
LIMIT = 1024 * 1024
"""Bytes of an answer that are read."""

Call = Mapping[str, Any]
"""A request to a proxy's API: ``method``, ``url``, and ``body``, a JSON value or None."""


class ApiError(Exception):
    """A proxy's API can't be reached, or refuses."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


def call(method: str, url: str, body: object = None) -> Any:
    """Ask a proxy's API.

    Args:
        method: HTTP method.
        url: Whole URL; nothing of the environment's proxies is heeded.
        body: Sent as JSON, unless None.

    Returns:
        The answer's JSON; its text where it is none, as toxiproxy tells its version; None without a body.

    Raises:
        ApiError: No answer, or one that is not a success.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        data = None if body is None else json.dumps(body)
        headers = {"User-Agent": "backend-audit", "Content-Type": "application/json"}
        connection.request(method, parts.path or "/", data, headers)
        answer = connection.getresponse()
        text = answer.read(LIMIT).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise ApiError(f"{method} {url}: {error}") from None
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        raise ApiError(f"{method} {url} answered {answer.status}: {' '.join(text.split())[:200]}", answer.status)
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return text


def undo(calls: Sequence[Call]) -> None:
    """Take a fault back; what is gone already is fine.

    Raises:
        ApiError: The proxy does not do it.
    """
    for each in calls:
        try:
            call(each["method"], each["url"], each.get("body"))
        except ApiError as error:
            if error.status != 404:
                raise


def append(file: Path, fact: Mapping[str, Any]) -> None:
    """Add one line to the records, and have it on the disk before going on."""
    handle = opened(file)
    try:
        write(handle, fact)
    finally:
        os.close(handle)


def opened(file: Path) -> int:
    """The records, for adding to them."""
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)


def write(handle: int, fact: Mapping[str, Any]) -> None:
    """Add one line to open records; on the disk when this returns."""
    instant = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    os.write(handle, (json.dumps({"at": instant, **fact}) + "\n").encode())
    os.fsync(handle)


def main() -> None:
    """Wait, and undo."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the audit, whose end we see
    line = bytearray()
    while not line.endswith(b"\n"):
        # Byte for byte from the descriptor: what comes behind the job is waited for below.
        data = os.read(0, 1)
        if not data:
            return
        line += data
    job = json.loads(line)
    records = opened(Path(job["file"]))  # now: the run may be moved to the earlier ones before we write
    until = time.monotonic() + job["lease"]
    reason = "its lease passed"
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([0], [], [], left)
        if not ready:
            continue
        if os.read(0, 64):
            return
        reason = "the audit ended without undoing it"
        break
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            undo(job["undo"])
            break
        except ApiError:
            if time.monotonic() > give_up:
                return  # the record stays open, for `backend-audit revert`
            time.sleep(PAUSE)
    write(records, {"id": job["id"], "event": "undone", "by": reason})


if __name__ == "__main__":
    main()
