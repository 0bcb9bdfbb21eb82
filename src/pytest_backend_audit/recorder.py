"""The one door through which evidence enters: redacts, bounds, and hands it to the check at hand.

A process has one recorder. Recording clients and `audit_evidence` call :meth:`Recorder.record`; the session opens a
buffer around each fixture set-up and each check's call, and takes what was recorded.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from pytest_backend_audit.model import Evidence, EvidenceKind

BODY_LIMIT = 64 * 1024
"""Characters of one answer that are kept; what is over is counted, not stored."""
TITLE_LIMIT = 4 * 1024
KEPT = "kept"
"""Fact of a piece of evidence that a check keeps for the next audit's comparison."""
PIECES_LIMIT = 500
"""Pieces of evidence that one buffer keeps; a check that loops over thousands of requests keeps the first."""
KEPT_LIMIT = 2_000
"""Values for the next audit that one buffer keeps besides: they come last, and without them it can't compare."""

Fact = str | int | float | bool | None


def utc_now() -> str:
    """The present instant as RFC 3339 in UTC, to the millisecond."""
    second, part = divmod(time.time_ns() // 1_000_000, 1_000)
    return f"{_second(second)}.{part:03}Z"


@lru_cache(maxsize=1)
def _second(since_epoch: int) -> str:
    """The part of an instant that many events in a row share."""
    return datetime.fromtimestamp(since_epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass(slots=True, eq=False)
class Buffer:
    """What one set-up or one call has recorded so far."""

    origin: str = ""
    evidence: list[Evidence] = field(default_factory=list)
    kept: int = 0
    """How many of these are for the next audit."""
    dropped: int = 0
    acknowledged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    strangers: frozenset[threading.Thread] = frozenset()
    """Threads that ran before it was opened: what they see belongs to somebody else."""


class _Paused(threading.local):
    """How many blocks that keep nothing this thread is in; what another one sees meanwhile is kept."""

    depth = 0


class Recorder:
    """Collects evidence for whichever buffer is open; without one, nothing is kept."""

    def __init__(self, redact: Callable[[str], str], clock: Callable[[], str] = utc_now) -> None:
        self._redact = redact
        self._clock = clock
        self._stack: list[Buffer] = []
        self._paused = _Paused()
        self.answered: set[str] = set()
        """HTTP targets that have answered in this check (design 3: when a transport error is a failure)."""
        self.faults_on: set[str] = set()
        """Faults of ours that are in effect."""

    @contextmanager
    def open(self, origin: str = "") -> Iterator[Buffer]:
        """Collect into a new buffer until the block ends."""
        buffer = self.begin(origin)
        try:
            yield buffer
        finally:
            self.end(buffer)

    def begin(self, origin: str = "") -> Buffer:
        """Collect into a new buffer from now on; what `open` does on its way in."""
        buffer = Buffer(origin, strangers=_other_threads())
        self._stack.append(buffer)
        return buffer

    def end(self, buffer: Buffer) -> None:
        """Collect into it no more."""
        self._stack.remove(buffer)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep nothing inside the block: connecting, health and version probes never count as evidence."""
        self._paused.depth += 1
        try:
            yield
        finally:
            self._paused.depth -= 1

    @property
    def recording(self) -> bool:
        """Whether what this thread records now is kept."""
        return bool(self._stack) and not self._paused.depth

    def record(
        self,
        kind: EvidenceKind,
        title: str,
        body: str = "",
        *,
        target: str = "",
        taken_at: str = "",
        duration: float | None = None,
        facts: Mapping[str, Fact] | None = None,
    ) -> None:
        """Keep one piece of evidence.

        Texts are redacted as a whole first and cut afterwards, so that a cut can't leave half a secret.

        Args:
            kind: Place in the evidence hierarchy.
            title: What was asked: statement, command line, request line or reference.
            body: What came back.
            target: The system that answered, without credentials.
            taken_at: UTC instant (RFC 3339); now, if not given.
            duration: Seconds.
            facts: Small named values.

        Raises:
            TypeError: Title or body is no text, or a fact is not what it may be.
        """
        if not self.recording:
            return
        buffer = self._stack[-1]
        if buffer.strangers and threading.current_thread() in buffer.strangers:
            return
        kept = bool(facts and facts.get(KEPT))
        if (buffer.kept >= KEPT_LIMIT) if kept else (len(buffer.evidence) - buffer.kept >= PIECES_LIMIT):
            buffer.dropped += 1
            return
        buffer.kept += kept
        title, _ = _bounded(self._redact(_text(title, "its title")), TITLE_LIMIT)
        body, left_out = _bounded(self._redact(_text(body, "its text")), BODY_LIMIT)
        clean = (
            {k: self._redact(_text(v, k)) if isinstance(v, str) else _fact(v, k) for k, v in facts.items()}
            if facts
            else {}
        )
        buffer.evidence.append(
            Evidence(
                kind=kind,
                title=title,
                body=body,
                target=self._redact(target) if target else "",
                taken_at=taken_at or self._clock(),
                duration=duration,
                left_out=left_out,
                facts=clean,
                origin=buffer.origin,
            )
        )

    def acknowledge(self, item: str) -> None:
        """Note that an acknowledged item (``criterion:item``) was taken out of the result."""
        if self._stack:
            self._stack[-1].acknowledged.append(item)

    def note(self, text: str) -> None:
        """Keep a remark about how the outcome came about."""
        if self._stack:
            self._stack[-1].notes.append(self._redact(text))


def _other_threads() -> frozenset[threading.Thread]:
    # Not by number: a thread that has ended leaves its own to the next one.
    mine = threading.current_thread()
    return frozenset([thread for thread in threading.enumerate() if thread is not mine])


def _text(value: object, what: str) -> str:
    """A text of Python's own: what parsers and templates hand out as one has no form in JSON.

    What is wrong has to be said here, in the check. Once the check is over it would cost the whole record.
    """
    if value.__class__ is str:
        return value
    if not isinstance(value, str):
        raise TypeError(f"evidence: {what} is {value!r:.80}, and no text")
    return str.__str__(value)


def _fact(value: object, name: str) -> Fact:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise TypeError(f"evidence: {name} is {value!r:.80}, and no text, truth or finite number")


def _bounded(text: str, limit: int) -> tuple[str, int]:
    if len(text) <= limit:
        return text, 0
    return text[:limit], len(text[limit:].encode("utf-8", "surrogatepass"))
