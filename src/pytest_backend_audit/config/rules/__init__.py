"""What no single key of audit.yaml can know: agreement between keys, with the calendar, and with the standard."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_backend_audit.config.rules import people, score, standard, system
from pytest_backend_audit.config.rules.context import Context
from pytest_backend_audit.errors import Problem

__all__ = ["Context", "disagreements"]


def disagreements(context: Context) -> Iterator[Problem]:
    """Everything in the file that doesn't agree with the rest of it, with the day, or with the standard."""
    yield from system.disagreements(context)
    yield from people.disagreements(context)
    yield from score.disagreements(context)
    if context.standard is not None:
        yield from standard.disagreements(context, context.standard)
