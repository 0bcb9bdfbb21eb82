"""The bytes of a journal: one JSON object a line, each carrying the hash of the line before it.

A line is::

    {"n":3,"prev":"<64 hex>","type":"attempt","data":{...},"hash":"<64 hex>"}

``hash`` is the SHA-256 of every byte of the line before ``,"hash"``; ``prev`` is the hash of the line before, 64 zeros
in the first. So a changed byte, a removed, added or moved line shows at the line where it happened. The chain shows
accidents and clumsy hands; who can write the file can write a new chain. Authenticity comes from a signature.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

FORMAT = 1
"""Version of this layout; a reader refuses another."""

GENESIS = "0" * 64
JOURNAL = "journal.jsonl"
EVIDENCE = "evidence"
INLINE_LIMIT = 4 * 1024
"""Bytes of evidence (UTF-8) that stand in the line; what is larger becomes a blob."""

TYPES = ("start", "attempt", "notice", "seal")
_JSON = json.JSONEncoder(ensure_ascii=True, allow_nan=False, check_circular=False, separators=(",", ":"))
"""Of what has just been built by `jsonable`, which would not have come to the end of a circle."""
_TAIL = re.compile(rb',"hash":"([0-9a-f]{64})"\}\n\Z')


class State(StrEnum):
    """What `verify` says of a journal."""

    INTACT = "intact"
    TORN = "torn"
    """Good up to a point where writing stopped: killed, or the disk was full."""
    ALTERED = "altered"


class LineError(ValueError):
    """A line that does not say what its hash says."""

    def __init__(self, message: str, *, incomplete: bool = False) -> None:
        self.incomplete = incomplete
        """Whether it is what writing leaves behind when it stops in the middle of the last line."""
        super().__init__(message)


def encode(n: int, prev: str, kind: str, data: Mapping[str, Any]) -> tuple[bytes, str]:
    """One line and its hash.

    Raises:
        TypeError: `data` holds something JSON has no form for.
        ValueError: It holds a NaN or an infinity.
    """
    head = f'{{"n":{n},"prev":"{prev}","type":"{kind}","data":{_JSON.encode(data)}'.encode("ascii")
    digest = hashlib.sha256(head).hexdigest()
    return head + f',"hash":"{digest}"}}\n'.encode("ascii"), digest


def decode(line: bytes, n: int, prev: str, *, last: bool = False) -> tuple[str, dict[str, Any], str]:
    """Type, data and hash of the line that should be number `n` after a line of hash `prev`.

    Args:
        line: With its line feed.
        n: Counted from 0.
        prev: Hash of the line before.
        last: Whether nothing follows it; only then can it be incomplete.

    Raises:
        LineError: It isn't that line; the message says in which way.
    """
    if last and not line.endswith(b"\n") and not _TAIL.search(line[:-1] + b"\n"):
        raise LineError("the last line is incomplete", incomplete=True)
    tail = _TAIL.search(line)
    if tail is None:
        raise LineError("this is no line of a journal")
    digest = hashlib.sha256(line[: tail.start()]).hexdigest()
    if digest.encode("ascii") != tail.group(1):
        raise LineError("this line was changed: its hash does not fit its text")
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        raise LineError("this line is not JSON") from None
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        raise LineError("this is no line of a journal")
    if event.get("n") != n or event.get("prev") != prev:
        raise LineError("this line does not follow the one before it: lines were removed, added or moved")
    if event.get("type") not in TYPES:
        raise LineError(f"this line has the unknown type {event.get('type')!r}")
    return event["type"], event["data"], digest
