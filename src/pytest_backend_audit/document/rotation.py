"""Making room in the report folder: the run that is there moves to ``earlier/NNN-SHA7``. Nothing is ever deleted."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

from pytest_backend_audit.errors import AuditUsageError

EARLIER = "earlier"
JOURNAL = "journal.jsonl"
SCORECARD = "scorecard.json"
LOCK = ".running"
_STAYS = frozenset({EARLIER, LOCK, ".gitignore"})
_NAME = re.compile(r"(\d{3,})-([0-9a-z]+)")


_held: dict[Path, int] = {}
"""Locks of this process: they end with it, however it ends."""


def rotate(report_dir: Path) -> int:
    """Move the run that a report folder holds to ``earlier/NNN-SHA7``, number the next one, and hold the folder.

    The folder stays this process's until it ends: a second run that wants it at the same time is refused.

    Args:
        report_dir: Report folder; it is made where need be.

    Returns:
        The number of the run to come, from 1 on.

    Raises:
        AuditUsageError: The folder is another running audit's, holds files of others and no run, is a file, or can't
            be written.
    """
    try:
        _refuse_foreign(report_dir)
        report_dir.mkdir(parents=True, exist_ok=True)
        _hold(report_dir)
        if present := _present(report_dir):
            _move(report_dir, present)
        return next_number(report_dir)
    except (NotADirectoryError, FileExistsError):
        raise AuditUsageError(f"--audit-report={report_dir}: that is a file; name a folder") from None
    except OSError as error:
        raise AuditUsageError(
            f"--audit-report={report_dir}: the folder can't be made ready: {error.strerror}; "
            "make it writable, or name another"
        ) from None


def _present(report_dir: Path) -> list[Path]:
    # The journal makes it a run, so it goes first: what is left behind by a kill in between is no run any more.
    inside = report_dir.iterdir() if report_dir.exists() else ()
    return sorted((p for p in inside if p.name not in _STAYS), key=lambda p: (p.name != JOURNAL, p.name))


def _refuse_foreign(report_dir: Path) -> None:
    present = _present(report_dir)
    names = {p.name for p in present}
    ours = bool(names & {JOURNAL, SCORECARD}) or (report_dir / EARLIER).is_dir()
    if present and not ours:
        raise AuditUsageError(
            f"--audit-report={report_dir}: the folder holds {present[0].name} and no run of an audit; "
            "nothing is touched there. Give the report a folder of its own"
        )


def _hold(report_dir: Path) -> None:
    key = report_dir.resolve()
    if key in _held:
        return
    handle = os.open(report_dir / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise AuditUsageError(
            f"--audit-report={report_dir}: another audit is writing there; wait for it, or give this one another folder"
        ) from None
    _held[key] = handle


def next_number(report_dir: Path) -> int:
    """The number after the highest in ``earlier/``."""
    return max((n for n, _ in runs_in(report_dir)), default=0) + 1


def runs_in(report_dir: Path) -> Iterator[tuple[int, Path]]:
    """Number and folder of each earlier run, in their order."""
    folder = report_dir / EARLIER
    found = [(int(m[1]), p) for p in folder.iterdir() if (m := _NAME.fullmatch(p.name))] if folder.is_dir() else []
    yield from sorted(found)


def name_of(number: int, run: Path) -> str:
    """``NNN-SHA7`` for a run folder, by the commit that its journal or card names."""
    return f"{number:03d}-{_commit(run)[:7] or 'none'}"


def _move(report_dir: Path, present: list[Path]) -> None:
    destination = _claimed(report_dir)
    for path in present:
        path.rename(destination / path.name)


def _claimed(report_dir: Path) -> Path:
    (report_dir / EARLIER).mkdir(exist_ok=True)
    number = next_number(report_dir)
    while True:
        destination = report_dir / EARLIER / name_of(number, report_dir)
        try:
            destination.mkdir()
        except FileExistsError:
            number += 1
        else:
            return destination


def _commit(run: Path) -> str:
    try:
        with (run / JOURNAL).open("rb") as file:
            told = json.loads(file.readline())["data"]["inputs"]["document"]["commit"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        try:
            told = json.loads((run / SCORECARD).read_bytes())["document"]["commit"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ""
    return told.lower() if isinstance(told, str) and re.fullmatch(r"[0-9a-fA-F]{7,64}", told) else ""
