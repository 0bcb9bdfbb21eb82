"""The one who switches off the light: a process that ends what we started if we end without doing so.

It reads lines from its standard input, a pipe whose other end only we hold: ``+PID SIGNAL`` and ``-PID`` as children
come and go, ``rm PATH`` for the folder to remove. When the pipe closes, however we ended, it acts on what is left.
Run as ``python guard.py``: it needs nothing but the standard library.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

_PATIENCE = 5.0


class _Guard:
    """Our end of the pipe."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-I", str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )
        atexit.register(self.close)

    def tell(self, line: str) -> None:
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):
            self._child.stdin.write(line + "\n")
            self._child.stdin.flush()

    def close(self) -> None:
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):
            self._child.stdin.close()
        self._child.wait()


@cache
def _guard() -> _Guard:
    return _Guard()


def watch(pid: int, stop_signal: signal.Signals) -> None:
    """Stop this child of ours, by that signal first, if we end without having done so."""
    _guard().tell(f"+{pid} {int(stop_signal)}")


def forget(pid: int) -> None:
    """This child has ended."""
    _guard().tell(f"-{pid}")


def remove_at_end(folder: Path) -> None:
    """Remove this folder when we have ended, if it is still there."""
    _guard().tell(f"rm {folder}")


def main() -> None:
    """Read until the pipe closes, then clean up."""
    children: dict[int, int] = {}
    folders: list[str] = []
    for line in sys.stdin:
        text = line.rstrip("\n")
        if text.startswith("+"):
            pid, number = map(int, text[1:].split())
            children[pid] = number
        elif text.startswith("-"):
            children.pop(int(text[1:]), None)
        elif text.startswith("rm "):
            folders.append(text[3:])
    for by_force in (False, True):
        for pid, number in reversed(children.items()):  # clients before servers
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL if by_force else number)
        deadline = time.monotonic() + _PATIENCE
        while any(map(_lives, children)) and time.monotonic() < deadline:
            time.sleep(0.05)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    # In a container whose first process doesn't look after orphans, they stay as zombies: those have ended.
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


if __name__ == "__main__":
    main()
