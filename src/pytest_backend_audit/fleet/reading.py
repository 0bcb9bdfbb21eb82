"""From paths to audits. A file that can't be read is listed with its reason: it is never lost, and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pytest_backend_audit.filed import FiledError, digest
from pytest_backend_audit.fleet import cards, files, stores
from pytest_backend_audit.fleet.audits import Audit, Reducer, Unread
from pytest_backend_audit.fleet.found import Found

WRITES_THEM = "`backend-audit file` writes them to audits/<service>/"


@dataclass(frozen=True, slots=True)
class Collected:
    """What the paths hold."""

    audits: tuple[Audit, ...]
    """One for each file, so that an audit of which there are two files is there twice."""
    unread: tuple[Unread, ...]


def collect(paths: Sequence[str]) -> Collected:
    """Every filed card that the paths name.

    Raises:
        ValueError: A path names nothing, or no filed card; or none of those that there are can be read. The message is
            for the user.
    """
    reader, reducer = cards.reader(), Reducer()
    audits: list[Audit] = []
    unread: list[Unread] = []
    seen: set[str] = set()
    for given in paths:
        held = False
        for file in _find(given):
            if not (file.claimed or cards.claims(file.raw)):
                continue
            held = True
            if file.key in seen:
                continue
            seen.add(file.key)
            if file.trouble:
                unread.append(Unread(file.place, file.trouble))
                continue
            try:
                audits.append(reducer.reduce(reader(file.raw, file.place), file.place, digest(file.raw)))
            except FiledError as error:
                unread.append(Unread(file.place, str(error).removeprefix(f"{file.place}: ")))
            except ValueError as error:
                unread.append(Unread(file.place, str(error)))
        if not held:
            raise ValueError(f"{given}: no filed card is there; {WRITES_THEM}")
    if not audits:
        first = unread[0]
        raise ValueError(f"none of {len(unread)} filed cards can be read; the first is {first.place}: {first.reason}")
    return Collected(tuple(audits), tuple(unread))


def _find(given: str) -> Iterator[Found]:
    if given.startswith("file://"):
        return files.find(unquote(urlsplit(given).path))
    return stores.find(given) if stores.is_url(given) else files.find(given)
