"""Restarting something by a command, and seeing that it went away and came back."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.common import one_line
from pytest_backend_audit.targets.faults.probe import Held, Probe

STEP = 0.05


@contextmanager
def restarting(command: Sequence[str], probe: Probe, folder: Path, within: float) -> Iterator[str]:
    """Run the command; the block begins when a connection that stood has ended, and gives what was seen.

    Args:
        command: Program and arguments, without a shell.
        probe: Reaches what is restarted.
        folder: Working directory of the command.
        within: Seconds that it may take.

    Raises:
        CouldNotRun: There is no such program, nothing was seen, or the command failed or did not end in time.
    """
    program = shutil.which(command[0])
    if program is None:
        raise CouldNotRun(f"{command[0]} is not installed, or not on PATH: it is to restart something")
    try:
        held = probe.held(within)
    except OSError as error:
        raise CouldNotRun(f"{probe.address} takes no connection: {error}") from None
    # A file, not a pipe: a server that the command starts may live on and hold a pipe open.
    with tempfile.TemporaryFile() as said:
        begun = time.monotonic()
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield _ended(held, process, begun, within)
            process.wait(max(STEP, within - (time.monotonic() - begun)))
        except subprocess.TimeoutExpired:
            raise CouldNotRun(f"{command[0]} did not end within {within:g} s") from None
        finally:
            held.close()
            if process.poll() is None:
                with suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if process.returncode != 0:
            said.seek(0)
            words = one_line(said.read(4096).decode("utf-8", "replace"))
            raise CouldNotRun(f"{command[0]} ended with status {process.returncode}: {words}")


def _ended(held: Held, process: subprocess.Popen[bytes], begun: float, within: float) -> str:
    while not held.ended(STEP):
        over = process.poll() is not None
        if over and held.ended(1.0):
            break
        if over or time.monotonic() - begun > within:
            raise CouldNotRun("the restart was not seen: a connection that stood before is still there")
    return f"a connection that stood ended {time.monotonic() - begun:.1f} s after the command began"
