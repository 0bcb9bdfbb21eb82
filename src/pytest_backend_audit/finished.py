"""A finished run, read back from its folder: its records, its sign-off, its card.

A folder holds one run, or a merge of several: then `MERGE` names the runs below `SOURCES`, each a whole run folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.journal import JOURNAL, Record, RunError, State, Verification, read_run, verify_run
from pytest_backend_audit.model import Card, SignOff
from pytest_backend_audit.scoring import score, score_merged
from pytest_backend_audit.signoff import Checked, Subject, check, present, subject

if TYPE_CHECKING:
    from pytest_backend_audit.ledger.times import Ran

MERGE = "merge.json"
SOURCES = "sources"
MERGE_VERSION = 1
MERGE_LIMIT = 4 * 1024 * 1024
"""Bytes of `MERGE`; a larger file is not ours (a thousand runs make a fifth of one)."""

_PLACE = re.compile(rf"{SOURCES}/\d{{2,}}")
_HEAD = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Source:
    """One run of a merge, as `MERGE` names it."""

    folder: str
    """From the merge folder, ``sources/01``."""
    head: str
    """Last hash of its journal."""
    environment: str = ""


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
    checked: Checked = field(default_factory=Checked)
    """What became of the sign-off."""

    @property
    def merged(self) -> bool:
        """Whether it is a merge."""
        return (self.folder / MERGE).is_file()

    @property
    def heads(self) -> tuple[str, ...]:
        """Last hash of each journal."""
        return tuple(r.head for r in self.records)

    @property
    def ran(self) -> tuple[Ran, ...]:
        """When each of the runs was made, where, and what it ran."""
        from pytest_backend_audit.ledger.times import Ran  # noqa: PLC0415 - only where a ledger is kept

        return tuple(
            Ran(d.environment, r.inputs.instant, frozenset(a.check for a in r.attempts), d.environment_kind)
            for r in self.records
            for d in (r.inputs.document,)
        )

    @property
    def heads_apart(self) -> dict[str, tuple[str, ...]]:
        """Environment -> last hash of the journal of each of its runs."""
        found: dict[str, tuple[str, ...]] = {}
        for record in self.records:
            place = record.inputs.document.environment
            found[place] = (*found.get(place, ()), record.head)
        return found


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, or a merge of runs."""
    return (folder / JOURNAL).is_file() or (folder / MERGE).is_file()


def sources(folder: Path) -> tuple[Path, ...]:
    """The run folders that a folder's card is made from: itself, or those that `MERGE` names.

    Raises:
        RunError: `MERGE` can't be read.
    """
    return tuple(folder / s.folder for s in merge_list(folder)) or (folder,)


def merge_list(folder: Path) -> tuple[Source, ...]:
    """What `MERGE` names; empty for the folder of one run.

    Raises:
        RunError: It can't be read, or names anything but run folders below `SOURCES`, each once.
    """
    path = folder / MERGE
    if not path.is_file():
        return ()
    try:
        named = _listed(path)
    except KeyError as error:
        raise RunError(f"{path}: can't be read as the list of merged runs (no {error}); merge again") from None
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{path}: can't be read as the list of merged runs ({error}); merge again") from None
    if not named:
        raise RunError(f"{path}: names no run; merge again")
    for source in named:
        if not _PLACE.fullmatch(source.folder):
            raise RunError(f"{path}: names {source.folder!r}, which is no place of a merged run; merge again")
        if not _HEAD.fullmatch(source.head):
            raise RunError(f"{path}: {source.folder} has the impossible head {source.head!r}; merge again")
        if (folder / SOURCES).is_symlink() or (folder / source.folder).is_symlink():
            raise RunError(f"{folder / source.folder}: a symbolic link, not a run folder of this merge; merge again")
        if not (folder / source.folder / JOURNAL).is_file():
            raise RunError(
                f"{folder / source.folder}: {MERGE} names this run, and its {JOURNAL} is not there: was the folder "
                "copied in part? Copy it again, or merge again"
            )
    if len({s.folder for s in named}) < len(named) or len({s.head for s in named}) < len(named):
        raise RunError(f"{path}: names a run twice; merge again")
    return named


def _listed(path: Path) -> tuple[Source, ...]:
    with path.open("rb") as file:
        raw = file.read(MERGE_LIMIT + 1)
    if len(raw) > MERGE_LIMIT:
        raise ValueError(f"larger than {MERGE_LIMIT} bytes")
    data: Any = json.loads(raw)
    if data["schema_version"] != MERGE_VERSION:
        raise ValueError(f"version {data['schema_version']!r}; this version reads {MERGE_VERSION}")
    return tuple(Source(str(e["folder"]), str(e["head"]), str(e.get("environment", ""))) for e in data["sources"])


def merge_text(named: Sequence[Source]) -> str:
    """The text of `MERGE`: the same runs give the same bytes."""
    listed = [{"folder": s.folder, "head": s.head, "environment": s.environment} for s in named]
    return json.dumps({"schema_version": MERGE_VERSION, "sources": listed}, indent=2) + "\n"


def load(folder: Path, *, allowed_signers: str = "") -> Finished:
    """Read a run, check its sign-off, and compute its card.

    Args:
        folder: Of the run, or of the merge.
        allowed_signers: Where to take the allowed signers from, a path or ``REVISION:PATH``, instead of from the
            repository at the revision that the run names.

    Raises:
        RunError: It is no run, is of another version, or was altered.
        ValueError: Its journal can't be scored.
        OSError: A file can't be read.
    """
    named = merge_list(folder)
    if named and (strangers := _strangers(folder, named)):
        raise RunError(f"{strangers[0]}: {MERGE} does not name it; take it away, or merge again")
    records = tuple(read_run(folder / s.folder) for s in named) or (read_run(folder),)
    for source, record in zip(named, records, strict=False):
        if record.head != source.head:
            raise RunError(_another(folder, source))
    card = scored(folder, records)
    if not present(folder):
        return Finished(folder, records, card)
    checked = check(subject(folder, records, card), allowed_signers)
    card = scored(folder, records, checked.sign_off)
    return Finished(folder, records, card, checked.sign_off, checked.why_not, checked)


def scored(folder: Path, records: Sequence[Record], sign_off: SignOff | None = None) -> Card:
    """The card of a run, or of a merge.

    Args:
        folder: Its folder.
        records: Its journals.
        sign_off: A sign-off that counts.

    Raises:
        ValueError: A journal can't be scored.
    """
    signed_off = frozenset(sign_off.dimensions) if sign_off else False
    return replace(_scored(folder, records, signed_off=signed_off), sign_off=sign_off)


def once_signed(run: Finished) -> Card:
    """The card that a run would have if a second reviewer signed all its levels.

    Raises:
        ValueError: A journal can't be scored.
    """
    return _scored(run.folder, run.records, signed_off=True)


def _scored(folder: Path, records: Sequence[Record], *, signed_off: frozenset[str] | bool) -> Card:
    if (folder / MERGE).is_file():
        return score_merged(((r.inputs, r.attempts, r.seal) for r in records), signed_off=signed_off)
    (record,) = records
    return score(record.inputs, record.attempts, record.seal, signed_off=signed_off)


def subject_of(run: Finished) -> Subject:
    """What a statement about a run is about: the run without any sign-off.

    Raises:
        OSError: A file can't be read.
    """
    return subject(run.folder, run.records, scored(run.folder, run.records))


def verify(folder: Path) -> Verification:
    """Compare a run folder with itself; of a merge, each of its runs, and which runs they are.

    The head of a merge is the SHA-256 of `MERGE`, which names the heads of its runs.

    Raises:
        RunError: There is nothing to look at, it is of another version, or `MERGE` can't be read.
    """
    named = merge_list(folder)
    if not named:
        return verify_run(folder)
    lines, state = 0, State.INTACT
    problems = [f"{path}: {MERGE} does not name it" for path in _strangers(folder, named)]
    for source in named:
        found = verify_run(folder / source.folder)
        lines += found.lines
        problems += found.problems
        if found.state is State.TORN and state is State.INTACT:
            state = State.TORN
        if found.state is State.ALTERED:
            state = State.ALTERED
        elif found.state is State.INTACT and found.head != source.head:
            problems.append(_another(folder, source))
            state = State.ALTERED
    if problems and state is State.INTACT:
        state = State.ALTERED
    head = hashlib.sha256((folder / MERGE).read_bytes()).hexdigest()
    return Verification(state, lines, tuple(problems), head)


def _strangers(folder: Path, named: Sequence[Source]) -> list[Path]:
    known = {folder / s.folder for s in named}
    # A file manager leaves files of its own anywhere.
    return sorted(p for p in (folder / SOURCES).iterdir() if p not in known and p.name != ".DS_Store")


def _another(folder: Path, source: Source) -> str:
    return f"{folder / source.folder / JOURNAL}: not the run that {MERGE} names, or not all of it; merge again"
