"""A check as an audit runs it, less pytest: its status, its reason, its evidence."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.marker import is_ours, read_mark
from pytest_backend_audit.model import Check, Evidence, Status
from pytest_backend_audit.recorder import Recorder
from pytest_backend_audit.redaction import Redactor
from pytest_backend_audit.targets.classify import classify

INSTANT = "2026-01-15T12:00:00.000Z"
"""The instant at which all evidence is recorded, and at which `surroundings` has the audit begin."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a check ended on the evidence that it was given."""

    status: Status
    reason: str
    evidence: tuple[Evidence, ...]
    acknowledged: tuple[str, ...]
    notes: tuple[str, ...]


def run_check(function: Callable[..., object], /, *, on: Recorder | None = None, **fixtures: Any) -> Ran:
    """Run a check with literal values in place of its fixtures.

    Args:
        function: The check, as it stands in its module.
        on: The recorder that stand-ins of your own record into. Those of this module need none.
        fixtures: A value for each of its arguments.

    Raises:
        TypeError: An argument has no value, or a value no argument.
    """
    wanted = set(inspect.signature(function).parameters)
    if wanted != set(fixtures):
        missing, unknown = sorted(wanted - set(fixtures)), sorted(set(fixtures) - wanted)
        raise TypeError(
            f"{function.__name__}: no value for {missing or 'nothing'}, no argument for {unknown or 'nothing'}"
        )
    used = on or recorder()
    for value in fixtures.values():
        if isinstance(value, StandIn):
            value.begin(used, _check_of(function))
    status, reason = Status.PASSED, ""
    with used.open() as buffer:
        try:
            function(**fixtures)
        except BaseException as error:
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                raise
            status, reason = classify(error, used)
    return Ran(status, reason, tuple(buffer.evidence), tuple(buffer.acknowledged), tuple(buffer.notes))


def recorder() -> Recorder:
    """A recorder with a clock that stands still."""
    return Recorder(Redactor().redact, clock=lambda: INSTANT)


class StandIn:
    """Stands in for a fixture that records."""

    recorder: Recorder

    def begin(self, recorder: Recorder, check: Check | None) -> None:  # noqa: ARG002 - for those whom it concerns
        """A check begins: all that it is given records into the same recorder.

        Args:
            recorder: That recorder.
            check: What its mark says; None for a function without one.
        """
        self.recorder = recorder


def _check_of(function: Callable[..., object]) -> Check | None:
    """The check that a function's closest mark makes of it; None where it bears none that is right."""
    for mark in getattr(function, "pytestmark", ()):
        values = read_mark(mark.args, mark.kwargs)[0] if mark.name == "audit" and is_ours(mark) else None
        if values is not None:
            return Check(id=function.__qualname__, **values)
    return None
