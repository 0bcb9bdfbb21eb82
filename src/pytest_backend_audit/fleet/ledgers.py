"""What the ledger beside a filed card knows of its findings: which of them are still open, and until when."""

from __future__ import annotations

import json
import os
import re
import stat
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pytest_backend_audit.filed import CHANGED, LOST, STRANGE, is_as_filed, sources_of
from pytest_backend_audit.fleet.audits import Audit, Debt, Unread, day
from pytest_backend_audit.fleet.events import UnknownError, folded
from pytest_backend_audit.fleet.files import LEDGER
from pytest_backend_audit.fleet.filings import Told
from pytest_backend_audit.fleet.stores import is_url
from pytest_backend_audit.ledger.cards import Cards, digests_of
from pytest_backend_audit.ledger.errors import LedgerError
from pytest_backend_audit.ledger.folding import fold
from pytest_backend_audit.ledger.places import Places, environments
from pytest_backend_audit.scoring.dates import moment

LIMIT = 32 * 1024 * 1024
"""Bytes of a ledger that is read; one of a thousand findings with all their evidence has some five million."""
EMPTY = "no line of the ledger beside it tells of a filing; restore it from git"
"""What is said of a card beside an emptied ledger."""


class _Line(NamedTuple):
    """What is read of a filing."""

    file: str
    heads: tuple[str, ...]
    card: str
    content: str
    environment: str
    commit: str
    instant: str


def refused(audits: Iterable[Audit]) -> list[Unread]:
    """The cards that are not what was filed, that the ledger beside them knows nothing of, or that are not there.

    A ledger whose lines tell no digests, as older ones, refuses none but those that another audit's card has taken the
    name of; of one that is no plain file nobody can tell.
    """
    folders: dict[Path, list[Audit]] = {}
    for audit in audits:
        if not is_url(audit.place):
            folders.setdefault(Path(audit.place).parent, []).append(audit)
    return [one for folder, there in folders.items() for one in _refused(folder, there)]


def without(audits: Iterable[Audit]) -> frozenset[str]:
    """Places of cards in folders without a ledger: nobody can tell whether they are what was filed."""
    found = list(audits)
    bare = {folder for folder in _folders(found) if not os.path.lexists(folder / LEDGER)}
    return frozenset(a.place for a in found if not is_url(a.place) and Path(a.place).parent in bare)


def _refused(folder: Path, audits: Sequence[Audit]) -> Iterator[Unread]:
    try:
        cards = _cards(folder / LEDGER)
    except LedgerError as error:
        yield from (Unread(audit.place, f"the ledger beside it: {error}") for audit in audits)
        return
    if not cards.filings and os.path.lexists(folder / LEDGER):
        yield from (Unread(audit.place, EMPTY) for audit in audits)
        return
    there = {Path(audit.place).stem: audit.sources for audit in audits}
    owners, lost = cards.settled(there)
    if lost:  # it may have been restored under a name that nobody asked for
        beside = [p for p in folder.glob("*.json") if p.stem not in there and p.is_file() and not p.is_symlink()]
        owners, lost = cards.settled({**{p.stem: sources_of(p) for p in beside}, **there})
    if cards.tells:
        missing = (card for name in cards.names if not (card := folder / f"{name}.json").exists())
        yield from (Unread(str(card), LOST) for card in missing)
        for audit in audits:
            card = Path(audit.place)
            own = owners[card.stem]
            digests = digests_of(own)
            if not own:
                yield Unread(audit.place, STRANGE)
            elif audit.digest not in digests and not _is_as_filed(card, digests):
                yield Unread(audit.place, CHANGED)
    # The card of its name counts, as another audit's: what tells of the lost one is the ledger.
    yield from (Unread(str(folder / LEDGER), one.text) for one in lost)


def _cards(path: Path) -> Cards[_Line]:
    """A ledger's filings alone, by their cards: lines that are none are passed over.

    Raises:
        LedgerError: It is no plain file, or can't be read.
    """
    raw = _read(path)
    found = []
    for event in _filings(raw or b""):
        try:
            heads = tuple(str(head) for head in event["heads"])
            told = (str(event.get(name, "")) for name in _Line._fields[2:])
            found.append(_Line(str(event["file"]), heads, *told))
        except (KeyError, TypeError):
            continue
    return Cards(found)


def _filings(raw: bytes) -> Iterator[dict[str, Any]]:
    """The filings among a ledger's lines."""
    return _events(raw, "filed")


def _events(raw: bytes, kind: str) -> Iterator[dict[str, Any]]:
    """The lines of a kind; those that are none are passed over."""
    mark = f'"{kind}"'.encode()
    for line in raw.split(b"\n") if mark in raw else ():
        if mark not in line:
            continue
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict) and event.get("type") == kind:
            yield event


def without_retired(audits: Iterable[Audit], as_of: date) -> list[Audit]:
    """The audits but those of environments that are audited no more, as the reviewer has said in ledgers beside them.

    A merge stays as one of the environments that are left to it; of one alone, what that was by itself.

    Args:
        audits: In any order, their environments by their names.
        as_of: The day; what a ledger was told later is left out.
    """
    found = list(audits)
    words = {folder: _Retired(folder, as_of) for folder in _folders(found)}
    told = ((audit, words.get(Path(audit.place).parent)) for audit in found if not is_url(audit.place))
    gone = {audit.place: frozenset(retired.of(audit)) for audit, retired in told if retired}
    noted = (replace(audit, retired=gone[audit.place]) if gone.get(audit.place) else audit for audit in found)
    return [audit.left() for audit in noted if audit.places or not audit.retired]


class _Retired:
    """What the ledger in a folder tells of environments that are audited no more."""

    def __init__(self, folder: Path, as_of: date) -> None:
        self._places = Places()
        self._words: dict[str, datetime] = {}
        with suppress(LedgerError):  # another note says so
            self._learn(_read(folder / LEDGER) or b"", as_of)

    def _learn(self, raw: bytes, as_of: date) -> None:
        if b'"retired"' not in raw:
            return
        self._places = Places.told(event.get("formerly") or {} for event in _filings(raw))
        for event in _events(raw, "retired"):
            with suppress(KeyError, TypeError, ValueError, OverflowError):  # nobody writes such a line
                at = moment(event["at"])
                if at.date() <= as_of:
                    place = self._places.one(str(event["environment"]))
                    self._words[place] = max(at, self._words.get(place, at))

    def of(self, audit: Audit) -> Iterator[str]:
        """Those of an audit's environments, by the names that they go by, that were given up since."""
        for place in audit.places if self._words else ():
            words = (self._words.get(self._places.one(name)) for name in place.names)
            if any(at is not None and place.at < at for at in words):
                yield place.name


def _is_as_filed(card: Path, digests: Collection[str]) -> bool:
    try:
        return is_as_filed(card.read_bytes(), digests)
    except OSError:
        return False


def by_their_names(audits: Iterable[Audit], *, asked: bool = False) -> list[Audit]:
    """The audits, their environments by the names that the ledgers beside them have for them by now, with their kinds.

    Only ledgers of services with several environments of a kind, or a merge of several kinds, are asked: elsewhere the
    name does not matter, unless somebody asks for one.

    Args:
        audits: In any order, namesakes told apart.
        asked: Whether only some environments are asked for.
    """
    every = list(audits)
    services: dict[str, list[Audit]] = defaultdict(list)
    for audit in every:
        services[audit.name].append(audit)
    known: dict[str, Told] = {}
    for name, there in services.items():
        folders = sorted(_folders(there)) if asked or _several(there) else ()
        known[name] = Told((filing for folder in folders for filing in _filings_in(folder)), there)
    return [known[audit.name].placed(audit) for audit in every]


def _several(audits: Iterable[Audit]) -> bool:
    """Whether a service has several environments of a kind, or a merge of several kinds."""
    names: dict[str, set[str]] = defaultdict(set)
    for audit in audits:
        names[audit.kind].update(environments(audit.environment))
    return any(len(of_kind) > 1 or len(environments(kind)) > 1 for kind, of_kind in names.items())


def _folders(audits: Iterable[Audit]) -> set[Path]:
    return {Path(audit.place).parent for audit in audits if not is_url(audit.place)}


def _filings_in(folder: Path) -> Iterator[dict[str, Any]]:
    """The filings of the ledger in a folder; none where it can't be read, as another note says."""
    try:
        yield from _filings(_read(folder / LEDGER) or b"")
    except LedgerError:
        return


def told(latest: Sequence[Audit], as_of: date) -> tuple[dict[str, Audit], tuple[Unread, ...]]:
    """Audits with their findings as their ledgers have them at the end of a day.

    Args:
        latest: Audits whose findings count.
        as_of: The day; what a ledger was told later is left out.

    Returns:
        Place of each card that a ledger beside it knows -> that audit with the ledger's findings; and the ledgers that
        can't be read.
    """
    known: dict[str, Audit] = {}
    unread: list[Unread] = []
    for audit in latest:
        if is_url(audit.place):
            continue
        path = Path(audit.place).with_name(LEDGER)
        try:
            findings = _open(path, audit, as_of)
        except LedgerError as error:
            said = str(error).partition("\n")[0].removeprefix(f"{path}: ")
            # The note names the file already.
            unread.append(Unread(str(path), re.sub(rf"^{re.escape(str(path))}:(\d+): ", r"line \1: ", said)))
            continue
        if findings is not None:
            known[audit.place] = replace(audit, findings=findings, tracked=True)
    # Of several environments one ledger tells.
    return known, tuple(dict.fromkeys(unread))


def _open(path: Path, audit: Audit, as_of: date) -> tuple[Debt, ...] | None:
    """What a ledger had open in the audit's environments at the end of a day; None if it does not know the audit."""
    raw = _read(path)
    if raw is None:
        return None
    last = as_of.isoformat()
    try:
        ledger = folded(raw, last)
    except UnknownError:
        return _slowly(path, audit, last)
    if (audit.service, frozenset(audit.sources)) not in ledger.filings:
        return None
    here = set(environments(audit.environment))
    return tuple(
        Debt(entry.dimension, entry.severity, day(entry.due), f"{path}:{mark}")
        for mark, entry in ledger.findings.items()
        if here & entry.where
    )


def _slowly(path: Path, audit: Audit, last: str) -> tuple[Debt, ...] | None:
    """The same by the reader whose word counts."""
    from pytest_backend_audit.ledger.store import read_file  # noqa: PLC0415 - it locks, which not every system can

    state = read_file(path, str(path))
    state = fold(((line, event) for line, event in state.events if event.at[:10] <= last), str(path))
    if not any(f.service == audit.service and set(f.heads) == set(audit.sources) for f in state.filings):
        return None
    here = set(state.places.of(audit.environment))
    return tuple(
        Debt(t.finding.dimension, t.finding.severity, day(t.due), f"{path}:{t.fingerprint}")
        for t in state.findings
        if t.status.is_open and here & set(t.where)
    )


def _read(path: Path) -> bytes | None:
    """A ledger's bytes; None where there is none."""
    try:
        found = os.lstat(path)
        if not stat.S_ISREG(found.st_mode):
            raise LedgerError("no plain file; links below a folder are not followed")
        if found.st_size > LIMIT:
            raise LedgerError(f"larger than what is read of a ledger ({LIMIT} bytes)")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise LedgerError(f"can't be read: {error.strerror}") from None
