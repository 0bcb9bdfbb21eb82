"""From a run folder to its card, for the commands that look at one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_backend_audit.model import Card

JOURNAL = "journal.jsonl"
DEFAULT = "audit-report"
"""Where runs are, unless told otherwise."""
NO_RUN = f"pytest --audit leaves a run in {DEFAULT}, or where --audit-report says"


def add_run(parser: Any) -> None:
    """Give a command its argument RUN."""
    parser.add_argument("folder", metavar="RUN", nargs="?", default=DEFAULT, help=f"run folder (default {DEFAULT})")


def run_folder(given: str) -> Path:
    """The folder, once it holds a run.

    Raises:
        ValueError: It doesn't; the message says what would.
    """
    folder = Path(given)
    if (folder / JOURNAL).is_file():
        return folder
    near = next((f for f in (folder / DEFAULT, folder.parent) if (f / JOURNAL).is_file()), None)
    way_out = f"did you mean {near}?" if near else NO_RUN
    if folder.is_file():
        what = f"; name its run folder: {near}" if near else f", and no run is there; {NO_RUN}"
        raise ValueError(f"{given}: that is a file{what}")
    if not folder.is_dir():
        raise ValueError(f"{given}: there is no such folder; {way_out}")
    raise ValueError(f"{given}: not a run folder (it has no {JOURNAL}); {way_out}")


def card_of(folder: str) -> Card:
    """The card of the run in a folder, computed anew from its journal.

    Raises:
        ValueError: It is no run folder, or can't be read as one; the message is for the user.
    """
    from pytest_backend_audit.journal import read_run  # noqa: PLC0415 - heavy
    from pytest_backend_audit.scoring import score  # noqa: PLC0415 - heavy

    try:
        record = read_run(run_folder(folder))
    except OSError as error:
        raise ValueError(f"{error.filename or folder} can't be read: {error.strerror}") from error
    try:
        return score(record.inputs, record.attempts, record.seal)
    except ValueError as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{folder}: its journal can't be scored, was it written by another version? {said}") from error
