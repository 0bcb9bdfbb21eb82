"""A check's deadline: a timer that turns a check that hangs into one that could not run."""

from __future__ import annotations

import signal
import threading
from types import FrameType

from pytest_backend_audit.errors import CouldNotRun


class DeadlinePassed(CouldNotRun):
    """Set-up, call or teardown of the check ran longer than ``audit_timeout`` allows."""


class Deadline:
    """Interrupts its block after some seconds of wall time; 0 means never.

    Works in the main thread of a process, where pytest and xdist run tests; elsewhere there is no deadline but the
    targets' own. Stands around each phase of each check. The phases don't share the seconds: the set-up of a fixture
    of wider scope would be taken from whichever check comes first, and a call that used them up would leave none for
    undoing what it did. So the timer starts anew for each block; it is stopped once a check, in `disarm`, and may go
    off unheard in between.

    Raises:
        DeadlinePassed: Inside the block.
    """

    __slots__ = ("_inside", "_on", "_seconds")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._on = seconds > 0 and threading.current_thread() is threading.main_thread()
        self._inside = False

    def arm(self) -> None:
        """Take the signal: once a check, as another plugin, or the check before, may have taken it since."""
        if self._on and signal.getsignal(signal.SIGALRM) != self._interrupt:
            signal.signal(signal.SIGALRM, self._interrupt)

    def disarm(self) -> None:
        """Stop the timer."""
        if self._on:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def __enter__(self) -> None:
        if self._on:
            signal.setitimer(signal.ITIMER_REAL, self._seconds)
            self._inside = True

    def __exit__(self, *_error: object) -> None:
        self._inside = False

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        if self._inside:
            raise DeadlinePassed(f"deadline of the check passed: {self._seconds:g} s (ini value audit_timeout)")
