"""Joining run folders: whole copies side by side, the list of them, and the reports of their one card.

The folder is made beside its place and moved there in one step, so that no half of a merge is ever found.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_backend_audit import finished
from pytest_backend_audit.document.rotation import EARLIER, LOCK
from pytest_backend_audit.finished import MERGE, SOURCES, Finished, Source
from pytest_backend_audit.journal import Record, RunError, State, read_run, verify_run
from pytest_backend_audit.model import Mode
from pytest_backend_audit.reports.writing import write, write_all
from pytest_backend_audit.scoring import ALIKE_ONLY, FORMAL_ONLY, misfit, missing
from pytest_backend_audit.signoff import present

LEFT_OUT = frozenset({EARLIER, LOCK, ".gitignore"})
"""What lies in a report folder and is no part of the run."""


class MergeError(ValueError):
    """The runs can't be merged; the message names the folders and the way out."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run to be merged."""

    folder: Path
    """Where it was found."""
    record: Record


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge made."""

    folder: Path
    runs: tuple[Run, ...]
    """In the order of the copies: ``sources/01`` is the first."""
    dropped: tuple[tuple[Path, Path], ...]
    """Folders that hold a run that is there already, each with the folder that was taken."""
    finished: Finished
    missing: tuple[str, ...]
    """Ids of the planned checks that none of the runs ran, and instances of those that were run in part."""
    signed: tuple[Path, ...] = ()
    """Folders with a sign-off, which says nothing about the merge."""


def merge(given: Sequence[Path], destination: Path) -> Merged:
    """Join formal runs of one commit, one audit.yaml and one standard into a new folder.

    The same runs give the same bytes, in whatever order they are named, merged before or not.

    Args:
        given: Run folders, or folders of a merge, which stand for their sources.
        destination: The new folder; missing or empty.

    Raises:
        MergeError: They don't belong together, one is no good run, or the folder can't take them.
        RunError: One can't be read.
        OSError: A file can't be read or written.
    """
    for folder in given:
        _refuse_altered_merge(folder)
    folders = [source for folder in given for source in finished.sources(folder)]
    _refuse_place(destination, [*given, *folders])
    runs, dropped = _distinct([_run(folder) for folder in folders])
    _refuse_unlike(runs)
    # Beside its place: a rename works within one file system only.
    building = destination.parent / f".{destination.name}.{os.getpid()}.part"
    try:
        building.mkdir(parents=True)
    except OSError as error:
        raise MergeError(f"{destination} can't be made: {error.strerror}; name a folder elsewhere") from None
    try:
        named = []
        for number, run in enumerate(runs, 1):
            place = f"{SOURCES}/{number:02}"
            _copy(run, building / place)
            named.append(Source(place, run.record.head, run.record.inputs.document.environment))
        write(building / MERGE, [finished.merge_text(named)])
        joined = finished.load(building)
        write_all(joined.card, building)
        lacking = missing((r.inputs, r.attempts, r.seal) for r in joined.records)
        building.rename(destination)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise
    signed = tuple(folder for folder in dict.fromkeys([*given, *folders]) if present(folder))
    return Merged(destination, tuple(runs), tuple(dropped), joined, lacking, signed)


def _refuse_place(destination: Path, folders: Sequence[Path]) -> None:
    place = destination.resolve()
    for folder in folders:
        if place == folder.resolve():
            raise MergeError(f"{destination}: that is one of the runs to merge; name a new folder")
        if place.is_relative_to(folder.resolve()):
            raise MergeError(f"{destination}: that lies inside the run {folder}; name a folder elsewhere")
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise MergeError(f"{destination}: that is no folder; name a new one")
    if destination.is_dir() and any(destination.iterdir()):
        raise MergeError(f"{destination}: the folder is not empty; name a new one, nothing is ever overwritten")


def _run(folder: Path) -> Run:
    found = verify_run(folder)
    if found.state is not State.INTACT:
        raise MergeError(f"{folder}: the run is {found.state}, or was copied in part: {found.problems[0]}")
    record = read_run(folder)
    if record.inputs.mode is not Mode.FORMAL:
        raise MergeError(f"{folder}: a rehearsal; {FORMAL_ONLY}")
    if record.seal and record.seal.invalid:
        raise MergeError(f"{folder}: the run is invalid: {record.seal.invalid}; leave it out, and run that part again")
    return Run(folder, record)


def _distinct(runs: Sequence[Run]) -> tuple[list[Run], list[tuple[Path, Path]]]:
    """Each run once, by its instant; of several copies the one that holds most is taken."""
    copies: dict[str, list[Run]] = {}
    for run in runs:
        copies.setdefault(run.record.head, []).append(run)
    kept, dropped = [], []
    for same in copies.values():
        taken = same[0] if len(same) == 1 else max(same, key=lambda r: _contents(r.folder))
        kept.append(taken)
        dropped += [(run.folder, taken.folder) for run in same if run is not taken]
    return sorted(kept, key=lambda r: (r.record.inputs.instant, r.record.head)), dropped


def _refuse_altered_merge(folder: Path) -> None:
    """Its sources may each be sound, and one of them be missing."""
    if (folder / MERGE).is_file() and (found := finished.verify(folder)).state is State.ALTERED:
        raise MergeError(f"{folder}: the merge was altered: {found.problems[0]}; merge its runs anew")


def _refuse_unlike(runs: Sequence[Run]) -> None:
    first = runs[0]
    for other in runs[1:]:
        if what := misfit(first.record.inputs, other.record.inputs):
            raise MergeError(f"{first.folder} and {other.folder} differ in their {what}; {ALIKE_ONLY}")


def _contents(folder: Path) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Number of a run's files, and name and hash of each."""
    found = tuple(
        (name.as_posix(), hashlib.sha256((folder / name).read_bytes()).hexdigest()) for name in _files(folder)
    )
    return len(found), found


def _files(folder: Path, below: Path = Path()) -> Iterator[Path]:
    """Every file of a run folder, from it, in the order of their names.

    Raises:
        MergeError: Something there is neither a file nor a folder.
    """
    for entry in sorted(os.scandir(folder / below), key=lambda e: e.name):
        if below == Path() and entry.name in LEFT_OUT:
            continue
        if entry.is_symlink():
            raise MergeError(f"{entry.path}: a symbolic link; a run folder holds none, so it is not followed")
        if entry.is_dir():
            yield from _files(folder, below / entry.name)
        elif entry.is_file():
            yield below / entry.name
        else:
            raise MergeError(f"{entry.path}: neither a file nor a folder; a run folder holds nothing else")


def _copy(run: Run, to: Path) -> None:
    """Copy a run's files, and see that what arrived is the run that was read.

    Raises:
        MergeError: It changed meanwhile.
    """
    to.mkdir(parents=True)
    for name in _files(run.folder):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        _copy_file(run.folder / name, to / name)
    try:
        found = verify_run(to)
    except RunError:
        found = None
    if found is None or found.state is not State.INTACT or found.head != run.record.head:
        raise MergeError(f"{run.folder}: changed while it was copied; wait until its run has ended, and merge again")


def _copy_file(source: Path, to: Path) -> None:
    # Between the look and the opening it may have become something that is not to be followed or waited for.
    handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as reading, to.open("xb") as writing:  # noqa: PTH123 - from a handle
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise MergeError(f"{source}: no file any more; wait until its run has ended, and merge again")
        shutil.copyfileobj(reading, writing)
