"""A finished run, read back from its folder: its records, its sign-off, its card.

A folder holds one run, or a merge of several: then `MERGE` names the runs below `SOURCES`, each a whole run folder.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_backend_audit.journal import JOURNAL, Record, RunError, read_run
from pytest_backend_audit.model import Card, SignOff
from pytest_backend_audit.scoring import score, score_merged

MERGE = "merge.json"
SOURCES = "sources"


@dataclass(frozen=True, slots=True)
class Finished:
    """A run, or a merge of runs."""

    folder: Path
    records: tuple[Record, ...]
    """One; of a merge, one for each source, in the order of `MERGE`."""
    card: Card
    sign_off: SignOff | None = None
    no_sign_off: str = ""
    """Why a sign-off that lies in the folder does not count; empty if none lies there, or it counts."""

    @property
    def merged(self) -> bool:
        """Whether it is a merge."""
        return (self.folder / MERGE).is_file()

    @property
    def heads(self) -> tuple[str, ...]:
        """Last hash of each journal."""
        return tuple(r.head for r in self.records)


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, or a merge of runs."""
    return (folder / JOURNAL).is_file() or (folder / MERGE).is_file()


def sources(folder: Path) -> tuple[Path, ...]:
    """The run folders that a folder's card is made from: itself, or those that `MERGE` names.

    Raises:
        RunError: `MERGE` can't be read.
    """
    if not (folder / MERGE).is_file():
        return (folder,)
    try:
        data: Any = json.loads((folder / MERGE).read_bytes())
        names = [str(entry["folder"]) for entry in data["sources"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunError(f"{folder / MERGE}: can't be read as the list of merged runs ({error}); merge again") from None
    if not names:
        raise RunError(f"{folder / MERGE}: names no run; merge again")
    for name in names:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise RunError(f"{folder / MERGE}: names {name}, which is not below it; merge the runs again")
    return tuple(folder / name for name in names)


def load(folder: Path) -> Finished:
    """Read a run and compute its card.

    Raises:
        RunError: It is no run, is of another version, or was altered.
        ValueError: Its journal can't be scored.
    """
    records = tuple(read_run(source) for source in sources(folder))
    if (folder / MERGE).is_file():
        card = score_merged((r.inputs, r.attempts, r.seal) for r in records)
    else:
        (record,) = records
        card = score(record.inputs, record.attempts, record.seal)
    return Finished(folder, records, card)
