"""The record of a run: a chained file of events, an evidence store beside it, and their reader.

The reader loads on first use: a run has no use for it before its end.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.journal.format import FORMAT, JOURNAL, State
from pytest_backend_audit.journal.writer import Writer

if TYPE_CHECKING:
    from pytest_backend_audit.journal.reader import AGAIN, Record, RunError, Verification, read_run, verify_run

__all__ = [
    "AGAIN",
    "FORMAT",
    "JOURNAL",
    "Record",
    "RunError",
    "State",
    "Verification",
    "Writer",
    "read_run",
    "verify_run",
]

_OF_READER = frozenset(("AGAIN", "Record", "RunError", "Verification", "read_run", "verify_run"))


def __getattr__(name: str) -> Any:
    if name not in _OF_READER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.reader"), name)
