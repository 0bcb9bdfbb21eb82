"""Watching tests run: from pytest's phases to attempts, which ride on the report of each test's teardown."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit import judging
from pytest_backend_audit.collect import PLAN
from pytest_backend_audit.deadline import Deadline
from pytest_backend_audit.jsonable import to_builtins
from pytest_backend_audit.model import Attempt, Check, Evidence, Status
from pytest_backend_audit.plan import Phase
from pytest_backend_audit.recorder import Buffer, utc_now
from pytest_backend_audit.redaction.reports import redact_report
from pytest_backend_audit.returning import phase_of
from pytest_backend_audit.threads import ThreadErrors
from pytest_backend_audit.unasked import unasked
from pytest_backend_audit.wider import WiderEnds

if TYPE_CHECKING:
    from pytest_backend_audit.plan import Plan
    from pytest_backend_audit.runtime import Runtime

ATTEMPTS = "audit_attempts"
"""Attribute of a teardown report that carries the attempts, as builtins, from an xdist worker to the controller: a pair
of what tells this go at the test from another one, and the attempts."""
FOUND = "audit_found"
"""Attribute of a report before the teardown's, of that form: what does not pass so far, if no teardown's comes."""
WIDER = "audit_wider_teardown"
"""Attribute of a report: an error there belongs to the end of a fixture of wider scope, not to the test."""
JUDGED = "audit_judged"
"""Attribute of a report when something is known against its test; one that fails without it was failed afterwards."""

REASON_LIMIT = 4 * 1024
"""Characters of a reason that are kept."""
NOTHING = Buffer()
"""What a call has recorded before it begins."""


@dataclass(slots=True)
class _Run:
    """One set-up, call and teardown of one test."""

    checks: list[Check]
    go: str
    """Tells it from others of the same test: a clock would not, as fixtures stop clocks."""
    started: str
    begun: float
    status: Status | None = None
    reason: str = ""
    where: str = ""
    call: Buffer = NOTHING
    phase: judging.Phase = ""
    """The phase that is running: a report made meanwhile is a subtest's, whichever phase it calls itself of."""
    parts: list[Attempt] = field(default_factory=list)
    """Subtests that did not pass, further errors of a group, and a teardown that failed."""
    notes: list[str] = field(default_factory=list)
    untouched: bool = False
    """Whether nobody set it up: pytest's own parts then stumble over what is missing when they put it away."""
    threads: list[BaseException] = field(default_factory=list)
    """What ended threads that its call started, besides what ended the call itself."""
    properties: int = 0
    """User properties that the test had before it ran: ours, which hold no secret."""


class Observer:
    """Hooks of the run phase; registered in every process that runs tests."""

    def __init__(self, runtime: Runtime, timeout: float, worker: str = "", *, brief: bool = False) -> None:
        """Take the audit.

        Args:
            runtime: The audit.
            timeout: Seconds for each phase of a check.
            worker: Of xdist; empty in the only process.
            brief: Whether pytest shows the message alone where the code around it tells its reader nothing: that of
                a bundled check, or of a driver that could not reach its server.
        """
        self._brief = brief
        self._runtime = runtime
        self._recorder = runtime.recorder
        self._deadline = Deadline(timeout)
        self._worker = worker
        self._plan: Plan | None = None
        self._checks: dict[str, Check] = {}
        self._run: _Run | None = None
        self._set_up: dict[pytest.FixtureDef[Any], tuple[Evidence, ...]] = {}
        self._wider = WiderEnds()
        self._threads = ThreadErrors()
        self._goes = itertools.count(1)

    def pytest_sessionstart(self) -> None:
        """Begin to watch the clock, and threads."""
        self._deadline.start()
        self._threads.start()

    def pytest_unconfigure(self) -> None:
        """Watch them no longer."""
        self._threads.stop()
        self._deadline.stop()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn the plan."""
        collected = session.config.stash.get(PLAN, None)
        if collected is not None:
            self._plan = collected.plan
            self._checks = {c.id: c for c in collected.plan.checks}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Begin an attempt."""
        run = self._begin(item)
        try:
            with self._deadline:
                run.phase = "setup"
                return (yield)
        finally:
            run.phase = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Collect what a fixture's set-up records; every check that uses the fixture shares it."""
        if fixturedef.scope != "function":
            self._wider.watch(fixturedef)
        with self._recorder.open(fixturedef.argname) as buffer:
            value = yield
        if buffer.evidence:
            self._set_up[fixturedef] = tuple(buffer.evidence)
        else:
            self._set_up.pop(fixturedef, None)
        return value

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Collect what the check itself records, inside its deadline."""
        __tracebackhide__ = True
        run = self._run
        if run is None:
            return (yield)
        run.call = self._recorder.begin()
        self._threads.begin(run.call.strangers, str(item.path))
        try:
            with self._deadline:
                run.phase = "call"
                result = yield
        except BaseException as error:
            run.threads = self._threads.take()
            if not run.threads or not self._threads.only_tells(error):
                raise
            result = None
        else:
            run.threads = self._threads.take()
        finally:
            run.phase = ""
            self._recorder.end(run.call)
        if run.threads:
            # Nobody else would have it fail; what a thread raised in vain is what the check itself says.
            errors, run.threads = run.threads, []
            raise errors[0] if len(errors) == 1 else BaseExceptionGroup("a check's threads", errors)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        """Bound the teardown too."""
        run = self._run
        if run is None:
            return (yield)
        try:
            with self._deadline:
                run.phase = "teardown"
                return (yield)
        finally:
            run.phase = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge the phase, redact its report, and attach the attempts once the test is over."""
        raised = call.excinfo
        report = yield
        run = self._run
        if run is None and call.when == "setup":
            run = self._begin(item)  # somebody's hook ended the test before it came to ours
            run.untouched = True
        if run is None or not run.checks:
            return report
        found = call.excinfo or raised  # whoever takes it away in between makes no failed check pass
        error = found.value if found is not None else None
        if (
            error is not None
            or report.sections
            or report.longrepr is not None
            or len(report.user_properties) > run.properties
            or hasattr(report, "wasxfail")
        ):
            redact_report(report, self._runtime.redactor)
        if run.phase:
            self._subtest(item, run, report, error)
        elif call.when == "setup":
            self._judge_set_up(item, run, report, error)
        elif call.when == "call":
            self._judge_call(item, run, report, error)
            if self._brief and report.failed and error is not None:
                self._shorten(run, report)
        elif call.when == "teardown":
            self._judge_teardown(item, run, report, error)
            self._attach(item, run, report)
        # By identity: a set would ask for the hash of each member, which enum answers in Python code.
        amiss = bool(run.parts) or not (run.status is None or run.status is Status.PASSED)
        if call.when == "call" and amiss:
            setattr(report, FOUND, [run.go, self._attempts(item, run)])
        if amiss or not report.passed:  # pytest itself fails a call later whose subtests have failed
            setattr(report, JUDGED, True)
        return report

    def _begin(self, item: pytest.Item) -> _Run:
        checks = self._checks_of(item)
        if self._runtime.opened and self._plan and self._plan.phases.get(item.nodeid) is not Phase.WATCHING:
            self._runtime.opened.clear()  # from here on the audit's own requests move the counters
        go = f"{self._worker}/{next(self._goes)}"
        run = self._run = _Run(checks, go, utc_now(), time.perf_counter(), properties=len(item.user_properties))
        self._recorder.answered.clear()
        self._runtime.checks = tuple(checks)
        return run

    def _judge_set_up(
        self, item: pytest.Item, run: _Run, report: pytest.TestReport, error: BaseException | None
    ) -> None:
        if error is not None:
            self._end(item, run, [judging.of_set_up(error, self._recorder)], report, error)
            self._own(report, error)
        elif not report.passed:
            self._end(item, run, [judging.by_others(report, "setup")], report)

    def _judge_call(self, item: pytest.Item, run: _Run, report: pytest.TestReport, error: BaseException | None) -> None:
        unexpected = error is not None and judging.passes_unexpectedly(item, error)
        if error is not None and not unexpected:
            self._end(item, run, self._of_call(item, run, error), report, error)
            self._of_threads(item, run, run.threads)
            self._own(report, error)
            return
        strict = isinstance(report.longrepr, str) and report.longrepr.startswith("[XPASS(strict)]")
        if strict or unexpected or (report.passed and hasattr(report, "wasxfail")):
            run.notes.append("stale xfail: the check passes")
        elif not report.passed:
            self._end(item, run, [judging.by_others(report)], report)
            return
        self._end(item, run, [(Status.PASSED, "")], None)

    def _shorten(self, run: _Run, report: pytest.TestReport) -> None:
        if run.status is Status.COULD_NOT_RUN:
            report.longrepr = f"{run.where}: could not run: {run.reason}".removeprefix(": ")
        elif run.status is Status.FAILED and run.checks[0].bundled:
            report.longrepr = run.reason

    def _of_call(self, item: pytest.Item, run: _Run, error: BaseException) -> list[judging.Judged]:
        if not run.call.evidence and judging.runs_nowhere(getattr(item, "function", None), error):
            return [(Status.COULD_NOT_RUN, "an async test that nobody runs: install a pytest plugin for async tests")]
        phase = phase_of(item, error)
        if phase == "setup":
            return [judging.of_set_up(error, self._recorder)]
        if phase == "teardown":
            return [self._of_teardown(run, judging.leaves(error))]
        return judging.of_call(error, self._recorder)

    def _subtest(self, item: pytest.Item, run: _Run, report: pytest.TestReport, error: BaseException | None) -> None:
        # A subtest that passed says nothing that the whole test does not say; its evidence is the test's.
        if error is None and report.passed:
            return
        if error is None:
            judged = [judging.by_others(report, run.phase)]
        elif run.phase == "call":
            judged = judging.of_call(error, self._recorder)
        elif run.phase == "setup":
            judged = [judging.of_set_up(error, self._recorder)]
        else:
            judged = [self._of_teardown(run, judging.leaves(error))]
        where = self._clean(judging.where(report, error))
        for each in judged:
            self._part(run, f"{item.nodeid} subtest {len(run.parts) + 1}", each, where)

    def _of_threads(self, item: pytest.Item, run: _Run, errors: list[BaseException]) -> None:
        """Judge what ended threads of the check, beside what ended its call; they may outlive that."""
        for error in errors:
            for each in judging.of_call(error, self._recorder):
                self._part(run, f"{item.nodeid} part {len(run.parts) + 1}", each, "")

    def _judge_teardown(
        self, item: pytest.Item, run: _Run, report: pytest.TestReport, error: BaseException | None
    ) -> None:
        self._of_threads(item, run, self._threads.take())
        if error is None:
            if not report.passed:
                self._part(run, f"{item.nodeid} teardown", judging.by_others(report, "teardown"), judging.where(report))
            return
        # Beside what the call found, which stands: a failure is not undone by a teardown that fails as well.
        own = self._threads.without(self._own(report, error))
        if own and not run.untouched:
            where = self._clean(judging.where(report, error))
            self._part(run, f"{item.nodeid} teardown", self._of_teardown(run, own), where)

    def _of_teardown(self, run: _Run, errors: list[BaseException]) -> judging.Judged:
        return judging.of_teardown(errors, self._recorder if run.status is Status.COULD_NOT_RUN else None)

    def _own(self, report: pytest.TestReport, error: BaseException) -> list[BaseException]:
        """The errors without those of a wider-scoped fixture's end: that comes in any phase, as parameters change."""
        own, wide = self._wider.apart(error)
        if wide:
            setattr(report, WIDER, True)
        return own

    def _part(self, run: _Run, instance: str, judged: judging.Judged, where: str) -> None:
        status, reason = judged
        run.parts.append(Attempt("", instance, status, self._clean(reason), where, started=run.started))

    def _end(
        self,
        item: pytest.Item,
        run: _Run,
        judged: list[judging.Judged],
        report: pytest.TestReport | None,
        error: BaseException | None = None,
    ) -> None:
        if run.status is not None and run.status is not Status.PASSED:
            # A second report of a call, as of a subtest in somebody's hook round the call, does not undo the first.
            self._part(run, f"{item.nodeid} part {len(run.parts) + 1}", (run.status, run.reason), run.where)
        run.where = self._clean(judging.where(report, error)) if report is not None else ""
        run.status, run.reason = judged[0][0], self._clean(judged[0][1])
        for each in judged[1:]:
            self._part(run, f"{item.nodeid} part {len(run.parts) + 1}", each, run.where)

    def _attach(self, item: pytest.Item, run: _Run, report: pytest.TestReport) -> None:
        if run.status is None:
            run.status, run.reason = Status.COULD_NOT_RUN, "interrupted before it ended"
        setattr(report, ATTEMPTS, [run.go, self._attempts(item, run)])
        self._threads.end()
        self._run = None
        self._runtime.checks = ()

    def _attempts(self, item: pytest.Item, run: _Run) -> list[dict[str, Any]]:
        """What is known so far, as builtins: the whole once it has ended, and its parts."""
        evidence = [to_builtins(piece) for piece in (*self._shared(item), *run.call.evidence)]
        notes = [*run.notes, *run.call.notes]
        bare = run.status is Status.PASSED and not run.call.evidence
        if bare and self._set_up and (names := unasked(item, self._set_up)):
            notes.append(f"all its evidence is of a fixture that it does not ask for: {', '.join(names)}")
        if run.call.dropped:
            notes.append(f"{run.call.dropped} more pieces of evidence were not kept")
        duration = round(time.perf_counter() - run.begun, 6)
        data: list[dict[str, Any]] = []
        for check in run.checks:
            if run.status is not None:
                # What `to_builtins` makes of an `Attempt`; every check has one, and frozen values are slow to make.
                whole = {
                    "check": check.id,
                    "instance": item.nodeid,
                    "status": run.status.value,
                    "reason": run.reason,
                    "where": run.where,
                    "evidence": evidence,
                    "acknowledged": run.call.acknowledged,
                    "notes": notes,
                    "started": run.started,
                    "duration": duration,
                    "worker": self._worker,
                }
                data.append(whole)
            data.extend({**to_builtins(p), "check": check.id, "worker": self._worker} for p in run.parts)
        return data

    def _shared(self, item: pytest.Item) -> list[Evidence]:
        if not self._set_up:
            return []
        info = getattr(item, "_fixtureinfo", None)
        found: list[Evidence] = []
        for name, definitions in info.name2fixturedefs.items() if info is not None else ():
            for definition in reversed(definitions):
                found.extend(self._set_up.get(definition, ()))
                # An override stands for what it overrides, unless it asks for it.
                if name not in definition.argnames:
                    break
        # By ``request.getfixturevalue``, while the check ran: those are in no closure.
        asked: Mapping[str, pytest.FixtureDef[Any]] = getattr(getattr(item, "_request", None), "_fixture_defs", {})
        for name, definition in asked.items():
            if info is None or name not in info.name2fixturedefs:
                found.extend(self._set_up.get(definition, ()))
        return found

    def _checks_of(self, item: pytest.Item) -> list[Check]:
        if self._plan is None:
            return []
        return [self._checks[i] for i in self._plan.of_node.get(item.nodeid, ())]

    def _clean(self, reason: str) -> str:
        return self._runtime.redactor.redact(reason)[:REASON_LIMIT] if reason else ""
