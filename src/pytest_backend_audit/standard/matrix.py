"""Reading how levels become a disposition: levels, the matrix, overrides, and the table of reference SLOs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_backend_audit.standard.model import Disposition, Level, RequiredAction, SloClass
from pytest_backend_audit.standard.nodes import unique
from pytest_backend_audit.yamlnodes import allowed

if TYPE_CHECKING:
    from pytest_backend_audit.standard.nodes import Node

OVERRIDES = ("blocking-l1", "verbal-only", "p0")
"""The overrides that scoring knows; a standard has those that it names."""


def read_levels(node: Node) -> tuple[Level, ...]:
    """The five levels, from the lowest."""
    levels = []
    for position, item in enumerate(node.items(), start=1):
        fields = item.fields(("number", "name", "definition"))
        number = fields["number"].whole(1, 5) if "number" in fields else position
        if number != position:
            fields["number"].wrong(f"expected level {position} here: levels stand from 1 to 5, each once")
        texts = {key: fields[key].text() if key in fields else "" for key in ("name", "definition")}
        levels.append(Level(number=number, **texts))
    if levels and len(levels) < 5:
        node.wrong(f"expected the five levels from 1 to 5, found {len(levels)}")
    return tuple(levels)


def read_dispositions(node: Node, dimensions: int) -> tuple[Disposition, ...]:
    """The rows of the matrix, from the top.

    Args:
        node: The list.
        dimensions: How many dimensions there are; each gives at most 5 points to the total.
    """
    items = node.items()
    rows = [_disposition(item, 5 * max(dimensions, 1)) for item in items]
    unique([(row.id, item) for row, item in zip(rows, items, strict=True)], "disposition")
    for above, row, item in zip(rows, rows[1:], items[1:], strict=False):
        if row.floor is not None and above.floor is not None and row.floor >= above.floor:
            item.wrong(f"its floor {row.floor} is not below {above.floor}, the floor of the row above it")
        if (row.minimum or 0) > (above.minimum or 0):
            item.wrong(f"its minimum {row.minimum} is above that of the row above it")
    for row, item in zip(rows[:-1], items[:-1], strict=True):
        if row.floor is None and "floor" in item.value:
            item.wrong("only the last disposition may have no floor (null)")
    if rows and (rows[-1].floor is not None or rows[-1].minimum is not None):
        items[-1].wrong("the last disposition takes every total: its floor and minimum must be null")
    return tuple(rows)


def _disposition(node: Node, highest: int) -> Disposition:
    fields = node.fields(("id", "name", "floor", "minimum"), ("actions", "needs_sign_off"))
    return Disposition(
        id=fields["id"].name() if "id" in fields else "",
        name=fields["name"].text() if "name" in fields else "",
        floor=_whole_or_none(fields.get("floor"), 1, highest),
        minimum=_whole_or_none(fields.get("minimum"), 1, 5),
        actions=tuple(_action(item) for item in fields["actions"].items()) if "actions" in fields else (),
        needs_sign_off=fields["needs_sign_off"].flag() if "needs_sign_off" in fields else False,
    )


def _whole_or_none(node: Node | None, low: int, high: int) -> int | None:
    return None if node is None or node.value is None else node.whole(low, high)


def _action(node: Node) -> RequiredAction:
    fields = node.fields(("text",), ("days", "months"))
    if "days" in fields and "months" in fields:
        node.wrong("an action is due in days or in months, not both")
    return RequiredAction(
        text=fields["text"].text() if "text" in fields else "",
        days=fields["days"].whole(1, 3650) if "days" in fields else None,
        months=fields["months"].whole(1, 120) if "months" in fields else None,
    )


def read_overrides(node: Node) -> dict[str, str]:
    """The overrides that the standard has, with its wording of each."""
    entries = node.entries()
    for key, entry in entries.items():
        if key not in OVERRIDES:
            entry.wrong(f"unknown override{allowed(key, OVERRIDES)}")
    return {key: entry.text() for key, entry in entries.items()}


def read_slo_classes(node: Node) -> tuple[SloClass, ...]:
    """The classes of endpoints with their reference objectives."""
    items = node.items()
    classes = [_slo_class(item) for item in items]
    unique([(c.id, item) for c, item in zip(classes, items, strict=True)], "endpoint class")
    return tuple(classes)


def _slo_class(node: Node) -> SloClass:
    keys = ("p50", "p95", "p99")
    fields = node.fields(("id", "name", *keys, "availability"))
    times = {key: fields[key].number(0, 3_600_000) for key in keys if key in fields}
    if list(times.values()) != sorted(times.values()):
        node.wrong("expected p50 <= p95 <= p99")
    if "availability" in fields:
        fields["availability"].number(0, 100)
    return SloClass(
        id=fields["id"].name() if "id" in fields else "",
        name=fields["name"].text() if "name" in fields else "",
        availability=fields["availability"].source if "availability" in fields else "",
        **{key: times.get(key, 0.0) for key in keys},
    )
