"""What ended the threads that a check started: Python prints it and pytest warns of it, and the check passes."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterable

import pytest

from pytest_backend_audit.judging import leaves

_LEAVES = (SystemExit, KeyboardInterrupt, pytest.exit.Exception)
"""What ends a thread on purpose, or means the run, which a thread can't end."""


class ThreadErrors:
    """Notes the errors of threads that a check has started; those of others are somebody else's affair.

    Who started a thread nobody knows. One that ran before the call is a stranger; of the others an assertion or a skip
    is the check's, and any other error if it came through the check's own file: a server that somebody else has started
    may answer each connection in a new thread.
    """

    def __init__(self) -> None:
        self._hook = self._note  # a bound method is another object each time
        self._before = threading.excepthook
        self._strangers: frozenset[threading.Thread] | None = None
        self._file = ""
        self._raised: list[BaseException] = []
        self._taken: list[BaseException] = []

    def start(self) -> None:
        """Begin to listen; whoever listened before goes on to."""
        self._before = threading.excepthook
        threading.excepthook = self._hook

    def stop(self) -> None:
        """Listen no longer."""
        if threading.excepthook is self._hook:
            threading.excepthook = self._before

    def begin(self, strangers: frozenset[threading.Thread], file: str) -> None:
        """A check's call begins.

        Args:
            strangers: Threads that run already.
            file: The check's, as its code has it.
        """
        self._strangers, self._file = strangers, file

    def end(self) -> None:
        """The check is over, its teardown included."""
        self._strangers = None
        self._raised.clear()
        self._taken.clear()

    def take(self) -> list[BaseException]:
        """The errors since the last call of this."""
        taken, self._raised = self._raised, []
        self._taken += taken
        return taken

    def without(self, errors: Iterable[BaseException]) -> list[BaseException]:
        """Errors but pytest's warnings of those that were taken, which are raised where warnings are errors."""
        return [error for error in errors if not self._is_told(error)]

    def only_tells(self, error: BaseException) -> bool:
        """Whether an error is nothing but pytest's warnings, raised, of what was taken."""
        return not self.without(leaves(error))

    def _is_told(self, error: BaseException) -> bool:
        told = isinstance(error, pytest.PytestUnhandledThreadExceptionWarning)
        return told and any(error.__cause__ is taken for taken in self._taken)

    def _note(self, args: threading.ExceptHookArgs) -> None:
        strangers, error = self._strangers, args.exc_value
        if strangers is not None and error is not None and args.thread not in strangers and self._is_ours(error):
            self._raised.append(error)
        self._before(args)

    def _is_ours(self, error: BaseException) -> bool:
        if isinstance(error, _LEAVES):
            return False
        says = (AssertionError, pytest.fail.Exception, pytest.skip.Exception)
        frames = traceback.walk_tb(error.__traceback__)
        return isinstance(error, says) or any(frame.f_code.co_filename == self._file for frame, _ in frames)


__all__ = ["ThreadErrors"]
