"""The record of a run: a chained file of events, an evidence store beside it, and their reader."""

from pytest_backend_audit.journal.format import FORMAT, JOURNAL, State
from pytest_backend_audit.journal.reader import AGAIN, Record, RunError, Verification, read_run, verify_run
from pytest_backend_audit.journal.writer import Writer

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
