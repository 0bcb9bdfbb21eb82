"""A phase's deadline: what turns a check that hangs into one that could not run."""

from __future__ import annotations

import _thread
import math
import signal
import threading
import time
from types import FrameType

import pytest

from pytest_backend_audit.errors import CouldNotRun

SIGNAL = signal.SIGVTALRM
"""Hardly anybody's: SIGALRM is pytest-timeout's, whose own deadline goes on beside this one."""


class DeadlinePassed(CouldNotRun):
    """A phase of the check ran longer than ``audit_timeout`` allows."""


STOPS = (KeyboardInterrupt, SystemExit, pytest.exit.Exception)
"""What ends the whole run, which a deadline does not hold up."""


class Deadline:
    """Interrupts its block after some seconds of wall time; 0 means never.

    A thread watches the clock and sends the main thread a signal, which ends even a read that hangs. It costs a block
    no more than to note the time; a timer of the system's would be set and stopped in each of three phases of each
    check. Works in the main thread of a process, where pytest and xdist run tests; elsewhere there is no deadline but
    the targets' own.

    A block that catches the interruption has not made up for the time: it ends in the same way.

    Raises:
        DeadlinePassed: Inside the block, and again at its end if something else came of it.
    """

    __slots__ = ("_before", "_fired", "_on", "_over", "_seconds", "_until")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._on = False
        self._until = math.inf
        """Reading of the monotonic clock at which the block is interrupted."""
        self._over = _thread.allocate_lock()
        """Held while the thread is to watch."""
        self._fired = False
        """Whether this block was interrupted."""
        self._before: object = None

    def start(self) -> None:
        """Take the signal, and begin to watch."""
        if self._seconds <= 0 or threading.current_thread() is not threading.main_thread():
            return
        self._before = signal.signal(SIGNAL, self._interrupt)
        self._over.acquire()
        self._on = True
        # Not one of threading's, which a check that looks at its threads would find among its own.
        _thread.start_new_thread(self._watch, ())

    def stop(self) -> None:
        """Watch no longer, and give the signal back."""
        if not self._on:
            return
        self._on = False
        self._over.release()
        if signal.getsignal(SIGNAL) == self._interrupt:
            signal.signal(SIGNAL, self._before)  # type: ignore[arg-type]

    def __enter__(self) -> None:
        if self._on:
            self._fired = False
            self._until = time.monotonic() + self._seconds

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._until = math.inf
        if self._fired and not isinstance(error, (DeadlinePassed, *STOPS)):
            raise self._passed() from error

    def _watch(self) -> None:
        longest = min(self._seconds, threading.TIMEOUT_MAX)
        wait = longest
        while not self._over.acquire(timeout=wait):
            left = self._until - time.monotonic()
            # A block that begins while the thread sleeps has all its seconds before it.
            wait = longest if left <= 0 else min(left, longest)
            # A check that took the signal for a purpose of its own keeps it, and has no deadline then.
            if left <= 0 and signal.getsignal(SIGNAL) == self._interrupt:
                signal.pthread_kill(threading.main_thread().ident or 0, SIGNAL)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._until <= time.monotonic():
            self._until = math.inf
            self._fired = True
            raise self._passed()

    def _passed(self) -> DeadlinePassed:
        return DeadlinePassed(f"deadline of the check passed: {self._seconds:g} s (ini value audit_timeout)")
