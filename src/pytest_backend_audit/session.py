"""One audit run, seen from the process that owns it: journal, seal, card, reports, exit status."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.collect import PLAN, Collected
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.heard import Heard
from pytest_backend_audit.hooks import failure
from pytest_backend_audit.journal import AGAIN, JOURNAL, Record, RunError, Writer, read_run
from pytest_backend_audit.jsonable import from_builtins, to_builtins
from pytest_backend_audit.model import Attempt, Card, Evidence, Inputs, Seal, Status
from pytest_backend_audit.narrowing import by_collector
from pytest_backend_audit.observe import ATTEMPTS, FOUND, WIDER
from pytest_backend_audit.options import runs_nothing
from pytest_backend_audit.recorder import utc_now
from pytest_backend_audit.redaction.reports import redact_report

if TYPE_CHECKING:
    from pytest_backend_audit.redaction import Redactor

SESSION = "backend_audit_session"


@dataclass(frozen=True, slots=True)
class Plot:
    """What a run is to be, known before collection."""

    folder: Path
    """Report folder."""
    inputs: Callable[[Collected, tuple[str, ...], int], Inputs]
    """Completes the inputs, once the plan, all narrowing and the run's number are known."""
    claim: Callable[[], int]
    """Takes the report folder, moving an earlier run aside, and gives this run's number."""
    narrowing: tuple[str, ...] = ()
    gate_asked: bool = False
    """Whether a gate was asked for on the command line, where a narrowed run is a usage error."""
    gated: bool = False
    """Whether the run is held to a gate, wherever that was asked for."""
    head: tuple[str, ...] = ()
    at_end: Callable[[], str] = lambda: ""
    """Looks at the service's build once more; returns why the run is invalid, or an empty text."""


@dataclass(slots=True)
class _Seen:
    """What went wrong beside the checks."""

    broken: list[str] = field(default_factory=list)
    narrowing: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    interrupted: str = ""


class Session:
    """The controller's hooks. Exists only when an audit is on, and never in an xdist worker."""

    def __init__(self, config: pytest.Config, plot: Plot, redactor: Redactor) -> None:
        self.card: Card | None = None
        self._config = config
        self._plot = plot
        self._redactor = redactor
        self._writer: Writer | None = None
        self._collected: Collected | None = None
        self._seen = _Seen()
        self._trouble = ""
        """Why the record could not be kept."""
        self._terminated = False
        self._told: list[str] = []
        """Hooks of other plugins that failed after the record was closed."""
        self._failures = 0
        self._heard = Heard()
        self._before: Any = None
        """Who had SIGTERM before us."""

    # Collection

    def pytest_sessionstart(self) -> None:
        """End on SIGTERM as on Ctrl-C: sealed, everything undone."""

        def terminate(_number: int, _frame: object) -> None:
            self._terminated = True
            raise KeyboardInterrupt("SIGTERM")

        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, terminate)

    def pytest_unconfigure(self) -> None:
        """Give SIGTERM back."""
        if self._before is not None:
            signal.signal(signal.SIGTERM, self._before)

    def pytest_report_header(self) -> list[str]:
        """Say what is audited, and under which rules."""
        return list(self._plot.head)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Notice files that were not looked at."""
        if report.longrepr is not None:
            redact_report(report, self._redactor)
        if report.outcome == "passed":
            return
        self._failures += report.failed
        text = by_collector(report.nodeid, report.outcome)
        self._seen.narrowing.append(text)
        if report.outcome == "failed":
            self._seen.broken.append(text)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Begin the record, before the terminal asks for the line below."""
        collected = session.config.stash.get(PLAN, None)
        if collected is not None:
            self.begin(collected)

    def pytest_report_collectionfinish(self) -> list[str]:
        """Say how many checks there are."""
        return [self._collected.line()] if self._collected else []

    def begin(self, collected: Collected) -> None:
        """Open the journal with the plan.

        Raises:
            AuditUsageError: A mark is wrong; a gate was asked of a narrowed run; the report folder can't be written.
        """
        if self._collected is not None:
            return
        self._collected = collected
        if collected.plan.problems:
            raise AuditUsageError("\n".join(collected.plan.problems))
        narrowing = (*self._plot.narrowing, *collected.narrowing)
        if self._plot.gate_asked and narrowing:
            raise AuditUsageError(f"--audit-gate needs a whole run, and this one is narrowed: {'; '.join(narrowing)}")
        if runs_nothing(self._config):
            return
        number = self._plot.claim()
        try:
            self._writer = Writer(self._plot.folder)
            self._writer.start(self._plot.inputs(collected, (*narrowing, *self._seen.narrowing), number))
        except OSError as error:
            raise AuditUsageError(
                f"the report folder {self._plot.folder} can't be written: {error.strerror}; "
                "give another one with --audit-report=DIR"
            ) from None

    # Running

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        """Write what rides on a report into the journal, and count failures as pytest comes to see them."""
        if hasattr(report, "context"):
            # A subtest adds to its report after it was made: its message, its values, its output.
            redact_report(report, self._redactor)
        self._keep(report)
        result = yield
        self._failures += report.failed
        return result

    def _keep(self, report: pytest.TestReport) -> None:
        if early := report.__dict__.pop(FOUND, None):
            self._heard.early(report.nodeid, early)
        if report.when != "teardown":
            if str(report.when) == "???":  # xdist's word for a worker that crashed
                self._crashed(report)
            return
        # Other plugins' reports have no use for it, and some choke on it.
        if attempts := report.__dict__.pop(ATTEMPTS, ()):
            self._heard.take(report.nodeid)
        for data in attempts:
            self._write(data)
        if getattr(report, WIDER, False):
            delattr(report, WIDER)
            self._seen.broken.append(f"teardown of a wider-scoped fixture failed after {report.nodeid}")

    def _crashed(self, report: pytest.TestReport) -> None:
        redact_report(report, self._redactor)
        if self._collected is None:
            return
        for data in self._heard.take(report.nodeid):
            self._write(data)
        worker = report.longrepr if isinstance(report.longrepr, str) else ""
        for check in self._collected.plan.of_node.get(report.nodeid, ()):
            attempt = Attempt(check, report.nodeid, Status.COULD_NOT_RUN, f"the worker crashed: {worker}".strip(": "))
            self._write(to_builtins(attempt))

    def _write(self, data: dict[str, Any]) -> None:
        self._heard.attempt(data)
        if self._writer is None or self._trouble:
            return
        self._put_down(data)
        if self._trouble:
            pytest.exit(f"audit: {self._trouble}; what was recorded before is kept", returncode=3)
        if data["evidence"] and self._config.hook.pytest_audit_evidence.get_hookimpls():
            self._tell_evidence(data)

    def _put_down(self, data: dict[str, Any]) -> None:
        if self._writer is None or self._trouble:
            return
        try:
            self._writer.attempt_data(data)
        except OSError as error:
            self._trouble = f"the journal can't be written: {error.strerror} ({self._plot.folder})"

    def _tell_evidence(self, data: dict[str, Any]) -> None:
        plan = self._collected.plan.checks if self._collected is not None else ()
        check = next(c for c in plan if c.id == data["check"])
        for piece in data["evidence"]:
            self._tell("pytest_audit_evidence", check=check, evidence=from_builtins(Evidence, piece))

    def _tell(self, hook: str, **arguments: object) -> None:
        """Tell other plugins something. An error of theirs is a notice: it costs neither the record nor the card."""
        try:
            getattr(self._config.hook, hook)(**arguments)
        except Exception as error:  # noqa: BLE001 - somebody else's code
            said = self._redactor.redact(failure(hook, error))
            notices = self._seen.notices if self.card is None else self._told
            if said not in notices:
                notices.append(said)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note why the run ended early."""
        what = "SIGTERM" if self._terminated else str(excinfo.value) or type(excinfo.value).__name__
        self._seen.interrupted = self._redactor.redact(what)

    # The end

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Iterator[None]:
        """Seal, judge, report; innermost, so that it comes before the terminal's summary and after everybody else."""
        try:
            return (yield)
        finally:
            self._finish(session, int(exitstatus), int(session.exitstatus))

    def _finish(self, session: pytest.Session, ran: int, exitstatus: int) -> None:
        if self._writer is None:
            return
        stopped = session.shouldstop or session.shouldfail
        if stopped and not self._seen.interrupted:
            self._seen.interrupted = str(stopped)
        self._account()
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR and not self._seen.interrupted:
            self._seen.interrupted = self._trouble or "an internal error of pytest or a plugin"
        explained = ran == pytest.ExitCode.TESTS_FAILED and 0 < session.testsfailed <= self._failures
        if exitstatus == pytest.ExitCode.TESTS_FAILED and not explained and not self._seen.broken:
            # An audit's tests are its checks; something else wants this run to fail, and no gate may hide it.
            self._seen.broken.append("another plugin failed the run")
        seal = Seal(
            ended=utc_now(),
            exit_status=exitstatus,
            broken=tuple(dict.fromkeys(self._seen.broken)),
            interrupted=self._seen.interrupted,
            invalid="" if self._trouble else self._plot.at_end(),
            notices=tuple(self._seen.notices),
        )
        try:
            self._writer.seal(seal)
        except OSError as error:
            self._trouble = self._trouble or f"the journal can't be sealed: {error.strerror} ({self._plot.folder})"
        self._report(session, self._writer)

    def _account(self) -> None:
        """Put down what was planned and never told, as when xdist gives up on crashed workers."""
        if self._collected is None:
            return
        for data in self._heard.unfinished():
            self._heard.attempt(data)
            self._put_down(data)
        for data in self._heard.in_part(self._collected):
            self._put_down(data)
        if lost := self._heard.lost(self._collected):
            self._seen.interrupted = self._seen.interrupted or f"{lost} checks were never reached"

    def _report(self, session: pytest.Session, writer: Writer) -> None:
        # Read back from the disk, so that what is shown is what a later `render` shows.
        from pytest_backend_audit.reports.writing import write_all  # noqa: PLC0415 - templates load with it
        from pytest_backend_audit.scoring import score  # noqa: PLC0415 - only at the end

        try:
            record = _read_back(writer)
            self.card = score(record.inputs, record.attempts, record.seal)
        except ValueError as error:
            self._trouble = self._trouble or self._redactor.redact(f"there is no card: {error}")
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
            return
        extra: dict[str, Any] = {}
        try:
            for formats in self._config.hook.pytest_audit_report_formats():
                extra.update(formats)
        except Exception as error:  # noqa: BLE001 - somebody else's code; our own reports are written all the same
            self._trouble = self._trouble or self._redactor.redact(failure("pytest_audit_report_formats", error))
        try:
            write_all(self.card, self._plot.folder, extra_formats=extra)
        except OSError as error:
            self._trouble = self._trouble or self._redactor.redact(f"the reports can't be written: {error}")
        if session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            session.exitstatus = self.card.verdict.exit_status
        for finding in self.card.findings:
            self._tell("pytest_audit_finding", finding=finding)
        self._tell("pytest_audit_scorecard", scorecard=self.card, config=self._config)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the card."""
        if self.card is None:
            if self._trouble:
                terminalreporter.write_line(f"audit: {self._trouble}", red=True)
            return
        from pytest_backend_audit.reports.terminal import section  # noqa: PLC0415 - only at the end

        terminal = terminalreporter._tw  # its width and encoding have no public name
        width = max(80, min(terminal.fullwidth, 100))
        unicode = "utf" in (getattr(terminal._file, "encoding", None) or "").lower()
        shown = _shown(self._plot.folder)
        terminalreporter.write_sep("=", "backend audit")
        for line in section(self.card, width, color=terminal.hasmarkup, unicode=unicode, folder=shown):
            terminalreporter.write_line(line)
        if self._trouble:
            terminalreporter.write_line(f"audit: {self._trouble}", red=True)
        for line in self._told:
            terminalreporter.write_line(f"audit: {line}", yellow=True)

    def final_status(self, status: object) -> object:
        """The exit status, once everybody else has had a say: never 0 for a verdict that fails."""
        if self.card is not None:
            return status or self.card.verdict.exit_status or int(bool(self._trouble))
        # Without a card no gate was passed.
        return status or int(bool(self._trouble) or self._plot.gated)


def _read_back(writer: Writer) -> Record:
    record = read_run(writer.folder)
    if record.head != writer.head:
        raise RunError(f"{writer.folder / JOURNAL}: another file stands in the place of this run's journal. {AGAIN}")
    return record


def _shown(folder: Path) -> str:
    relative = os.path.relpath(folder)
    return str(folder) if relative.startswith("..") else relative
