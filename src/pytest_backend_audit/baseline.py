"""What the prior audit, of ``--audit-prior``, recorded for each check: what later audits compare with."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit import kept
from pytest_backend_audit.document.rotation import EARLIER, LOCK, SCORECARD
from pytest_backend_audit.errors import AuditUsageError, CouldNotRun
from pytest_backend_audit.journal import JOURNAL
from pytest_backend_audit.kept import Kept
from pytest_backend_audit.model import Evidence, Mode

if TYPE_CHECKING:
    from pytest_backend_audit.journal import Record

MERGE = "merge.json"
CARDS = frozenset({".json", ".md"})
"""Of filed cards."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What `audit_baseline` hands out."""

    source: str
    """For messages: ``prior audit 2026-08-01 of 1a2b3c4``."""
    instant: str
    """The prior audit's, RFC 3339 in UTC."""
    commit: str
    """Full SHA; empty where there was no git."""
    evidence: tuple[Evidence, ...] = ()
    """All of this check's, as the prior audit recorded it; a filed card has none."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """What the check kept for later by ``audit_evidence.keep(name, value)``: value by name."""
    lost: tuple[str, ...] = ()
    """Names of what was kept and can't be read: it was too large, or held something that had to be redacted."""


class Baselines:
    """The prior audit's records, check by check; it is read at the first question."""

    def __init__(self, folder: Path | None = None, card: Path | None = None) -> None:
        self._folder = folder
        self._card = card
        self._records: tuple[Record, ...] = ()
        self._filed: Mapping[str, Kept] = {}
        self._of_card = ("", "")
        self._done = False
        self._trouble = ""

    @classmethod
    def at(cls, prior: str | Path | None, report: Path) -> Baselines:
        """Those of a run folder, of the one in which a scorecard.json lies, of a merge, or of a filed card.

        Args:
            prior: What ``--audit-prior`` names.
            report: This run's report folder. A run found there is moved away before the checks begin, so it is read
                at once.
        """
        if prior is None:
            return cls()
        given = Path(prior)
        folder = _run_folder(given)
        if folder is not None:
            made = cls(folder.absolute())
            if folder.resolve() == report.resolve():
                made._read()
            return made
        # A card may be called anything; of its Markdown the JSON is read.
        filed = (given.suffix in CARDS or given.is_file()) and kept.beside(given).is_file()
        return cls(card=given.absolute()) if filed else cls()

    def of(self, check: str) -> Baseline | None:
        """What was recorded for a check; None if there is no prior audit that kept anything, or it has nothing of it.

        Raises:
            CouldNotRun: There is one, and it can't be read.
        """
        self._read()
        if self._trouble:
            raise CouldNotRun(f"the prior audit can't be read ({self._trouble}): give --audit-prior another one")
        if self._card is not None:
            return self._from_card(check)
        found = [(r, e) for r in self._records for a in r.attempts if a.check == check for e in a.evidence]
        if not found:
            return None
        # Of a merge, the last of its runs that looked at the check.
        inputs = found[-1][0].inputs
        evidence = tuple(e for _, e in found)
        of_check = kept.of_evidence(evidence)
        remark = "" if inputs.mode is Mode.FORMAL else f" ({inputs.mode})"
        source = _source(inputs.instant, inputs.document.commit) + remark
        return Baseline(source, inputs.instant, inputs.document.commit, evidence, of_check.values, of_check.lost)

    def _from_card(self, check: str) -> Baseline | None:
        of_check = self._filed.get(check)
        if of_check is None:
            return None
        instant, commit = self._of_card
        return Baseline(_source(instant, commit), instant, commit, (), of_check.values, of_check.lost)

    def _read(self) -> None:
        if self._done:
            return
        self._done = True
        try:
            if self._folder is not None:
                from pytest_backend_audit.finished import sources  # noqa: PLC0415 - heavy, and rarely asked for
                from pytest_backend_audit.journal import read_run  # noqa: PLC0415 - likewise

                self._records = tuple(read_run(source) for source in sources(self._folder))
            elif self._card is not None:
                from pytest_backend_audit import filed  # noqa: PLC0415 - likewise

                card = filed.read(self._card)
                self._of_card = (card.instant, card.commit)
                self._filed = kept.read(kept.beside(self._card))
        except (ValueError, OSError) as error:
            self._trouble = str(error)


def for_workers(prior: str, report: Path, copy: Path) -> str:
    """Where workers find the prior audit.

    A run found in the report folder is moved away while the last workers are still starting, so they get a copy of it.

    Args:
        prior: What ``--audit-prior`` names, or empty.
        report: This run's report folder.
        copy: A folder for the copy; it is not there yet.

    Raises:
        AuditUsageError: It can't be copied.
    """
    folder = _run_folder(Path(prior)) if prior else None
    if folder is None or folder.resolve() != report.resolve():
        return prior
    try:
        shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns(EARLIER, LOCK))
    except (OSError, shutil.Error) as error:
        raise AuditUsageError(f"--audit-prior={prior}: can't be copied for the workers: {error}") from None
    return str(copy)


def _run_folder(prior: Path) -> Path | None:
    """The run folder that ``--audit-prior`` names, by itself or by the card that lies in it."""
    folder = prior.parent if prior.name == SCORECARD else prior
    return folder if (folder / JOURNAL).is_file() or (folder / MERGE).is_file() else None


def _source(instant: str, commit: str) -> str:
    return f"prior audit {instant[:10]} of {commit[:7] or 'no commit'}"
