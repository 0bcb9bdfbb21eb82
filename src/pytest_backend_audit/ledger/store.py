"""Reading and writing a ledger and the cards beside it. Nothing is ever overwritten."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pytest_backend_audit.ledger.errors import LedgerError
from pytest_backend_audit.ledger.events import Event, decode, encode
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.ledger.names import folder_of
from pytest_backend_audit.ledger.state import State

AUDITS = "audits"
LEDGER = "ledger.jsonl"
LIMIT = 256 * 1024 * 1024
"""Bytes of a ledger: many thousands of findings."""
PATIENCE = 30.0
"""Seconds to wait for somebody else who files at this moment."""
_SHOWN = 20
"""Problems that one message names."""
_MARKS = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service's ledger and cards are."""

    top: Path
    """Top of the audited repository."""
    service: str

    @property
    def name(self) -> str:
        """``audits/<service>``, as it is shown and as a runbook refers to it."""
        return f"{AUDITS}/{folder_of(self.service)}"

    @property
    def folder(self) -> Path:
        """The folder."""
        return self.top / AUDITS / folder_of(self.service)

    @property
    def ledger(self) -> Path:
        """The ledger."""
        return self.folder / LEDGER


def read(place: Place) -> State:
    """How a service's ledger stands; empty where there is none yet.

    Raises:
        LedgerError: It can't be read; the message names each line that is wrong and the way out.
    """
    _inside(place)
    return read_file(place.ledger, f"{place.name}/{LEDGER}", place.service)


def read_file(path: Path, name: str, service: str = "") -> State:
    """How a ledger stands; empty where there is none.

    Args:
        path: The file.
        name: How messages call it.
        service: Whose it must be; empty where that isn't known.

    Raises:
        LedgerError: As for `read`.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(LIMIT + 1)
    except FileNotFoundError:
        return State()
    except OSError as error:
        raise LedgerError(f"{name} can't be read: {error.strerror}") from None
    if len(raw) > LIMIT:
        raise LedgerError(f"{name}: larger than any ledger ({LIMIT} bytes)")
    state = fold(_events(raw, name), name)
    if service and state.service and state.service != service:
        raise LedgerError(
            f"{name}: it is the ledger of {state.service!a}, not of {service!a}; this file system takes the two names "
            "for one: rename a service in audit.yaml"
        )
    return state


def _events(raw: bytes, name: str) -> list[tuple[int, Event]]:
    lines = raw.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    marked = [n for n, line in enumerate(lines, 1) if line.startswith(tuple(m.encode() for m in _MARKS))]
    if marked:
        raise LedgerError(
            f"{name}: a merge left its conflict marks in {_lines(marked)}. Keep the lines of both sides, take "
            f"these out; `{AUDITS}/*/{LEDGER} merge=union` in .gitattributes has git do so by itself"
        )
    found: list[tuple[int, Event]] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append((number, decode(line)))
        except ValueError as error:
            problems.append(f"{name}:{number}: {error}")
    if problems:
        more = [f"and {len(problems) - _SHOWN} more lines"] if len(problems) > _SHOWN else []
        raise LedgerError("\n".join([*problems[:_SHOWN], *more]))
    return found


def _lines(numbers: list[int]) -> str:
    shown = ", ".join(str(n) for n in numbers[:_SHOWN])
    more = f" and {len(numbers) - _SHOWN} more" if len(numbers) > _SHOWN else ""
    return f"{'line' if len(numbers) == 1 else 'lines'} {shown}{more}"


def _inside(place: Place) -> None:
    if not place.folder.resolve().is_relative_to(place.top.resolve()):
        raise LedgerError(f"{place.name} leads out of the repository, to {place.folder.resolve()}; make it a folder")


def filed_cards(folder: Path) -> list[str]:
    """Names of the cards in a service's folder."""
    return sorted(path.name for path in folder.glob("[0-9]*.json"))


def without_filings(place: Place, state: State) -> str:
    """What is wrong where there are cards and no ledger, or an empty one: numbers of findings would be given anew.

    Returns:
        What it is, and the way out; empty where nothing is.
    """
    return "" if state.filings else cards_alone(place.folder, place.name)


def cards_alone(folder: Path, name: str) -> str:
    """The same of a folder whose ledger is not there, or has no filing.

    Args:
        folder: The service's.
        name: How the message calls it.
    """
    cards = filed_cards(folder)
    if not cards:
        return ""
    said = f"{cards[0]} is" if len(cards) == 1 else f"{cards[0]} and {len(cards) - 1} more are"
    lacks = "no line of a filing in" if (folder / LEDGER).exists() else "no"
    return (
        f"{name}: {said} there, and {lacks} {LEDGER}, which has the numbers of their "
        "findings; restore it from git, or take away what a filing that was cut short has left"
    )


@contextmanager
def held(place: Place, patience: float = PATIENCE) -> Iterator[None]:
    """Hold a service's folder, which is made where need be: whoever else wants to write there waits.

    The folder itself is locked, so that no lock file is left to be committed, and git may replace the ledger.

    Raises:
        LedgerError: Somebody else holds it for too long, or it can't be made.
    """
    _inside(place)
    try:
        place.folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(place.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise LedgerError(f"{place.name} can't be made: {error.strerror}") from None
    try:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise LedgerError(
                        f"{place.name}: another backend-audit has been writing there for {patience:.0f} s; try again"
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def append(place: Place, events: Iterable[Event]) -> None:
    """Add events to the end of the ledger: all of them or, where the disk is full, none. The folder must be held.

    Raises:
        LedgerError: It can't be written.
    """
    text = "".join(f"{encode(event)}\n" for event in events).encode()
    try:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        handle = os.open(place.ledger, flags, 0o644)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                # An editor took the last line feed away.
                text = b"\n" + text
            _written(handle, text, size)
        finally:
            os.close(handle)
    except OSError as error:
        raise LedgerError(f"{place.name}/{LEDGER} can't be written: {error.strerror}; nothing was added") from None


def _written(handle: int, text: bytes, size: int) -> None:
    try:
        left = memoryview(text)
        while left:
            left = left[os.write(handle, left) :]
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise


def create(path: Path, text: str) -> None:
    """Write a new file; one that is there stays as it is.

    Raises:
        FileExistsError: There is one.
        OSError: It can't be written; nothing of it is left.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
