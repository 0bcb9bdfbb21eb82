"""Writing a journal, line by line, as things happen."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pytest_backend_audit.journal.format import EVIDENCE, FORMAT, GENESIS, INLINE_LIMIT, JOURNAL, encode
from pytest_backend_audit.jsonable import to_builtins
from pytest_backend_audit.model import Attempt, Inputs, Seal


class _Place(NamedTuple):
    """Where the next line goes."""

    n: int = 0
    prev: str = GENESIS
    size: int = 0
    """Bytes before it."""


class Writer:
    """Appends events to a new journal in a run folder; each is flushed, so a killed run loses only what is in flight.

    Not fsynced: a crash of the machine may lose the last events, and `verify` then says "torn".
    """

    def __init__(self, folder: Path) -> None:
        """Create the journal; the folder is made if need be.

        Raises:
            FileExistsError: There is a journal already; none is ever truncated.
            OSError: The folder can't be written.
        """
        self.folder = folder
        (folder / EVIDENCE).mkdir(parents=True, exist_ok=True)
        # Appending: what somebody else puts at the end stays there and breaks the chain, instead of being overwritten.
        journal = os.open(folder / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o666)
        # Unbuffered: what can't be written raises at once, and never comes out later behind something else.
        self._file = os.fdopen(journal, "wb", buffering=0)
        self._place = _Place()
        self._unsettled: tuple[bytes, _Place] | None = None
        """A line that is being written, and the place behind it. A signal, such as Ctrl-C, may end that anywhere."""
        self._failed: OSError | None = None

    @property
    def head(self) -> str:
        """Hash of the last line that was written."""
        return self._place.prev

    def start(self, inputs: Inputs) -> None:
        """Write the first line.

        Raises:
            TypeError: An open-ended part of the inputs holds something that JSON has no form for.
            ValueError: It holds a NaN or an infinity.
            OSError: It can't be written.
        """
        for name in ("standard", "config", "options"):
            refuse_foreign(getattr(inputs, name), name)
        self._append("start", {"format": FORMAT, "inputs": to_builtins(inputs)})

    def attempt(self, attempt: Attempt) -> None:
        """Write one execution of a check, its larger evidence as blobs.

        Raises:
            TypeError: It holds something that JSON has no form for.
            ValueError: It holds a NaN or an infinity.
            OSError: It can't be written.
        """
        self.attempt_data(to_builtins(attempt))

    def attempt_data(self, data: Mapping[str, Any]) -> None:
        """The same for an attempt that is already in its JSON form, as it travels from an xdist worker."""
        self._append("attempt", {**data, "evidence": [self._stored(piece) for piece in data["evidence"]]})

    def notice(self, text: str) -> None:
        """Write something that belongs to no check."""
        self._append("notice", {"text": text})

    def seal(self, seal: Seal) -> None:
        """Write the last line and close the file."""
        self._append("seal", to_builtins(seal))
        self.close()

    def close(self) -> None:
        """Close the file; a journal without a seal reads as torn."""
        self._file.close()

    def _stored(self, piece: dict[str, Any]) -> dict[str, Any]:
        body = piece["body"]
        # A text has at most four bytes a character; only longer ones need a closer look.
        if len(body) * 4 <= INLINE_LIMIT:
            return piece
        # A hostile answer may hold lone surrogates; this way they come back as they were.
        raw = body.encode("utf-8", "surrogatepass")
        if len(raw) <= INLINE_LIMIT:
            return piece
        return {**piece, "body": "", "blob": self._store(raw)}

    def _append(self, kind: str, data: dict[str, Any]) -> None:
        if self._failed is not None:
            # Half a line may stand there: it stays the last one, so that the journal reads as torn, not as altered.
            raise OSError(self._failed.errno, self._failed.strerror)
        if self._unsettled is not None:
            line, behind = self._unsettled
            if self._place != behind:
                done = os.fstat(self._file.fileno()).st_size - self._place.size
                self._write(line, behind, done)
        n, prev, size = self._place
        line, digest = encode(n, prev, kind, data)
        behind = _Place(n + 1, digest, size + len(line))
        self._unsettled = line, behind
        self._write(line, behind)

    def _write(self, line: bytes, behind: _Place, done: int = 0) -> None:
        try:
            while done < len(line):
                done += self._file.write(line[done:])
        except OSError as error:
            self._failed = error
            raise
        self._place = behind
        self._unsettled = None

    def _store(self, raw: bytes) -> str:
        digest = hashlib.sha256(raw).hexdigest()
        path = self.folder / EVIDENCE / digest
        if not path.exists():
            partial = path.with_suffix(f".{os.getpid()}.tmp")
            try:
                partial.write_bytes(raw)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        return digest


def refuse_foreign(value: object, where: str) -> None:
    """Make sure that a value is built of dicts with text keys, lists, texts, finite numbers, booleans and None only.

    Args:
        value: What to look through.
        where: Its name, for the message.

    Raises:
        TypeError: It holds something else, such as a set or a date.
        ValueError: It holds a NaN or an infinity.
    """
    if value is None or isinstance(value, (str, int)):  # a union would be made anew for each value
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where}: {value} has no form in JSON")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where}: the key {key!r} is no text")
            refuse_foreign(inner, f"{where}.{key}")
    elif isinstance(value, (list, tuple)):
        for n, inner in enumerate(value):
            refuse_foreign(inner, f"{where}[{n}]")
    else:
        raise TypeError(f"{where}: a {type(value).__name__} has no form in JSON")
