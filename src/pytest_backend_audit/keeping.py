"""Keeping the record of a run: what tests found goes into the journal, and what was never told is accounted for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.heard import Heard
from pytest_backend_audit.journal import JOURNAL, Writer
from pytest_backend_audit.jsonable import from_builtins, to_builtins
from pytest_backend_audit.model import Attempt, Evidence, Seal, Status
from pytest_backend_audit.observe import ATTEMPTS, FOUND

if TYPE_CHECKING:
    from pytest_backend_audit.collect import Collected
    from pytest_backend_audit.journal import Record
    from pytest_backend_audit.telling import Telling


class Keeper:
    """Keeps one run's journal from its first line to its seal."""

    def __init__(self, writer: Writer, collected: Collected, telling: Telling) -> None:
        """Keep the record of a run.

        Args:
            writer: Its journal, with the first line written.
            collected: What was collected.
            telling: Tells other plugins of evidence.
        """
        self.folder = writer.folder
        self.trouble = ""
        """Why the record could not be kept, once it could not."""
        self._writer = writer
        self._collected = collected
        self._telling = telling
        self._heard = Heard()

    def report(self, report: pytest.TestReport) -> None:
        """Keep what rides on a report, which loses it: other plugins have no use for it, and some choke on it."""
        if early := report.__dict__.pop(FOUND, None):
            self._heard.early(report.nodeid, *early)
        if report.when != "teardown":
            return
        if told := report.__dict__.pop(ATTEMPTS, None):
            go, attempts = told
            for data in [*self._heard.take(report.nodeid, but=go), *attempts]:
                self._keep(data)

    def crashed(self, report: pytest.TestReport) -> None:
        """Keep that a test's worker died in it, and what the test had found by then."""
        for data in self._heard.take(report.nodeid):
            self._keep(data)
        worker = report.longrepr if isinstance(report.longrepr, str) else ""
        for check in self._collected.plan.of_node.get(report.nodeid, ()):
            attempt = Attempt(check, report.nodeid, Status.COULD_NOT_RUN, f"the worker crashed: {worker}".strip(": "))
            self._keep(to_builtins(attempt))

    def account(self) -> int:
        """Put down what was planned and never told, as when xdist gives up on crashed workers.

        Returns:
            How many selected checks nobody reached.
        """
        for data in self._heard.unfinished():
            self._heard.attempt(data)
            self._put_down(data)
        for data in self._heard.in_part(self._collected):
            self._put_down(data)
        return self._heard.lost(self._collected)

    def seal(self, seal: Seal) -> None:
        """Write the last line."""
        try:
            self._writer.seal(seal)
        except OSError as error:
            self.trouble = self.trouble or f"the journal can't be sealed: {error.strerror} ({self.folder})"

    def read_back(self) -> Record:
        """The record as it lies on the disk, so that what is shown is what a later `render` shows.

        Raises:
            RunError: It can't be read, or is not what we wrote.
        """
        from pytest_backend_audit.journal import AGAIN, RunError, read_run  # noqa: PLC0415 - needed at the end of a run only

        record = read_run(self.folder)
        if record.head != self._writer.head:
            raise RunError(f"{self.folder / JOURNAL}: another file stands in the place of this run's journal. {AGAIN}")
        return record

    def _keep(self, data: dict[str, Any]) -> None:
        self._heard.attempt(data)
        if self.trouble:
            return
        self._put_down(data)
        if self.trouble:
            pytest.exit(f"audit: {self.trouble}; what was recorded before is kept", returncode=3)
        if data["evidence"] and self._telling.heard_by_anybody("pytest_audit_evidence"):
            check = next(c for c in self._collected.plan.checks if c.id == data["check"])
            for piece in data["evidence"]:
                self._telling.tell("pytest_audit_evidence", check=check, evidence=from_builtins(Evidence, piece))

    def _put_down(self, data: dict[str, Any]) -> None:
        if self.trouble:
            return
        try:
            self._writer.attempt_data(data)
        except OSError as error:
            self.trouble = f"the journal can't be written: {error.strerror} ({self.folder})"
