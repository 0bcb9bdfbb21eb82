"""Reading a run folder back: the same record on any machine, or one clear word about what is wrong with it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pytest_backend_audit.journal.format import EVIDENCE, FORMAT, GENESIS, JOURNAL, LineError, State, decode
from pytest_backend_audit.jsonable import from_builtins
from pytest_backend_audit.model import Attempt, Inputs, Seal

LINE_LIMIT = 256 * 1024 * 1024
"""Bytes of one line; a longer one is not ours."""


class RunError(ValueError):
    """The folder can't be read as a run; the message names the place and the way out."""


@dataclass(frozen=True, slots=True)
class Record:
    """A run as its journal tells it."""

    folder: Path
    inputs: Inputs
    attempts: tuple[Attempt, ...]
    seal: Seal | None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verification:
    """What became of a run folder since it was written."""

    state: State
    lines: int
    """Lines that are good, from the first."""
    problems: tuple[str, ...] = ()
    head: str = ""
    """Hash of the last good line: what a signature covers."""


@dataclass(slots=True)
class _Walk:
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    prev: str = GENESIS
    torn: str = ""
    altered: str = ""


def read_run(folder: Path) -> Record:
    """The record in a run folder. A journal that was cut short is read up to the cut.

    Raises:
        RunError: It is no run folder, is of another version, or was altered.
    """
    walk = _walk(folder)
    if walk.altered:
        raise RunError(f"{walk.altered}. The run proves nothing any more; run the audit again")
    if not walk.events:
        raise RunError(f"{folder / JOURNAL}: holds no complete line; the run ended before it began")
    try:
        return _record(folder, walk)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        raise RunError(f"{folder / JOURNAL}: written by another version? {where}: {first['msg']}") from None


def verify_run(folder: Path) -> Verification:
    """Compare a run folder with itself: the chain of the journal, and each piece of evidence with its name.

    Raises:
        RunError: There is no journal to look at, or it is of another version.
    """
    walk = _walk(folder)
    problems = [walk.altered] if walk.altered else []
    named: set[str] = set()
    for n, (kind, data) in enumerate(walk.events, start=1):
        if kind != "attempt":
            continue
        for piece in data.get("evidence", ()):
            if blob := piece.get("blob"):
                named.add(blob)
                if trouble := _blob_trouble(folder, blob):
                    problems.append(f"{folder / JOURNAL}:{n}: {trouble}")
    store = folder / EVIDENCE
    if store.is_dir():
        problems.extend(
            f"{path}: belongs to no line of the journal" for path in sorted(store.iterdir()) if path.name not in named
        )
    if problems:
        return Verification(State.ALTERED, len(walk.events), tuple(problems), walk.prev)
    if walk.torn:
        return Verification(State.TORN, len(walk.events), (walk.torn,), walk.prev)
    return Verification(State.INTACT, len(walk.events), (), walk.prev)


def _walk(folder: Path) -> _Walk:
    path = folder / JOURNAL
    if not path.is_file():
        raise RunError(f"{folder}: not a run folder (it has no {JOURNAL})")
    walk = _Walk()
    try:
        _follow(path, walk)
    except OSError as error:
        raise RunError(f"{path}: can't be read: {error.strerror}") from None
    if not walk.altered and not walk.torn and (not walk.events or walk.events[-1][0] != "seal"):
        walk.torn = f"{path}:{len(walk.events) + 1}: the journal ends without a seal: the run was cut short"
    return walk


def _follow(path: Path, walk: _Walk) -> None:
    lines = _lines(path)
    for n, line in enumerate(lines):
        place = f"{path}:{n + 1}"
        if walk.events and walk.events[-1][0] == "seal":
            walk.altered = f"{place}: something follows the seal"
            return
        try:
            kind, data, digest = decode(line, n, walk.prev)
        except LineError as error:
            # Only what writing could have left behind counts as torn: a last line without its end.
            if not line.endswith(b"\n") and next(lines, None) is None:
                walk.torn = f"{place}: the last line is incomplete: the run was cut short while writing it"
            else:
                walk.altered = f"{place}: this line {error}"
            return
        if (n == 0) != (kind == "start"):
            walk.altered = f"{place}: a journal starts with one line of type start, and has no other"
            return
        if n == 0 and data.get("format") != FORMAT:
            raise RunError(
                f"{place}: journal format {data.get('format')!r}; this version reads {FORMAT}. Use the version of "
                "pytest-backend-audit that wrote it"
            )
        walk.events.append((kind, data))
        walk.prev = digest


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(LINE_LIMIT):
            yield line


def _record(folder: Path, walk: _Walk) -> Record:
    inputs = from_builtins(Inputs, walk.events[0][1]["inputs"])
    attempts: list[Attempt] = []
    notices: list[str] = []
    seal: Seal | None = None
    for kind, data in walk.events[1:]:
        if kind == "attempt":
            attempts.append(from_builtins(Attempt, _with_blobs(folder, data)))
        elif kind == "notice":
            notices.append(str(data.get("text", "")))
        elif kind == "seal":
            seal = from_builtins(Seal, data)
    return Record(folder, inputs, tuple(attempts), seal, tuple(notices))


def _with_blobs(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    for piece in data.get("evidence", ()):
        if blob := piece.pop("blob", None):
            if trouble := _blob_trouble(folder, blob):
                raise RunError(f"{trouble}. The run proves nothing any more; run the audit again")
            piece["body"] = (folder / EVIDENCE / blob).read_text("utf-8")
    return data


def _blob_trouble(folder: Path, blob: object) -> str:
    if not isinstance(blob, str) or len(blob) != 64 or not set(blob) <= set("0123456789abcdef"):
        return f"evidence has the impossible name {blob!r}"
    path = folder / EVIDENCE / blob
    try:
        raw = path.read_bytes()
    except OSError as error:
        return f"{path}: evidence can't be read: {error.strerror}"
    if hashlib.sha256(raw).hexdigest() != blob:
        return f"{path}: evidence was changed: its hash does not fit its name"
    return ""
