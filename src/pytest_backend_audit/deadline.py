"""One check's deadline: a timer that turns a check that hangs into one that could not run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pytest_backend_audit.errors import CouldNotRun


class DeadlinePassed(CouldNotRun):
    """The check ran longer than ``audit_timeout`` allows."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Interrupt the block after `seconds` of wall time; 0 means no deadline.

    Works in the main thread of a process, where pytest and xdist run tests; elsewhere there is no deadline but the
    targets' own.

    Raises:
        DeadlinePassed: Inside the block.
    """
    if seconds <= 0 or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise DeadlinePassed(f"deadline of the check passed: {seconds:g} s (ini value audit_timeout)")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
