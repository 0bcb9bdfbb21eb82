"""One check's deadline: a timer that turns a check that hangs into one that could not run."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from pytest_backend_audit.errors import CouldNotRun


class DeadlinePassed(CouldNotRun):
    """The check ran longer than ``audit_timeout`` allows."""


class Deadline:
    """Interrupts its block after some seconds of wall time; 0 means never.

    Works in the main thread of a process, where pytest and xdist run tests; elsewhere there is no deadline but the
    targets' own. A class of its own, as it stands around each phase of each check.

    Raises:
        DeadlinePassed: Inside the block.
    """

    __slots__ = ("_on", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._on = seconds > 0 and threading.current_thread() is threading.main_thread()

    def arm(self) -> None:
        """Take the signal: once a check, as another plugin, or the check before, may have taken it since."""
        if self._on:
            signal.signal(signal.SIGALRM, self._interrupt)

    def __enter__(self) -> None:
        if self._on:
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(self, *_error: object) -> None:
        if self._on:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        raise DeadlinePassed(f"deadline of the check passed: {self._seconds:g} s (ini value audit_timeout)")
