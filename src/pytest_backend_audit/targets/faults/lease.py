"""The process that keeps a fault to its lease, seen from the audit."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_backend_audit.targets.faults import keeper
from pytest_backend_audit.targets.faults.keeper import Call


class Keeper:
    """Stands by while a fault is on: ``with Keeper(...) as keeper: ...``. It outlives us, and then undoes the fault."""

    def __init__(self, file: Path, id_: str, lease: float, back: Sequence[Call]) -> None:
        job = {"file": str(file.resolve()), "id": id_, "lease": lease, "undo": [dict(c) for c in back]}
        self._until = time.monotonic() + lease
        self._process = subprocess.Popen(
            [sys.executable, "-I", keeper.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job).encode() + b"\n")
        self._process.stdin.flush()
        self._left = False

    @property
    def over(self) -> bool:
        """Whether the lease is over, and the fault with it."""
        return time.monotonic() >= self._until or self._process.poll() is not None

    def leave(self) -> None:
        """Let it undo the fault by itself, now."""
        self._left = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            if not self._left:
                self._process.stdin.write(b"done\n")
            self._process.stdin.close()
        if not self._left:
            self._process.wait()
        else:
            # Nobody waits for it; without this Python would complain that we didn't.
            self._process.returncode = 0
