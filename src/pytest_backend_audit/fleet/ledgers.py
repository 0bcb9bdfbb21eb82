"""What the ledger beside a filed card knows of its findings: which of them are still open, and until when."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from pytest_backend_audit.filed import CHANGED
from pytest_backend_audit.fleet.audits import Audit, Debt, Unread, day
from pytest_backend_audit.fleet.events import UnknownError, folded
from pytest_backend_audit.fleet.stores import is_url
from pytest_backend_audit.ledger.errors import LedgerError
from pytest_backend_audit.ledger.state import environments, fold

LIMIT = 32 * 1024 * 1024
"""Bytes of a ledger that is read; one of a thousand findings with all their evidence has some five million."""


@dataclass(slots=True)
class Told:
    """What ledgers say of the cards beside them."""

    audits: dict[str, Audit] = field(default_factory=dict)
    """Place of each card that a ledger knows -> that audit with the ledger's findings."""
    unread: list[Unread] = field(default_factory=list)
    """Ledgers that can't be read."""
    changed: list[Unread] = field(default_factory=list)
    """Cards that are not what was filed."""


def told(latest: Sequence[Audit], as_of: date) -> Told:
    """Audits with their findings as their ledgers have them at the end of a day.

    Args:
        latest: Audits whose findings count.
        as_of: The day; what a ledger was told later is left out.
    """
    said = Told()
    for audit in latest:
        if is_url(audit.place):
            continue
        path = Path(audit.place).with_name("ledger.jsonl")
        try:
            findings = _open(path, audit, as_of)
        except ChangedError:
            said.changed.append(Unread(audit.place, CHANGED))
            continue
        except LedgerError as error:
            said.unread.append(Unread(str(path), str(error).partition("\n")[0].removeprefix(f"{path}: ")))
            continue
        if findings is not None:
            said.audits[audit.place] = replace(audit, findings=findings, tracked=True)
    return said


class ChangedError(Exception):
    """A card is not what was filed."""


def _refuse_changed(audit: Audit, filed: Mapping[str, str]) -> None:
    as_filed = filed.get(Path(audit.place).stem, "")
    if as_filed and as_filed != audit.digest:
        raise ChangedError


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
    _refuse_changed(audit, ledger.cards)
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
    _refuse_changed(audit, {f.file: f.card for f in state.filings})
    if not any(f.service == audit.service and set(f.heads) == set(audit.sources) for f in state.filings):
        return None
    here = set(environments(audit.environment))
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
