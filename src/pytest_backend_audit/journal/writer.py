"""Writing a journal, line by line, as things happen."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

from pytest_backend_audit.journal.format import EVIDENCE, FORMAT, GENESIS, INLINE_LIMIT, JOURNAL, encode
from pytest_backend_audit.jsonable import to_builtins
from pytest_backend_audit.model import Attempt, Inputs, Seal


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
        self._file = (folder / JOURNAL).open("xb", buffering=0)
        self._n = 0
        self._prev = GENESIS

    def start(self, inputs: Inputs) -> None:
        """Write the first line."""
        self._append("start", {"format": FORMAT, "inputs": to_builtins(inputs)})

    def attempt(self, attempt: Attempt) -> None:
        """Write one execution of a check, its larger evidence as blobs."""
        self.attempt_data(to_builtins(attempt))

    def attempt_data(self, data: dict[str, Any]) -> None:
        """The same for an attempt that is already in its JSON form, as it travels from an xdist worker."""
        for piece in data["evidence"]:
            body = piece["body"]
            # An ASCII text has as many bytes as characters; only longer texts need a closer look.
            if len(body) * 4 > INLINE_LIMIT and len(raw := body.encode("utf-8", "backslashreplace")) > INLINE_LIMIT:
                piece["body"] = ""
                piece["blob"] = self._store(raw)
        self._append("attempt", data)

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

    def _append(self, kind: str, data: dict[str, Any]) -> None:
        line, digest = encode(self._n, self._prev, kind, data)
        rest = memoryview(line)
        while rest:
            # Unbuffered: what can't be written raises here, and nothing waits to fail again at close.
            rest = rest[self._file.write(rest) :]
        self._n += 1
        self._prev = digest

    def _store(self, raw: bytes) -> str:
        digest = hashlib.sha256(raw).hexdigest()
        path = self.folder / EVIDENCE / digest
        if not path.exists():
            partial = path.with_suffix(f".{os.getpid()}.tmp")
            partial.write_bytes(raw)
            partial.replace(path)
        return digest
