"""From a run folder to its card, for the commands that look at one."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_backend_audit.finished import Finished
    from pytest_backend_audit.model import Card

JOURNAL = "journal.jsonl"
MERGE = "merge.json"
DEFAULT = "audit-report"
"""Where runs are, unless told otherwise."""
NO_RUN = f"pytest --audit leaves a run in {DEFAULT}, or where --audit-report says"


def add_run(parser: Any) -> None:
    """Give a command its argument RUN."""
    parser.add_argument(
        "folder", metavar="RUN", nargs="?", default=DEFAULT, type=_found, help=f"run folder (default {DEFAULT})"
    )


def usual() -> str:
    """The folder of a run that nobody named: the usual one, here or at the repository's top."""
    return _found(DEFAULT)


def _found(given: str) -> str:
    """The folder as named; that of the repository's top where the usual one is meant, and is not in this folder."""
    if given != DEFAULT or Path(given).exists():
        return given
    from pytest_backend_audit.document import find_repository  # noqa: PLC0415 - heavy

    top = find_repository(Path())
    return os.path.relpath(top / DEFAULT) if top is not None and _is_run(top / DEFAULT) else given


def add_signers(parser: Any) -> None:
    """Give a command its option --allowed-signers."""
    parser.add_argument(
        "--allowed-signers",
        metavar="FILE|REV:PATH",
        default="",
        help="whose sign-off counts, instead of what the repository says at the audited commit: for a run away from "
        "its repository, or to hold it to a protected branch (main:audits/allowed_signers)",
    )


def run_folder(given: str) -> Path:
    """The folder, once it holds a run.

    Raises:
        ValueError: It doesn't; the message says what would.
    """
    folder = Path(given)
    if _is_run(folder):
        return folder
    near = next((f for f in (folder / DEFAULT, folder.parent) if _is_run(f)), None)
    way_out = f"did you mean {near}?" if near else NO_RUN
    if folder.is_file():
        what = f"; name its run folder: {near}" if near else f", and no run is there; {NO_RUN}"
        raise ValueError(f"{given}: that is a file{what}")
    if not folder.is_dir():
        raise ValueError(f"{given}: there is no such folder; {way_out}")
    if (folder / "sources").is_dir():
        raise ValueError(f"{given}: a merge without its {MERGE}; copy the whole folder, or merge the runs again")
    raise ValueError(f"{given}: not a run folder (it has no {JOURNAL}); {way_out}")


def card_of(folder: str, allowed_signers: str = "") -> Card:
    """The card of the run in a folder, computed anew from its journal and its sign-off.

    That a sign-off lies there and does not count is said on standard error.

    Raises:
        ValueError: It is no run folder, or can't be read as one; the message is for the user.
    """
    found = finished(folder, allowed_signers)
    if found.no_sign_off:
        sys.stderr.write(f"backend-audit: {not_counted(found)}\n")
    return found.card


def not_counted(found: Finished) -> str:
    """That a sign-off does not count, and why."""
    return f"the sign-off does not count: {found.no_sign_off}"


def finished(folder: str, allowed_signers: str = "") -> Finished:
    """The run in a folder, read back.

    Args:
        folder: As the user named it.
        allowed_signers: A path or ``REVISION:PATH`` (`add_signers`); empty for what the repository says.

    Raises:
        ValueError: It is no run folder, or can't be read as one; the message is for the user.
    """
    from pytest_backend_audit.finished import load  # noqa: PLC0415 - heavy
    from pytest_backend_audit.journal import RunError  # noqa: PLC0415 - heavy

    found = run_folder(folder)
    try:
        return load(found, allowed_signers=allowed_signers)
    except OSError as error:
        raise ValueError(f"{error.filename or folder} can't be read: {error.strerror}") from error
    except RunError:
        raise
    except ValueError as error:
        said = str(error).partition("\n")[0]
        raise ValueError(f"{folder}: its journal can't be scored, was it written by another version? {said}") from error


def _is_run(folder: Path) -> bool:
    return (folder / JOURNAL).is_file() or (folder / MERGE).is_file()
