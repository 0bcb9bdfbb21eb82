"""Reading a run folder back: the same record on any machine, or one clear word about what is wrong with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_backend_audit.journal.format import EVIDENCE, FORMAT, GENESIS, JOURNAL, LineError, State, decode
from pytest_backend_audit.jsonable import from_builtins
from pytest_backend_audit.model import Attempt, Inputs, Seal

LINE_LIMIT = 256 * 1024 * 1024
"""Bytes of one line; a longer one is not ours."""

AGAIN = "The run proves nothing any more; run the audit again"

_BLOB_NAME = re.compile(r"[0-9a-f]{64}")


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
    head: str = ""
    """Hash of the last good line."""


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
class _Chain:
    """A journal, followed line by line for as long as it is good. Only one line is held at a time."""

    path: Path
    lines: int = 0
    head: str = GENESIS
    torn: str = ""
    altered: str = ""
    sealed: bool = False

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Type and data of each good line; afterwards `torn` and `altered` tell why it stopped, if it had to.

        Raises:
            RunError: There is no journal, it can't be read, or it is of another version.
        """
        if not self.path.is_file():
            raise RunError(f"{self.path.parent}: not a run folder (it has no {JOURNAL})")
        try:
            with self.path.open("rb") as file:
                while not self.altered and not self.torn and (line := file.readline(LINE_LIMIT)):
                    event = self._event(line, last=not file.peek(1))
                    if event is not None:
                        yield event
        except OSError as error:
            raise RunError(f"{self.path}: can't be read: {error.strerror}") from None
        if not (self.altered or self.torn or self.sealed):
            self.torn = f"{self.path}:{self.lines + 1}: the journal ends without a seal: the run was cut short"

    def _event(self, line: bytes, *, last: bool) -> tuple[str, dict[str, Any]] | None:
        place = f"{self.path}:{self.lines + 1}"
        if self.sealed:
            self.altered = f"{place}: something follows the seal"
            return None
        try:
            kind, data, digest = decode(line, self.lines, self.head, last=last)
        except LineError as error:
            if error.incomplete:
                self.torn = f"{place}: {error}: the run was cut short while writing it"
            else:
                self.altered = f"{place}: {error}"
            return None
        if (self.lines == 0) != (kind == "start"):
            self.altered = f"{place}: a journal starts with one line of type start, and has no other"
            return None
        if self.lines == 0 and data.get("format") != FORMAT:
            raise RunError(
                f"{place}: journal format {data.get('format')!r}; this version reads {FORMAT}. Use the version of "
                "pytest-backend-audit that wrote it"
            )
        self.lines += 1
        self.head = digest
        self.sealed = kind == "seal"
        return kind, data


def read_run(folder: Path) -> Record:
    """The record in a run folder. A journal that was cut short is read up to the cut.

    Raises:
        RunError: It is no run folder, is of another version, or was altered.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - heavy, and a run that only writes has no use for it

    chain = _Chain(folder / JOURNAL)
    inputs: Inputs | None = None
    attempts: list[Attempt] = []
    notices: list[str] = []
    seal: Seal | None = None
    try:
        for kind, data in chain.events():
            if kind == "start":
                inputs = from_builtins(Inputs, data.get("inputs"))
            elif kind == "attempt":
                attempts.append(from_builtins(Attempt, _with_blobs(folder, data)))
            elif kind == "notice":
                notices.append(str(data.get("text", "")))
            else:
                seal = from_builtins(Seal, data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"])
        place = f"{chain.path}:{chain.lines}"
        raise RunError(f"{place}: written by another version? {where or 'data'}: {first['msg']}") from None
    if chain.altered:
        raise RunError(f"{chain.altered}. {AGAIN}")
    if inputs is None:
        raise RunError(f"{chain.path}: holds no complete line; the run ended before it began")
    return Record(folder, inputs, tuple(attempts), seal, tuple(notices), chain.head)


def verify_run(folder: Path) -> Verification:
    """Compare a run folder with itself: the chain of the journal, and each piece of evidence with its name.

    Raises:
        RunError: There is no journal to look at, or it is of another version.
    """
    chain = _Chain(folder / JOURNAL)
    problems: list[str] = []
    named: set[str] = set()
    for kind, data in chain.events():
        for piece in _pieces(data) if kind == "attempt" else ():
            if blob := piece.get("blob"):
                named.add(str(blob))
                if trouble := _blob_trouble(folder, blob):
                    problems.append(f"{chain.path}:{chain.lines}: {trouble}")
    if chain.altered:
        problems.insert(0, chain.altered)
    elif not chain.torn:
        # After a cut, evidence may stand there whose line was never written.
        problems.extend(f"{path}: belongs to no line of the journal" for path in _strangers(folder, named))
    if problems:
        return Verification(State.ALTERED, chain.lines, tuple(problems), chain.head)
    if chain.torn:
        return Verification(State.TORN, chain.lines, (chain.torn,), chain.head)
    return Verification(State.INTACT, chain.lines, (), chain.head)


def _strangers(folder: Path, named: set[str]) -> list[Path]:
    store = folder / EVIDENCE
    return sorted(path for path in store.iterdir() if path.name not in named) if store.is_dir() else []


def _pieces(data: dict[str, Any]) -> list[dict[str, Any]]:
    pieces = data.get("evidence")
    return [p for p in pieces if isinstance(p, dict)] if isinstance(pieces, list) else []


def _with_blobs(folder: Path, data: dict[str, Any]) -> dict[str, Any]:
    for piece in _pieces(data):
        if blob := piece.pop("blob", None):
            if trouble := _blob_trouble(folder, blob):
                raise RunError(f"{trouble}. {AGAIN}")
            piece["body"] = (folder / EVIDENCE / blob).read_bytes().decode("utf-8", "surrogatepass")
    return data


def _blob_trouble(folder: Path, blob: object) -> str:
    if not isinstance(blob, str) or not _BLOB_NAME.fullmatch(blob):
        return f"evidence has the impossible name {blob!r}"
    path = folder / EVIDENCE / blob
    try:
        raw = path.read_bytes()
    except OSError as error:
        return f"{path}: evidence can't be read: {error.strerror}"
    if hashlib.sha256(raw).hexdigest() != blob:
        return f"{path}: evidence was changed: its hash does not fit its name"
    return ""
