"""One audit run, seen from the process that owns it: pytest's hooks, and what goes wrong beside the checks."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.collect import PLAN, Collected
from pytest_backend_audit.ending import Ending
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.journal import Writer
from pytest_backend_audit.keeping import Keeper
from pytest_backend_audit.model import Seal
from pytest_backend_audit.narrowing import by_collector, by_name
from pytest_backend_audit.observe import JUDGED, WIDER
from pytest_backend_audit.options import runs_nothing
from pytest_backend_audit.recorder import utc_now
from pytest_backend_audit.redaction.reports import redact_report
from pytest_backend_audit.telling import Telling

if TYPE_CHECKING:
    from pytest_backend_audit.model import Card
    from pytest_backend_audit.plot import Plot
    from pytest_backend_audit.redaction import Redactor

SESSION = "backend_audit_session"


@dataclass(slots=True)
class _Seen:
    """What went wrong beside the checks."""

    broken: list[str] = field(default_factory=list)
    narrowing: list[str] = field(default_factory=list)
    interrupted: str = ""


class Session:
    """The controller's hooks. Exists only when an audit is on, and never in an xdist worker."""

    def __init__(self, config: pytest.Config, plot: Plot, redactor: Redactor) -> None:
        self._config = config
        self._plot = plot
        self._redactor = redactor
        self._telling = Telling(config, redactor)
        self._collected: Collected | None = None
        self._keeper: Keeper | None = None
        self._ending: Ending | None = None
        self._seen = _Seen()
        self._terminated = False
        self._failures = 0
        self._before: Any = None
        """Who had SIGTERM before us."""

    @property
    def card(self) -> Card | None:
        """The run's card, once it is over."""
        return self._ending.card if self._ending else None

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
        if report.longrepr is not None or report.sections:
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
            writer = Writer(self._plot.folder)
            # Under xdist the other workers may have told the same already.
            unasked = (*self._seen.narrowing, *map(by_name, collected.uncollected))
            reasons = tuple(dict.fromkeys((*narrowing, *unasked)))
            writer.start(self._plot.inputs(collected, reasons, number))
        except OSError as error:
            raise AuditUsageError(
                f"the report folder {self._plot.folder} can't be written: {error.strerror}; "
                "give another one with --audit-report=DIR"
            ) from None
        self._keeper = Keeper(writer, collected, self._telling)

    # Running

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        """Write what rides on a report into the journal, and count failures as pytest comes to see them."""
        if hasattr(report, "context"):
            # A subtest adds to its report after it was made: its message, its values, its output.
            redact_report(report, self._redactor)
        if str(report.when) == "???":  # xdist's word for a worker that crashed
            redact_report(report, self._redactor)
            if self._keeper is not None:
                self._keeper.crashed(report)
        elif self._keeper is not None:
            self._keeper.report(report)
        if report.__dict__.pop(WIDER, False):
            place = "before" if report.when == "setup" else "after" if report.when == "teardown" else "in"
            self._seen.broken.append(f"teardown of a wider-scoped fixture failed {place} {report.nodeid}")
        judged = report.__dict__.pop(JUDGED, False) or str(report.when) == "???"
        result = yield
        self._failures += report.failed
        if report.failed and not judged:
            self._seen.broken.append(f"another plugin failed {report.nodeid} after it was judged")
        return result

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
            if self._keeper is not None:
                self._finish(self._keeper, session, int(exitstatus), int(session.exitstatus))

    def _finish(self, keeper: Keeper, session: pytest.Session, ran: int, exitstatus: int) -> None:
        self._note_the_end(keeper, session, ran, exitstatus)
        invalid = "" if keeper.trouble else self._at_end()
        keeper.seal(
            Seal(
                ended=utc_now(),
                exit_status=exitstatus,
                broken=tuple(dict.fromkeys(self._seen.broken)),
                interrupted=self._seen.interrupted,
                invalid=invalid,
                notices=self._telling.take(),
            )
        )
        self._ending = Ending(self._config, keeper, self._telling, self._redactor)
        self._ending.judge(session)

    def _at_end(self) -> str:
        """Why the run is invalid after all; whoever is tired of waiting for the service keeps the record."""
        try:
            return self._plot.at_end()
        except KeyboardInterrupt:
            self._seen.interrupted = self._seen.interrupted or "Ctrl-C while the service was asked for its build"
            return "it is not known whether the service still ran the commit at the end"

    def _note_the_end(self, keeper: Keeper, session: pytest.Session, ran: int, exitstatus: int) -> None:
        """Note why the run ended early, and what failed it beside its checks."""
        stopped = session.shouldstop or session.shouldfail
        if stopped and not self._seen.interrupted:
            self._seen.interrupted = str(stopped)
        if lost := keeper.account():
            count = "1 check was" if lost == 1 else f"{lost} checks were"
            self._seen.interrupted = self._seen.interrupted or f"{count} never reached"
        if exitstatus == pytest.ExitCode.INTERNAL_ERROR and not self._seen.interrupted:
            self._seen.interrupted = keeper.trouble or "an internal error of pytest or a plugin"
        explained = ran == pytest.ExitCode.TESTS_FAILED and 0 < session.testsfailed <= self._failures
        if exitstatus == pytest.ExitCode.TESTS_FAILED and not explained and not self._seen.broken:
            # An audit's tests are its checks; something else wants this run to fail, and no gate may hide it.
            self._seen.broken.append("another plugin failed the run")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Show the card."""
        if self._ending is not None:
            self._ending.show(terminalreporter)

    def final_status(self, status: object) -> object:
        """The exit status, once everybody else has had a say: never 0 for a verdict that fails."""
        trouble = (self._ending or self._keeper).trouble if self._keeper else ""
        if self.card is not None:
            return status or self.card.verdict.exit_status or int(bool(trouble))
        # Without a card no gate was passed.
        return status or int(bool(trouble) or self._plot.gated)
