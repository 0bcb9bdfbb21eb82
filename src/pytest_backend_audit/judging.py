"""From what ended a phase of a test to what it says: one status, or several where a group of errors did."""

from __future__ import annotations

import inspect
import traceback
from typing import TYPE_CHECKING, Literal, TypeAlias

import pytest

from pytest_backend_audit.deadline import DeadlinePassed
from pytest_backend_audit.errors import text_of
from pytest_backend_audit.model import Status
from pytest_backend_audit.targets.classify import classify

if TYPE_CHECKING:
    from pytest_backend_audit.recorder import Recorder

Phase: TypeAlias = Literal["", "setup", "call", "teardown"]
"""Of a test; empty between two of them, where pytest itself is at work."""
Judged: TypeAlias = tuple[Status, str]
"""A status, and its reason."""

ASYNC_MESSAGE = "async def functions are not natively supported"
"""How pytest fails an async test that no plugin runs."""
_ORDER = (Status.FAILED, Status.BROKEN, Status.COULD_NOT_RUN, Status.PASSED)


def of_call(error: BaseException, recorder: Recorder) -> list[Judged]:
    """Judge what ended a check's call.

    Args:
        error: The exception; of a group, as an ``asyncio.TaskGroup`` raises it, each member is judged.
        recorder: Knows which HTTP targets have answered in this check and which faults are on.

    Returns:
        Each status that occurs among the errors; which of them puts the lowest limit depends on the check's level.
    """
    found: dict[Status, list[str]] = {}
    for leaf in leaves(error):
        status, reason = classify(leaf, recorder)
        found.setdefault(status, []).append(reason)
    return [(s, "; ".join(dict.fromkeys(found[s]))) for s in _ORDER if s in found]


def of_set_up(error: BaseException, recorder: Recorder) -> Judged:
    """Judge what ended a set-up: nothing was asked of the service, whatever was raised."""
    if isinstance(error, pytest.FixtureLookupError) and error.argname and not error.msg:
        return Status.COULD_NOT_RUN, f"error in set-up: fixture {error.argname!r} not found"
    judged = of_call(error, recorder)
    reason = "; ".join(r for _, r in judged)
    if all(status is Status.COULD_NOT_RUN for status, _ in judged):
        return Status.COULD_NOT_RUN, reason
    return Status.COULD_NOT_RUN, f"error in set-up: {reason}"


def of_teardown(errors: list[BaseException], recorder: Recorder | None = None) -> Judged:
    """Judge what a check's own teardown raised: the check is wrong, not the service.

    Args:
        errors: One or more.
        recorder: Of a check that could not run. A system that it could not reach can't be put in order either, and
            that breaks no check.
    """
    excused = all(
        isinstance(e, DeadlinePassed)
        or (
            recorder is not None
            and not isinstance(e, pytest.skip.Exception)
            and classify(e, recorder)[0] is Status.COULD_NOT_RUN
        )
        for e in errors
    )
    status = Status.COULD_NOT_RUN if excused else Status.BROKEN
    return status, f"error in teardown: {'; '.join(dict.fromkeys(map(_headline, errors)))}"


def by_others(report: pytest.TestReport, phase: Phase = "call") -> Judged:
    """What another plugin, or a conftest, made of a call or a subtest that raised nothing."""
    if hasattr(report, "wasxfail") and report.skipped:  # failures that a plugin kept to itself until the call was over
        return Status.FAILED, f"failed as expected: {report.wasxfail or 'xfail'}"
    if report.skipped:
        said = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr or "")
        return Status.COULD_NOT_RUN, said or "skipped by another plugin"
    said = str(report.longrepr or "").strip() or "failed by another plugin"
    if phase == "setup":
        return Status.COULD_NOT_RUN, f"error in set-up: {said}"
    if phase == "teardown":
        return Status.BROKEN, f"error in teardown: {said}"
    return Status.FAILED, said


def runs_nowhere(function: object, error: BaseException) -> bool:
    """Whether this is how pytest fails an async test that no plugin runs."""
    says_so = isinstance(error, pytest.fail.Exception) and ASYNC_MESSAGE in str(error)
    return says_so and (inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function))


def passes_unexpectedly(item: pytest.Item, error: BaseException) -> bool:
    """Whether this is how pytest fails a test of unittest's that passes though it was expected to fail."""
    if not isinstance(error, pytest.fail.Exception) or not str(error).startswith("Unexpected success"):
        return False
    places = (getattr(item, "function", None), getattr(item, "cls", None))
    return any(getattr(place, "__unittest_expecting_failure__", False) for place in places)


def leaves(error: BaseException) -> list[BaseException]:
    """The errors of a group and of the groups in it; of any other error, itself."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for member in error.exceptions for leaf in leaves(member)]
    return [error]


def where(report: pytest.TestReport, error: BaseException | None = None) -> str:
    """``path:line`` at which it ended, or nothing.

    Args:
        report: Of the phase.
        error: What was raised, if anything was. Where unittest raised it for an assertion, the line is the one that
            asserts: pytest's own place is in unittest, though its traceback leaves that out.
    """
    if error is not None and (line := _asserting(error)):
        return line
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return f"{crash.path}:{crash.lineno}"
    if isinstance(report.longrepr, tuple):
        return f"{report.longrepr[0]}:{report.longrepr[1]}"
    return ""


def _asserting(error: BaseException) -> str:
    """The last line outside of unittest, where an error was raised inside of it."""
    line, inside = "", False
    for frame, number in traceback.walk_tb(error.__traceback__):
        inside = "__unittest" in frame.f_globals  # as unittest marks the modules that its own tracebacks leave out
        if not inside and not frame.f_locals.get("__tracebackhide__"):
            line = f"{frame.f_code.co_filename}:{number}"
    return line if inside else ""


def _headline(error: BaseException) -> str:
    first = text_of(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
