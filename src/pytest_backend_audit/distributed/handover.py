"""What a worker tells the controller besides its reports: the plan, as a file in a folder that the controller made.

xdist's controller does not collect, and its channel carries only its own events. Workers of an audit run on this
machine, so a file does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from pytest_backend_audit.collect import PLAN, Collected

_COLLECTED = TypeAdapter(Collected)


def write(folder: Path, worker: str, collected: Collected) -> None:
    """Leave what a worker collected for the controller."""
    partial = folder / f"{worker}.tmp"
    partial.write_bytes(_COLLECTED.dump_json(collected))
    partial.replace(folder / f"{worker}.json")


def read(folder: Path, worker: str) -> Collected | None:
    """What that worker left, or None."""
    path = folder / f"{worker}.json"
    return _COLLECTED.validate_json(path.read_bytes()) if path.is_file() else None


class Worker:
    """The worker's side."""

    def __init__(self, workerinput: dict[str, Any]) -> None:
        self._folder = Path(workerinput["backend_audit"]["folder"])
        self._name: str = workerinput["workerid"]
        self._session: pytest.Session | None = None
        self._left = False
        """Whether somebody left by ``pytest.exit``."""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Learn whose end is to be told."""
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Pass on that a check left by ``pytest.exit``, as a stop of the whole run.

        By itself xdist tells that to its controller for exit status 2 only, and then the controller takes the worker
        for one that crashed; with any other, for one that is done, finds a check in its hands, and ends with an
        internal error.
        """
        left = excinfo.value
        if self._session is not None and isinstance(left, pytest.exit.Exception):
            self._session.shouldstop = left.msg or "pytest.exit"
            self._left = True

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep the exit status of an interruption from xdist, which has noted it just before."""
        if self._left:
            session.config.workeroutput["exitstatus"] = int(pytest.ExitCode.TESTS_FAILED)  # type: ignore[attr-defined]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Hand the plan over before xdist tells the controller that collection is finished."""
        collected = session.config.stash.get(PLAN, None)
        if collected is not None:  # none where collection itself ended in an error, which pytest tells
            write(self._folder, self._name, collected)
