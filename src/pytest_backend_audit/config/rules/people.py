"""What people state: reviewers, incidents, attestations. Days that make sense, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_backend_audit.config.problems import shown
from pytest_backend_audit.config.rules.context import Context
from pytest_backend_audit.errors import Problem


def disagreements(context: Context) -> Iterator[Problem]:
    """Statements that contradict each other or the calendar."""
    yield from _reviewer(context)
    yield from _incidents(context)
    attestations = tuple(context.numbered("attestations", context.file.attestations))
    yield from context.doubles((("attestations", i), f"{e.criterion}, {e.reference}") for i, e in attestations)
    for i, entry in attestations:
        yield from context.in_future(("attestations", i, "date"), entry.date)


def _reviewer(context: Context) -> Iterator[Problem]:
    lead, second = context.file.lead_auditor.strip(), context.file.second_reviewer.strip()
    if lead and lead.casefold() == second.casefold():
        message = f"found {shown(second)}, the lead auditor; allowed: somebody else"
        yield context.problem(("second_reviewer",), message)


def _incidents(context: Context) -> Iterator[Problem]:
    incidents = tuple(context.numbered("incidents", context.file.incidents or ()))
    yield from context.doubles((("incidents", i, "id"), e.id) for i, e in incidents)
    for i, entry in incidents:
        yield from context.in_future(("incidents", i, "opened"), entry.opened)
        if entry.resolved is None:
            continue
        path = ("incidents", i, "resolved")
        yield from context.in_future(path, entry.resolved)
        if entry.resolved < entry.opened:
            message = f"found {entry.resolved}; allowed: not before the day it was opened, {entry.opened}"
            yield context.problem(path, message)
