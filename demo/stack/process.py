"""Child processes that are known by their id, log to a file, and don't outlive us."""

from __future__ import annotations

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from pytest_backend_audit.demo.stack import guard

START_TIMEOUT = 30.0
"""Seconds within which a server has to give its first good answer; each needs about one."""
STOP_TIMEOUT = 15.0
"""Seconds between asking a process to stop and making it."""
_LOG_TAIL = 2_000
_MISSING_LIBRARY = re.compile(r"error while loading shared libraries: (\S+): cannot open")
"""What glibc's loader says."""
_PACKAGES = {"libz.so.1": "zlib1g"}
"""Library -> Debian package, of those that the wheels' servers need beside libc."""
_LOWEST_PORT, _LOWEST_OUTGOING_PORT = 18_000, 32_768
"""Linux gives outgoing connections ports from 32768 up, macOS from 49152."""


class StackError(RuntimeError):
    """A part of the stack does not start, or does not do what it was told; the message has the end of its log."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at the moment.

    It lies below those that the system gives to outgoing connections: until the server binds it, one of these could
    take it. At random, so that two stacks that start together don't try the same.
    """
    for port in random.SystemRandom().sample(range(_LOWEST_PORT, _LOWEST_OUTGOING_PORT), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise StackError(f"no free port between {_LOWEST_PORT} and {_LOWEST_OUTGOING_PORT} on 127.0.0.1")


@contextlib.contextmanager
def _signals_deferred() -> Iterator[None]:
    """Let signals wait until the block has ended, so that none can come between a child's birth and our knowing it.

    Blocking them would be simpler, but children would inherit that.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are for the main thread alone
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def wait_for(
    condition: Callable[[], object],
    what: str,
    *,
    timeout: float = START_TIMEOUT,
    process: Process | None = None,
    pause: float = 0.05,
) -> None:
    """Wait until `condition` gives something true.

    An exception of the condition counts as "not yet".

    Args:
        condition: Asks the server itself, as a client of it would.
        what: What is awaited, for the message.
        timeout: Seconds.
        process: Whose end makes waiting pointless, and whose log explains a failure.
        pause: Seconds between two looks.

    Raises:
        StackError: It took too long, or the process ended.
    """
    deadline = time.monotonic() + timeout
    last: Exception | None = None
    while True:
        try:
            if condition():
                return
        except Exception as error:  # noqa: BLE001 - whatever the client raises, it is no answer yet
            last = error
        if process is not None and (status := process.poll()) is not None:
            raise StackError(f"{process.name} ended with status {status} while we waited for {what}{process.tail()}")
        if time.monotonic() > deadline:
            reason = f": {last}" if last else ""
            raise StackError(f"{what}: not within {timeout:g} s{reason}{process.tail() if process else ''}")
        time.sleep(pause)


class Process:
    """One child process."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: int | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        """Start it.

        Args:
            name: For messages.
            argv: Program and arguments.
            log: File that gets its output. A pipe would fill up, and could keep us from ending.
            env: Variables in addition to our own.
            cwd: Working directory; the log's folder, if not given.
            user: Numeric id of the user (and group) to run as; ours, if not given.
            stop_signal: What asks it to stop.

        Raises:
            StackError: We may not run the program.
        """
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        with log.open("ab") as output, _signals_deferred():
            try:
                self._child: subprocess.Popen[bytes] = subprocess.Popen(
                    [str(part) for part in argv],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **(env or {})},
                    cwd=cwd or log.parent,
                    start_new_session=True,  # a Ctrl-C is for us; we stop the children in order
                    user=user,
                    group=user,
                    extra_groups=None if user is None else [],
                )
            except PermissionError as error:
                raise StackError(
                    f"{error.filename} can't be run here (permission denied). If its file system is mounted noexec,"
                    " set TMPDIR to a folder on another one that everybody can enter."
                ) from None

            guard.watch(self._child.pid, stop_signal)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._child.pid

    def poll(self) -> int | None:
        """Exit status, or None while it runs."""
        return self._child.poll()

    def tail(self) -> str:
        """The end of its log, or what it says this machine lacks, ready to be added to a message."""
        with contextlib.suppress(OSError):
            text = self.log.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").strip()
            if lacks := _MISSING_LIBRARY.search(text):
                package = _PACKAGES.get(lacks[1], "the package that holds it")
                return f": this machine lacks the shared library {lacks[1]} (Debian: apt install {package})"
            if text:
                return f"\n--- end of {self.log}\n{text}"
        return ""

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            self._child.send_signal(number)

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Ask it to stop, and make it if it doesn't."""
        self.send(self._stop_signal)
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        guard.forget(self._child.pid)


def python(module: str, *arguments: str | int) -> list[str]:
    """Command line that runs a module of ours; the working directory is kept out of its import path."""
    return [sys.executable, "-P", "-m", module, *map(str, arguments)]
