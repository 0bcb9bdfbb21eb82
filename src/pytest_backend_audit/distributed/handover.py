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

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Hand the plan over before xdist tells the controller that collection is finished."""
        write(self._folder, self._name, session.config.stash[PLAN])
