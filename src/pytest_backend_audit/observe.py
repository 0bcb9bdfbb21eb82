"""Watching tests run: from pytest's phases to attempts, which ride on the report of each test's teardown."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.collect import PLAN
from pytest_backend_audit.deadline import Deadline, DeadlinePassed
from pytest_backend_audit.jsonable import to_builtins
from pytest_backend_audit.model import Attempt, Check, Evidence, Status
from pytest_backend_audit.recorder import Buffer, utc_now
from pytest_backend_audit.redaction.reports import redact_report
from pytest_backend_audit.targets.classify import classify

if TYPE_CHECKING:
    from pytest_backend_audit.plan import Plan
    from pytest_backend_audit.runtime import Runtime

ATTEMPTS = "audit_attempts"
"""Attribute of a teardown report that carries the attempts, as builtins, from an xdist worker to the controller."""
WIDER = "audit_wider_teardown"
"""Attribute of a teardown report: an error there belongs to a fixture of wider scope, not to the test."""

ASYNC_MESSAGE = "async def functions are not natively supported"
"""How pytest fails an async test that no plugin runs."""

REASON_LIMIT = 4 * 1024
"""Characters of a reason that are kept."""


@dataclass(slots=True)
class _Run:
    """One set-up, call and teardown of one test."""

    checks: list[Check]
    started: str
    begun: float
    status: Status | None = None
    reason: str = ""
    where: str = ""
    call: Buffer = field(default_factory=Buffer)
    calling: bool = False
    """Whether the test function is running: a report made meanwhile is a subtest's."""
    parts: list[Attempt] = field(default_factory=list)
    """Subtests that did not pass, and a teardown that failed."""
    notes: list[str] = field(default_factory=list)
    properties: int = 0
    """User properties that the test had before it ran: ours, which hold no secret."""


class Observer:
    """Hooks of the run phase; registered in every process that runs tests."""

    def __init__(self, runtime: Runtime, timeout: float, worker: str = "") -> None:
        self._runtime = runtime
        self._recorder = runtime.recorder
        self._deadline = Deadline(timeout)
        self._worker = worker
        self._plan: Plan | None = None
        self._checks: dict[str, Check] = {}
        self._run: _Run | None = None
        self._set_up: dict[pytest.FixtureDef[Any], tuple[Evidence, ...]] = {}
        self._wider: list[BaseException] = []

    def pytest_sessionstart(self) -> None:
        """Begin to watch the clock."""
        self._deadline.start()

    def pytest_unconfigure(self) -> None:
        """Watch it no longer."""
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
        checks = self._checks_of(item)
        self._run = _Run(checks, utc_now(), time.perf_counter(), properties=len(item.user_properties))
        self._recorder.answered.clear()
        self._runtime.check = checks[0] if checks else None
        with self._deadline:
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
        """Collect what a fixture's set-up records; every check that uses the fixture shares it."""
        if fixturedef.scope != "function":
            self._watch_end(fixturedef)
        with self._recorder.open(fixturedef.argname) as buffer:
            value = yield
        if buffer.evidence:
            self._set_up[fixturedef] = tuple(buffer.evidence)
        else:
            self._set_up.pop(fixturedef, None)
        return value

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        """Collect what the check itself records, inside its deadline."""
        run = self._run
        if run is None:
            return (yield)
        run.call = self._recorder.begin()
        try:
            with self._deadline:
                run.calling = True
                try:
                    return (yield)
                finally:
                    run.calling = False
        finally:
            self._recorder.end(run.call)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        """Bound the teardown too."""
        with self._deadline:
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge the phase, redact its report, and attach the attempts once the test is over."""
        report = yield
        run = self._run
        if run is None or not run.checks:
            return report
        error = call.excinfo.value if call.excinfo is not None else None
        if (
            error is not None
            or report.sections
            or report.longrepr is not None
            or len(report.user_properties) > run.properties
            or hasattr(report, "wasxfail")
        ):
            redact_report(report, self._runtime.redactor)
        if call.when == "setup":
            if error is not None:
                status, reason = self._judge(item, error, in_call=False)
                self._end(run, status, reason, report)
        elif call.when == "call" and run.calling:
            self._subtest(item, run, report, error)
        elif call.when == "call":
            self._judge_call(item, run, report, error)
        elif call.when == "teardown":
            if error is not None:
                self._judge_teardown(item, run, report, error)
            self._attach(item, run, report)
        return report

    def _judge_call(self, item: pytest.Item, run: _Run, report: pytest.TestReport, error: BaseException | None) -> None:
        if error is not None:
            self._end(run, *self._judge(item, error, in_call=True), report)
            return
        strict = isinstance(report.longrepr, str) and report.longrepr.startswith("[XPASS(strict)]")
        if strict or hasattr(report, "wasxfail"):
            run.notes.append("stale xfail: the check passes")
        elif not report.passed:
            self._end(run, *_by_others(report), report)
            return
        self._end(run, Status.PASSED, "", None)

    def _subtest(self, item: pytest.Item, run: _Run, report: pytest.TestReport, error: BaseException | None) -> None:
        # A subtest that passed says nothing that the whole test does not say; its evidence is the test's.
        if error is None and report.passed:
            return
        status, reason = _by_others(report) if error is None else self._judge(item, error, in_call=True)
        self._part(run, f"{item.nodeid} subtest {len(run.parts) + 1}", status, reason, report)

    def _judge_teardown(self, item: pytest.Item, run: _Run, report: pytest.TestReport, error: BaseException) -> None:
        if any(_holds(error, wide) for wide in self._wider):
            self._wider.clear()
            setattr(report, WIDER, True)
            return
        if run.status is Status.COULD_NOT_RUN:
            return
        # Beside what the call found, which stands: a failure is not undone by a teardown that fails as well.
        late = isinstance(error, DeadlinePassed)
        status = Status.COULD_NOT_RUN if late else Status.BROKEN
        self._part(run, f"{item.nodeid} teardown", status, f"error in teardown: {_headline(error)}", report)

    def _part(self, run: _Run, instance: str, status: Status, reason: str, report: pytest.TestReport) -> None:
        run.parts.append(Attempt("", instance, status, self._clean(reason), _where(report), started=run.started))

    def _judge(self, item: pytest.Item, error: BaseException, *, in_call: bool) -> tuple[Status, str]:
        if not in_call:
            status, reason = classify(error, self._recorder)
            if status is Status.COULD_NOT_RUN:
                return status, reason
            return Status.COULD_NOT_RUN, f"error in set-up: {reason}"
        function = getattr(item, "function", None)
        nobody = ASYNC_MESSAGE in str(error) and not (self._run and self._run.call.evidence)
        if nobody and isinstance(error, pytest.fail.Exception) and inspect.iscoroutinefunction(function):
            return Status.COULD_NOT_RUN, "an async test that nobody runs: install a pytest plugin for async tests"
        return classify(error, self._recorder)

    def _end(self, run: _Run, status: Status, reason: str, report: pytest.TestReport | None) -> None:
        run.status, run.reason = status, self._clean(reason)
        run.where = _where(report) if report is not None else ""

    def _attach(self, item: pytest.Item, run: _Run, report: pytest.TestReport) -> None:
        evidence = [*self._shared(item), *run.call.evidence]
        notes = [*run.notes, *run.call.notes]
        if run.call.dropped:
            notes.append(f"{run.call.dropped} more pieces of evidence were not kept")
        status = run.status or Status.COULD_NOT_RUN
        reason = run.reason or ("" if run.status else "interrupted before it ended")
        duration = round(time.perf_counter() - run.begun, 6)
        data: list[dict[str, Any]] = []
        for check in run.checks:
            whole = Attempt(
                check.id,
                item.nodeid,
                status,
                reason,
                run.where,
                tuple(evidence),
                tuple(run.call.acknowledged),
                tuple(notes),
                run.started,
                duration,
                self._worker,
            )
            data.append(to_builtins(whole))
            data.extend({**to_builtins(p), "check": check.id, "worker": self._worker} for p in run.parts)
        setattr(report, ATTEMPTS, data)
        self._run = None
        self._runtime.check = None

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
        return found

    def _watch_end(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """Remember errors at a wider-scoped fixture's end: they land on an innocent test and carry no scope."""
        if "addfinalizer" in vars(fixturedef):
            return
        add = fixturedef.addfinalizer

        def watched(finalizer: Callable[[], object]) -> None:
            def end() -> None:
                try:
                    finalizer()
                except BaseException as error:
                    self._wider.append(error)
                    raise

            add(end)

        fixturedef.addfinalizer = watched  # type: ignore[method-assign]

    def _checks_of(self, item: pytest.Item) -> list[Check]:
        if self._plan is None:
            return []
        return [self._checks[i] for i in self._plan.of_node.get(item.nodeid, ())]

    def _clean(self, reason: str) -> str:
        return self._runtime.redactor.redact(reason)[:REASON_LIMIT]


def _by_others(report: pytest.TestReport) -> tuple[Status, str]:
    """What another plugin, or a conftest, made of a call that raised nothing."""
    if report.skipped:
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
        return Status.COULD_NOT_RUN, said or "skipped by another plugin"
    return Status.FAILED, str(report.longrepr or "").strip() or "failed by another plugin"


def _holds(error: BaseException, wanted: BaseException) -> bool:
    if error is wanted:
        return True
    return isinstance(error, BaseExceptionGroup) and any(_holds(e, wanted) for e in error.exceptions)


def _headline(error: BaseException) -> str:
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _where(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return f"{crash.path}:{crash.lineno}"
    if isinstance(report.longrepr, tuple):
        return f"{report.longrepr[0]}:{report.longrepr[1]}"
    return ""
