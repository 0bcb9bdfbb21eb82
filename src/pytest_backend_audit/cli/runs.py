"""From a run folder to its card, for the commands that look at one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_backend_audit.model import Card

DEFAULT = "audit-report"
"""Where runs are, unless told otherwise."""


def add_run(parser: Any) -> None:
    """Give a command its argument RUN."""
    parser.add_argument("folder", metavar="RUN", nargs="?", default=DEFAULT, help=f"run folder (default {DEFAULT})")


def card_of(folder: str) -> Card:
    """The card of the run in a folder, computed anew from its journal.

    Raises:
        ValueError: It is no run folder, or can't be read as one; the message is for the user.
    """
    from pytest_backend_audit.journal import read_run  # noqa: PLC0415 - heavy
    from pytest_backend_audit.scoring import score  # noqa: PLC0415 - heavy

    try:
        record = read_run(Path(folder))
    except OSError as error:
        raise ValueError(f"{error.filename or folder} can't be read: {error.strerror}") from error
    try:
        return score(record.inputs, record.attempts, record.seal)
    except ValueError as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{folder}: its journal can't be scored, was it written by another version? {said}") from error
