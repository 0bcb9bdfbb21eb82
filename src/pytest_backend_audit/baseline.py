"""What the prior audit, of ``--audit-prior``, recorded for each check: what later audits compare with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_backend_audit.document.rotation import SCORECARD
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.journal import JOURNAL, Record, RunError, read_run
from pytest_backend_audit.model import Evidence, Mode
from pytest_backend_audit.recorder import KEPT


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
    """All of this check's, as the prior audit recorded it."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """What the check kept for later by ``audit_evidence.keep(name, value)``: value by name."""
    lost: tuple[str, ...] = ()
    """Names of what was kept and can't be read: it was too large, or held something that had to be redacted."""


class Baselines:
    """The prior audit's records, check by check; its run folder is read at the first question."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._record: Record | None = None
        self._trouble = ""

    @classmethod
    def at(cls, prior: str | Path | None, report: Path) -> Baselines:
        """Those of a run folder, or of the one in which a scorecard.json lies.

        Args:
            prior: What ``--audit-prior`` names.
            report: This run's report folder. A run found there is moved away before the checks begin, so it is read
                at once.
        """
        if prior is None:
            return cls(None)
        given = Path(prior)
        folder = given.parent if given.name == SCORECARD else given
        made = cls(folder.absolute() if (folder / JOURNAL).is_file() else None)
        if made._folder is not None and folder.resolve() == report.resolve():
            made._read()
        return made

    def of(self, check: str) -> Baseline | None:
        """What was recorded for a check; None if there is no prior audit with a journal, or it has nothing of it.

        Raises:
            CouldNotRun: There is one, and it can't be read.
        """
        self._read()
        if self._trouble:
            raise CouldNotRun(f"the prior audit can't be read ({self._trouble}): give --audit-prior another run folder")
        if self._record is None:
            return None
        evidence = tuple(e for attempt in self._record.attempts if attempt.check == check for e in attempt.evidence)
        return self._baseline(self._record, evidence) if evidence else None

    def _read(self) -> None:
        if self._folder is None or self._record is not None or self._trouble:
            return
        try:
            self._record = read_run(self._folder)
        except (RunError, OSError) as error:
            self._trouble = str(error)

    def _baseline(self, record: Record, evidence: tuple[Evidence, ...]) -> Baseline:
        kept: dict[str, Any] = {}
        lost: list[str] = []
        for piece in evidence:
            if not piece.facts.get(KEPT):
                continue
            try:
                kept[piece.title] = json.loads(piece.body)
            except ValueError:
                lost.append(piece.title)
        inputs = record.inputs
        commit = inputs.document.commit
        remark = "" if inputs.mode is Mode.FORMAL else f" ({inputs.mode})"
        source = f"prior audit {inputs.instant[:10]} of {commit[:7] or 'no commit'}{remark}"
        return Baseline(source, inputs.instant, commit, evidence, kept, tuple(lost))
