"""The end of a run: its card, from the record as it lies on the disk, its reports, and what the terminal shows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.hooks import failure

if TYPE_CHECKING:
    from pytest_backend_audit.keeping import Keeper
    from pytest_backend_audit.model import Card
    from pytest_backend_audit.redaction import Redactor
    from pytest_backend_audit.telling import Telling


class Ending:
    """Judges a sealed run, and tells everybody."""

    def __init__(self, config: pytest.Config, keeper: Keeper, telling: Telling, redactor: Redactor) -> None:
        """End the run that `keeper` has sealed."""
        self.card: Card | None = None
        """Once the run is judged, and could be."""
        self.trouble = keeper.trouble
        """Why the record, the card or a report is not what it should be."""
        self._config = config
        self._keeper = keeper
        self._telling = telling
        self._redactor = redactor
        self._told: tuple[str, ...] = ()

    def judge(self, session: pytest.Session) -> None:
        """Compute the card, write the reports, set the exit status, call the hooks."""
        from pytest_backend_audit.scoring import score  # noqa: PLC0415 - only at the end

        try:
            record = self._keeper.read_back()
            self.card = score(record.inputs, record.attempts, record.seal)
        except ValueError as error:
            self._note(f"there is no card: {error}")
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
            return
        self._write(self.card)
        if session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            session.exitstatus = self.card.verdict.exit_status
        for finding in self.card.findings:
            self._telling.tell("pytest_audit_finding", finding=finding)
        self._telling.tell("pytest_audit_scorecard", scorecard=self.card, config=self._config)
        self._told = self._telling.take()

    def _write(self, card: Card) -> None:
        from pytest_backend_audit.reports.writing import write_all  # noqa: PLC0415 - templates load with it

        extra: dict[str, Any] = {}
        try:
            for formats in self._config.hook.pytest_audit_report_formats():
                extra.update(formats)
        except Exception as error:  # noqa: BLE001 - somebody else's code; our own reports are written all the same
            self._note(failure("pytest_audit_report_formats", error))
        try:
            write_all(card, self._keeper.folder, extra_formats=extra)
        except OSError as error:
            self._note(f"the reports can't be written: {error}")

    def _note(self, trouble: str) -> None:
        self.trouble = self.trouble or self._redactor.redact(trouble)

    def show(self, reporter: pytest.TerminalReporter) -> None:
        """Print the card, and what went wrong beside it."""
        if self.card is not None:
            from pytest_backend_audit.reports.terminal import section  # noqa: PLC0415 - only at the end

            terminal = reporter._tw  # its width and encoding have no public name
            width = max(80, min(terminal.fullwidth, 100))
            unicode = "utf" in (getattr(terminal._file, "encoding", None) or "").lower()
            folder = _shown(self._keeper.folder)
            reporter.write_sep("=", "backend audit")
            for line in section(self.card, width, color=terminal.hasmarkup, unicode=unicode, folder=folder):
                reporter.write_line(line)
        if self.trouble:
            reporter.write_line(f"audit: {self.trouble}", red=True)
        for line in self._told:
            reporter.write_line(f"audit: {line}", yellow=True)


def _shown(folder: Path) -> str:
    relative = os.path.relpath(folder)
    return str(folder) if relative.startswith("..") else relative
