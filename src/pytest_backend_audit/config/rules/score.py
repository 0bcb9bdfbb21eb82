"""What bends the score in the open: criteria that don't apply, known items, no standard at all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pytest_backend_audit.config.rules.context import Context
from pytest_backend_audit.errors import Problem
from pytest_backend_audit.standard.model import Standard

NOT_APPLICABLE_DAYS = 180
"""Longest life of a ``not_applicable`` entry, from its `since` on."""


def disagreements(context: Context) -> Iterator[Problem]:
    """Exceptions that last too long, stand twice, or may not be made; a gate that nothing can be held to."""
    if context.file.gate is not None and context.file.standard == "none":
        yield context.problem(("gate",), "a gate needs a standard, and standard is none")
    known = tuple(context.numbered("acknowledged", context.file.acknowledged))
    yield from context.doubles((("acknowledged", i, "item"), e.item) for i, e in known)
    entries = tuple(context.numbered("not_applicable", context.file.not_applicable))
    yield from context.doubles((("not_applicable", i, "criterion"), e.criterion) for i, e in entries)
    for i, entry in entries:
        yield from context.in_future(("not_applicable", i, "since"), entry.since)
        days = (date.fromisoformat(entry.expires) - date.fromisoformat(entry.since)).days
        if not 0 <= days <= NOT_APPLICABLE_DAYS:
            message = (
                f"found {entry.expires}, {days} days after since ({entry.since}); "
                f"allowed: 0 to {NOT_APPLICABLE_DAYS} days after it"
            )
            yield context.problem(("not_applicable", i, "expires"), message)
        if context.standard is not None and (fixed := _fixed_row(context.standard, entry.criterion)):
            message = f"{entry.criterion} has the row {fixed}, which no service can do without"
            yield context.problem(("not_applicable", i, "criterion"), message)


def _fixed_row(standard: Standard, criterion: str) -> str | None:
    """``4.6 L2`` when the criterion has a row that can't be declared not applicable."""
    rows = {(r.dimension, r.criterion, f"L{r.level}") for r in standard.rows}
    rows |= {(d, c, level) for d, c, level in (p.split("/") for p in standard.pending if p.count("/") == 2)}
    for dimension in standard.dimensions:
        for level in dimension.fixed_levels:
            if (dimension.id, criterion, f"L{level}") in rows:
                return f"{dimension.id} L{level}"
    return None
