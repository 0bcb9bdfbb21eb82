"""Attestations: what only people can know, validated against the tree, the clock and the audit's own people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from pytest_backend_audit import people
from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.targets.common import origin_of
from pytest_backend_audit.targets.source import Source

if TYPE_CHECKING:
    from pytest_backend_audit.config.model import AttestationEntry
    from pytest_backend_audit.runtime import Runtime
    from pytest_backend_audit.targets.settings import Threshold

_TICKET = re.compile(r"[A-Z][A-Z0-9_]+-\d+|#\d+")
_CODE = re.compile(r"(?P<path>.+):(?P<line>\d+)")


@dataclass(frozen=True, slots=True)
class Attested:
    """A record that passed."""

    criterion: str
    kind: EvidenceKind
    reference: str
    title: str
    date: date
    who: str
    label: str
    """What was and wasn't looked at: ``not fetched``, ``exists at 1a2b3c4``."""
    origin: str

    @property
    def path(self) -> str:
        """File or folder of the audited repository that it refers to; empty where it is a link or a ticket."""
        if "://" in self.reference or _TICKET.fullmatch(self.reference):
            return ""
        return _split(self.reference)[0]


@dataclass(frozen=True, slots=True)
class AttestedRecords:
    """What audit.yaml has of one criterion."""

    valid: tuple[Attested, ...]
    """The newest first."""
    refused: tuple[str, ...]
    """Where each other one stands, and why it doesn't count."""


class Attestations:
    """Validates records: ``audit_attestation("dr-drill", within=92)``."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._source = Source(runtime)

    def __call__(self, criterion: str, *, within: float | Threshold | None = None) -> Attested:
        """The newest valid record for a criterion; it becomes evidence of its kind.

        Args:
            criterion: As audit.yaml's ``attestations`` names it.
            within: Days before the audit's instant in which it must be dated; None for any past day.

        Raises:
            pytest.fail.Exception: There is none, or none is valid; the message says why for each.
        """
        told = self.records(criterion, within=within, most=1)
        if told.valid:
            return told.valid[0]
        if not told.refused:
            pytest.fail(f"nobody attests {criterion}: add a record under attestations in audit.yaml", pytrace=False)
        return pytest.fail(f"no valid attestation of {criterion}: " + " | ".join(told.refused), pytrace=False)

    def records(
        self, criterion: str, *, within: float | Threshold | None = None, most: int | None = None
    ) -> AttestedRecords:
        """All valid records for a criterion, the newest first; each becomes evidence of its kind.

        For what takes more than one record, or where their lack is for the check to judge.

        Args:
            criterion: As audit.yaml's ``attestations`` names it.
            within: Days before the audit's instant in which they must be dated; None for any past day.
            most: How many valid ones are enough; None for all.
        """
        entries = self._runtime.config.attestations if self._runtime.config is not None else ()
        mine = [(n, e) for n, e in enumerate(entries) if e.criterion == criterion]
        valid: list[Attested] = []
        refused: list[str] = []
        for position, entry in sorted(mine, key=lambda m: str(m[1].date), reverse=True):
            if len(valid) == most:
                break
            origin = origin_of(self._runtime, "attestations", position)
            if problems := [*self._problems(entry, within)]:
                refused.append(f"{origin}: {'; '.join(problems)}")
            else:
                valid.append(self._accept(entry, origin))
        return AttestedRecords(tuple(valid), tuple(refused))

    def _problems(self, entry: AttestationEntry, within: float | Threshold | None) -> Iterator[str]:
        today = date.fromisoformat(self._runtime.instant[:10])
        made = date.fromisoformat(str(entry.date))
        if made > today:
            yield f"dated {made}, after the audit ({today})"
        limit = within if within is None or isinstance(within, (int, float)) else within.number
        if limit is not None and made < today - timedelta(days=limit):
            source = "" if within is None or isinstance(within, (int, float)) else f", {within.origin}"
            yield f"dated {made}, older than {limit:g} days{source}"
        if self._only_the_lead(entry.who):
            yield f"by the lead auditor alone ({entry.who}): somebody else must vouch for it"
        if entry.kind == "dashboard" and not self._is_this_commit(entry.commit):
            yield f"a dashboard filtered to commit {entry.commit or '(none)'}, not to the audited {self._short()}"
        if entry.kind != "verbal":
            trouble = self._reference_trouble(entry.reference)
            if trouble:
                yield trouble

    def _reference_trouble(self, reference: str) -> str:
        if "://" in reference:
            parts = urlsplit(reference)
            ok = parts.scheme in {"http", "https"} and parts.hostname
            return "" if ok else f"{reference} is no absolute http or https URL"
        if _TICKET.fullmatch(reference):
            return ""
        path, line = _split(reference)
        if not self._source.exists(path):
            return f"{path} does not exist at {self._short()}"
        if line is not None:
            with self._runtime.recorder.paused():
                try:
                    self._source.reference(path, line)
                except IndexError as error:
                    return str(error)
        return ""

    def _accept(self, entry: AttestationEntry, origin: str) -> Attested:
        fetched = "://" in entry.reference or bool(_TICKET.fullmatch(entry.reference))
        if entry.kind == "verbal":
            label = "verbal"
        elif fetched:
            label = f"not fetched; sha256 {entry.sha256}" if entry.sha256 else "not fetched"
        else:
            label = f"exists at {self._short()}"
        kind = EvidenceKind(entry.kind)
        made = date.fromisoformat(str(entry.date))
        self._runtime.recorder.record(
            kind,
            entry.reference,
            f"{entry.title}\n{made}, {entry.who}\n{label}",
            target=f"attestation {origin}",
            facts={"attested": True, "date": str(made), "who": entry.who},
        )
        return Attested(entry.criterion, kind, entry.reference, entry.title, made, entry.who, label, origin)

    def _only_the_lead(self, who: str) -> bool:
        return people.nobody_but(who, self._runtime.config.lead_auditor if self._runtime.config is not None else "")

    def _is_this_commit(self, commit: str | None) -> bool:
        return bool(commit) and len(str(commit)) >= 7 and self._runtime.commit.startswith(str(commit).lower())

    def _short(self) -> str:
        return self._runtime.commit[:7] or "the audited commit (there is none)"


def _split(reference: str) -> tuple[str, int | None]:
    found = _CODE.fullmatch(reference)
    return (found["path"], int(found["line"])) if found else (reference.partition("#")[0], None)
