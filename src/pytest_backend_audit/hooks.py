"""Calling the ``pytest_audit_*`` hooks so that an error in somebody else's code ends in one line that names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from pytest_backend_audit.errors import AuditUsageError, text_of


def failure(hook: str, error: Exception) -> str:
    """One line: the hook, the error, and where it was raised.

    Args:
        hook: The hook's name.
        error: What its implementation raised.
    """
    said = " ".join(text_of(error).split())[:400]
    return f"{hook} failed: {type(error).__name__}{f': {said}' if said else ''}{_place(error.__traceback__)}"


def _place(trace: TracebackType | None) -> str:
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})"


@contextmanager
def asking(hook: str) -> Iterator[None]:
    """Ask other plugins for what the audit is to be made of; without their answer there is none.

    Args:
        hook: The hook that is called inside the block.

    Raises:
        AuditUsageError: It failed, or its answer is not of the documented form.
    """
    try:
        yield
    except AuditUsageError:
        raise
    except Exception as error:  # noqa: BLE001 - somebody else's code
        raise AuditUsageError(failure(hook, error)) from None
