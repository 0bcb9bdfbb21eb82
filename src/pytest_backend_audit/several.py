"""Of a check with several cases or parts one decides; this tells which attempt that is, and what it recorded."""

from __future__ import annotations

from pytest_backend_audit.instances import whole_of
from pytest_backend_audit.model import Attempt, CheckResult, Evidence, Status


def deciding(result: CheckResult) -> Attempt | None:
    """The attempt that gave the reason, else one that failed, else any that did not pass, else any."""
    ranked = sorted(
        result.attempts,
        key=lambda a: (a.status is Status.PASSED, a.reason != result.reason, a.status is not Status.FAILED),
    )
    return ranked[0] if ranked else None


def evidence(result: CheckResult) -> tuple[Evidence, ...]:
    """What the deciding attempt recorded; a part records nothing of its own, so that it has that of the whole test."""
    decides = deciding(result)
    if decides is None or decides.evidence:
        return decides.evidence if decides else ()
    whole = whole_of(decides.instance)
    return next((a.evidence for a in _together(result, decides) if a.instance == whole and a.evidence), ())


def _together(result: CheckResult, attempt: Attempt) -> list[Attempt]:
    """The attempts of the same go at the same test: it, and its parts."""
    whole = whole_of(attempt.instance)
    mine = (whole, attempt.started, attempt.worker)
    return [a for a in result.attempts if (whole_of(a.instance), a.started, a.worker) == mine]
