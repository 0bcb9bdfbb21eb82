"""What an exception out of a check means: the service failed, we could not look, or the check is wrong.

No driver is imported here: a check that never used one must not pay for it. Classes are told by name and module.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_backend_audit.errors import text_of
from pytest_backend_audit.model import Status
from pytest_backend_audit.targets.common import one_line

if TYPE_CHECKING:
    from pytest_backend_audit.recorder import Recorder

COULD_NOT_RUN_SQLSTATES = frozenset({"42501", "53300", "57P03", "57014", "25P03"})
"""No right, too many connections, starting up, canceled by a timeout, idle in transaction too long."""
_TIMEOUT = re.compile(r"Timeout \(>\d+(\.\d+)?s\) from pytest-timeout")
"""How that plugin fails a test that takes too long: a deadline, like our own."""
_REDIS = frozenset({"ConnectionError", "TimeoutError", "AuthenticationError", "NoPermissionError"})
_SQL_CURES = {
    "42501": "grant the monitoring role what it needs (`backend-audit init` writes the SQL)",
    "57014": "raise timeouts.statement in audit.yaml, or let the check ask for less",
}


def classify(error: BaseException, recorder: Recorder) -> tuple[Status, str]:
    """Judge what ended a check's set-up or call.

    Args:
        error: The exception.
        recorder: Knows which HTTP targets have answered in this check and which faults are on.

    Returns:
        The status, and a reason; of an assertion the whole message, else one line.
    """
    if isinstance(error, pytest.skip.Exception):
        return Status.COULD_NOT_RUN, _message(error) or "skipped without a reason"
    if isinstance(error, (AssertionError, pytest.fail.Exception)):
        said = _message(error)
        if _TIMEOUT.match(said):
            return Status.COULD_NOT_RUN, f"deadline of the check passed: {said}"
        return Status.FAILED, said or "assertion failed"
    return _of_driver(error, recorder)


def _of_driver(error: BaseException, recorder: Recorder) -> tuple[Status, str]:
    names = {f"{c.__module__.partition('.')[0]}.{c.__name__}" for c in type(error).__mro__}
    text = text_of(error)
    said = f"{type(error).__name__}: {one_line(text)}" if text else type(error).__name__
    if "psycopg.Error" in names:
        return _postgres(error, names, said)
    if "redis.RedisError" in names:
        return _redis(names, said)
    if "httpx.TransportError" in names:
        return _http(error, recorder, said)
    return Status.BROKEN, said


def _postgres(error: BaseException, names: set[str], said: str) -> tuple[Status, str]:
    state = getattr(error, "sqlstate", None)
    if state is None:
        # No sqlstate: nothing came from the server. It is gone, or the connection never stood.
        lost = "psycopg.OperationalError" in names
        return (Status.COULD_NOT_RUN, f"postgres: the connection was lost: {said}") if lost else (Status.BROKEN, said)
    if state[:2] in {"08", "28"} or state in COULD_NOT_RUN_SQLSTATES:
        cure = _SQL_CURES.get(state)
        return Status.COULD_NOT_RUN, f"postgres: {said} (SQLSTATE {state})" + (f" - {cure}" if cure else "")
    return Status.BROKEN, f"{said} (SQLSTATE {state})"


def _redis(names: set[str], said: str) -> tuple[Status, str]:
    if "redis.ResponseError" in names and "unknown command" in said:
        return Status.COULD_NOT_RUN, f"redis: {said} - the server lacks it, as managed ones do"
    if names.isdisjoint({f"redis.{n}" for n in _REDIS}):
        return Status.BROKEN, said
    cure = " - use the ACL that `backend-audit init` writes" if "redis.NoPermissionError" in names else ""
    return Status.COULD_NOT_RUN, f"redis: {said}{cure}"


def _http(error: BaseException, recorder: Recorder, said: str) -> tuple[Status, str]:
    request = getattr(error, "_request", None)
    url = getattr(request, "url", None)
    what = f"{request.method} {url.copy_with(query=None)}: {said}" if request is not None and url is not None else said
    known = answer_key(url) in recorder.answered if url is not None else bool(recorder.answered)
    if known or recorder.faults_on:
        return Status.FAILED, f"the service broke off: {what}"
    return Status.COULD_NOT_RUN, f"targets.http: {what} (it has not answered in this check)"


def answer_key(url: object) -> str:
    """How `Recorder.answered` names a server: ``host:port``.

    Args:
        url: An httpx.URL.
    """
    port = getattr(url, "port", None) or {"https": 443}.get(getattr(url, "scheme", ""), 80)
    return f"{getattr(url, 'host', '')}:{port}"


def _message(error: BaseException) -> str:
    text = str(getattr(error, "msg", None) or text_of(error)).strip()
    # pytest appends the expression that did not hold; a finding shows what the check's author wrote.
    return text.partition("\nassert ")[0]
