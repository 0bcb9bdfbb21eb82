"""What people state: reviewers, incidents, attestations. Days that make sense, nothing twice."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_backend_audit import people
from pytest_backend_audit.config.incidents import begins, ends
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
    if people.nobody_but(second, lead):
        message = f"found {shown(second)}, the lead auditor; allowed: somebody else"
        yield context.problem(("second_reviewer",), message)


def _incidents(context: Context) -> Iterator[Problem]:
    incidents = tuple(context.numbered("incidents", context.file.incidents or ()))
    yield from context.doubles((("incidents", i, "id"), e.id) for i, e in incidents)
    for i, entry in incidents:
        for key, text in (("opened", entry.opened), ("resolved", entry.resolved)):
            if text is not None and begins(text).date() > context.today:
                message = f"found {text}, in the future; allowed: up to {context.today.isoformat()} (UTC)"
                yield context.problem(("incidents", i, key), message)
        if entry.resolved is not None and ends(entry.resolved) < begins(entry.opened):
            message = f"found {entry.resolved}; allowed: not before it was opened, {entry.opened}"
            yield context.problem(("incidents", i, "resolved"), message)
