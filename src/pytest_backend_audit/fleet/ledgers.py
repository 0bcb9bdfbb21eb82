"""What the ledger beside a filed card knows of its findings: which of them are still open, and until when."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from pytest_backend_audit.filed import CHANGED, LOST, STRANGE, is_as_filed
from pytest_backend_audit.fleet.audits import Audit, Debt, Unread, day
from pytest_backend_audit.fleet.events import UnknownError, folded
from pytest_backend_audit.fleet.stores import is_url
from pytest_backend_audit.ledger.errors import LedgerError
from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.ledger.state import fold

LEDGER = "ledger.jsonl"
LIMIT = 32 * 1024 * 1024
"""Bytes of a ledger that is read; one of a thousand findings with all their evidence has some five million."""


def refused(audits: Iterable[Audit]) -> list[Unread]:
    """The cards that are not what was filed, that the ledger beside them knows nothing of, or that are not there.

    A ledger whose lines tell no digests, as older ones, refuses none; of one that is no plain file nobody can tell.
    """
    known: dict[Path, dict[str, set[str]]] = {}
    troubles: dict[Path, str] = {}
    found = []
    for audit in audits:
        if is_url(audit.place):
            continue
        card = Path(audit.place)
        if card.parent not in known:
            try:
                known[card.parent] = _digests(card.with_name(LEDGER))
            except LedgerError as error:
                known[card.parent], troubles[card.parent] = {}, f"the ledger beside it: {error}"
            lost = [name for name in known[card.parent] if not card.with_name(f"{name}.json").exists()]
            found += [Unread(str(card.with_name(f"{name}.json")), LOST) for name in lost]
        digests = known[card.parent]
        if trouble := troubles.get(card.parent):
            found.append(Unread(audit.place, trouble))
        if not digests:
            continue
        if card.stem not in digests:
            found.append(Unread(audit.place, STRANGE))
        elif audit.digest not in digests[card.stem] and not _is_as_filed(card, digests[card.stem]):
            found.append(Unread(audit.place, CHANGED))
    return found


def _digests(path: Path) -> dict[str, set[str]]:
    """As `State.digests`, of a ledger's filings alone: lines that are none are passed over.

    Raises:
        LedgerError: It is no plain file, or can't be read.
    """
    raw = _read(path)
    found: dict[str, set[str]] = {}
    for line in (raw or b"").split(b"\n"):
        if b'"filed"' not in line:
            continue
        try:
            event = json.loads(line)
            if event["type"] == "filed":
                digests = {str(event.get("card", "")), str(event.get("content", ""))}
                found.setdefault(str(event["file"]), set()).update(digests if digests == {""} else digests - {""})
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return found if any(digests != {""} for digests in found.values()) else {}


def _is_as_filed(card: Path, digests: set[str]) -> bool:
    try:
        return is_as_filed(card.read_bytes(), digests)
    except OSError:
        return False


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
            unread.append(Unread(str(path), str(error).partition("\n")[0].removeprefix(f"{path}: ")))
            continue
        if findings is not None:
            known[audit.place] = replace(audit, findings=findings, tracked=True)
    return known, tuple(unread)


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
        Debt(entry.dimension, entry.severity, day(entry.due))
        for entry in ledger.findings.values()
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
        Debt(t.finding.dimension, t.finding.severity, day(t.due))
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
