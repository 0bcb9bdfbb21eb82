"""``faults.jsonl`` in a run folder: what was set, and how to undo it, on the disk before it was set."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_backend_audit.targets.faults.keeper import ApiError, append, undo

FILE = "faults.jsonl"
EARLIER = "earlier"


@dataclass(frozen=True, slots=True)
class Open:
    """A fault that was set, and of which nothing says that it was undone."""

    file: Path
    line: int
    id: str
    what: str
    """``latency of 5 s on redis``."""
    undo: tuple[dict[str, Any], ...]
    """Requests that undo it; none for a restart."""

    @property
    def place(self) -> str:
        """``FILE:LINE``."""
        return f"{self.file}:{self.line}"


def open_in(folder: Path) -> list[Open]:
    """Open records of one run folder.

    Raises:
        ValueError: Its file holds a line that is no record; the message names it.
    """
    return _open(folder / FILE)


def open_below(report_folder: Path) -> list[Open]:
    """Open records of a report folder: of the run that it holds, and of earlier ones.

    Raises:
        ValueError: As `open_in`.
    """
    files = [report_folder / FILE, *sorted(report_folder.glob(f"{EARLIER}/*/{FILE}"))]
    return [found for file in files for found in _open(file)]


def revert(found: Iterable[Open]) -> Iterator[tuple[Open, str]]:
    """Undo what is open, the latest first.

    Yields:
        Each with why it could not be undone; an empty text if it was.
    """
    for each in reversed(list(found)):
        try:
            undo(each.undo)
        except ApiError as error:
            yield each, str(error)
        else:
            append(each.file, {"id": each.id, "event": "undone", "by": "backend-audit revert"})
            yield each, ""


def _open(file: Path) -> list[Open]:
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    found: dict[str, Open] = {}
    for number, line in enumerate(lines, 1):
        try:
            fact = json.loads(line)
            if fact["event"] == "setting":
                found[fact["id"]] = Open(file, number, fact["id"], str(fact["what"]), tuple(fact["undo"]))
            elif fact["event"] == "undone":
                found.pop(fact["id"], None)
        except (ValueError, KeyError, TypeError) as error:
            # A torn last line was never followed by its fault: the record is whole before that is set.
            if number == len(lines) and isinstance(error, ValueError):
                continue
            raise ValueError(f"{file}:{number}: no record of a fault: {line[:80]!r}") from None
    return list(found.values())
