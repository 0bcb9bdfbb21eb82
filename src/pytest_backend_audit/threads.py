"""What ended the threads that a check started: Python prints it and pytest warns of it, and the check passes."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import pytest

from pytest_backend_audit.judging import leaves


class ThreadErrors:
    """Notes the errors of threads that were started in a check's call; those of others are somebody else's affair."""

    def __init__(self) -> None:
        self._hook = self._note  # a bound method is another object each time
        self._before = threading.excepthook
        self._strangers: frozenset[threading.Thread] | None = None
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

    def begin(self, strangers: frozenset[threading.Thread]) -> None:
        """A check's call begins.

        Args:
            strangers: Threads that run already.
        """
        self._strangers = strangers

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
        if strangers is not None and error is not None and args.thread not in strangers:
            self._raised.append(error)
        self._before(args)


__all__ = ["ThreadErrors"]
