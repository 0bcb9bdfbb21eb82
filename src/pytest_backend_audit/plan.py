"""Which checks there are, in which order, and which of them this run leaves out. Pure: from marks to a `Plan`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from pytest_backend_audit.marker import read_mark
from pytest_backend_audit.model import Check, Page
from pytest_backend_audit.standard.model import Standard


class Phase(IntEnum):
    """When a test runs: none begins before those of all earlier phases have reported, with xdist and without.

    What the audit itself reads moves the counters of the audited systems, in whichever worker it is read. So no check
    that watches them may run beside one that reads.
    """

    WATCHING = 0
    """Checks of this package that watch counters over a window, and read nothing else."""
    BUNDLED = 1
    """All other readers of this package."""
    OWN = 2
    """Readers of the project's own and of other plugins, of which nobody knows what they read."""
    ALONE = 3
    """One after the other: those of the project's own that watch counters, and then all that disturb."""


class Marked(NamedTuple):
    """One collected test with the marks that make it a check."""

    nodeid: str
    base: str
    """Check id without parameters, and without a criterion where two marks share the function."""
    location: str
    page: Page
    bundled: bool
    marks: tuple[tuple[tuple[Any, ...], Mapping[str, Any]], ...]
    """Arguments of the closest marks."""
    parameter_marks: tuple[tuple[tuple[Any, ...], Mapping[str, Any]], ...] = ()
    """Those that come with a parameter set."""
    shipped: bool = False
    """Whether it comes with this package."""
    watches: bool = False
    """Whether it asks for `audit_window`."""
    by_place: bool = False
    """Whether pytest has called one of its parameters by its place, for want of a name."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was collected, before narrowing."""

    checks: tuple[Check, ...] = ()
    """In the order of the walk."""
    of_node: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """pytest node id -> ids of the checks that it is an instance of."""
    phases: Mapping[str, Phase] = field(default_factory=dict)
    """pytest node id -> when it runs."""
    problems: tuple[str, ...] = ()
    """What is wrong with marks: each a line with file, line and the way out."""
    by_place: tuple[str, ...] = ()
    """Ids of checks with instances that pytest has called by their place."""


def build(marked: Iterable[Marked], standard: Standard, *, loaded: bool, declared: Sequence[str] = ()) -> Plan:
    """The plan of a run.

    Args:
        marked: Collected tests with marks.
        standard: Gives dimensions, criteria and the order of the walk.
        loaded: Whether its rows count; then an explicit criterion must be one of its own or declared.
        declared: Criteria that audit.yaml declares.
    """
    checks: dict[str, Check] = {}
    of_node: dict[str, tuple[str, ...]] = {}
    phases: dict[str, Phase] = {}
    problems: list[str] = []
    by_place: dict[str, None] = {}
    for test in marked:
        found, wrong = _checks_of(test, standard, loaded=loaded, declared=declared)
        problems.extend(f"{test.location}: {message}" for message in wrong)
        for check in found:
            known = checks.setdefault(check.id, check)
            if known is not check and (known.dimension, known.level, known.criterion, known.needs) != (
                check.dimension,
                check.level,
                check.criterion,
                check.needs,
            ):
                problems.append(
                    f"{test.location}: audit marks of {test.base}'s parameter sets disagree; "
                    "one check has one dimension, level, criterion and needs"
                )
        of_node[test.nodeid] = tuple(c.id for c in found)
        if test.by_place:
            by_place |= dict.fromkeys(of_node[test.nodeid])
        phases[test.nodeid] = _phase(test, found)
    order = walk_order(standard)
    ordered = sorted(checks.values(), key=order)
    return Plan(tuple(ordered), of_node, phases, tuple(dict.fromkeys(problems)), tuple(by_place))


def _phase(test: Marked, checks: Sequence[Check]) -> Phase:
    if any(check.needs for check in checks):
        return Phase.ALONE
    if test.shipped:
        return Phase.WATCHING if test.watches else Phase.BUNDLED
    return Phase.ALONE if test.watches else Phase.OWN


def walk_order(standard: Standard) -> Any:
    """Sort key for checks: disturbing ones last; then dimension, criterion and level as the standard has them."""
    dimensions = {d.id: n for n, d in enumerate(standard.dimensions)}
    criteria = {(r.dimension, r.criterion): n for n, r in reversed(list(enumerate(standard.rows)))}
    last = len(standard.rows)

    def key(check: Check) -> tuple[bool, int, int, str, int, str]:
        place = criteria.get((check.dimension, check.criterion or ""), last)
        return (bool(check.needs), dimensions.get(check.dimension, 99), place, check.ladder, check.level, check.id)

    return key


def _checks_of(
    test: Marked, standard: Standard, *, loaded: bool, declared: Sequence[str]
) -> tuple[list[Check], list[str]]:
    problems: list[str] = []
    marks = test.marks or test.parameter_marks
    if test.marks and any(mark not in test.marks for mark in test.parameter_marks):
        problems.append("the audit mark of a parameter set differs from its function's; they must agree")
    checks: list[Check] = []
    for args, kwargs in marks:
        values, wrong = read_mark(args, kwargs)
        problems.extend(f"audit mark: {message}" for message in wrong)
        if values is None:
            continue
        problems.extend(f"audit mark: {m}" for m in _unknown_names(values, standard, loaded=loaded, declared=declared))
        several = len(marks) > 1
        checks.append(
            Check(
                id=f"{test.base}@{values['criterion']}" if several else test.base,
                location=test.location,
                page=test.page,
                bundled=test.bundled,
                **values,
            )
        )
    ladders = [c.criterion for c in checks]
    if len(checks) > 1 and (None in ladders or len(set(ladders)) < len(ladders)):
        return [], [*problems, "two audit marks on one function must name different criteria"]
    return checks, problems


def _unknown_names(
    values: Mapping[str, Any], standard: Standard, *, loaded: bool, declared: Sequence[str]
) -> list[str]:
    dimension, criterion = values["dimension"], values["criterion"]
    known = [d.id for d in standard.dimensions]
    if dimension not in known:
        return [f"dimension is {dimension!r}; the standard has {', '.join(known)}"]
    if criterion is None or criterion in declared or not (loaded or declared):
        return []
    if not loaded:
        near = difflib.get_close_matches(criterion, declared, 1, 0.9)
        # With no standard, names need not be declared: what is as good as one that is, was meant to be it.
        return (
            [f"criterion {criterion!r} is not declared; did you mean {near[0]}? (audit.yaml, `criteria`)"]
            if near
            else []
        )
    criteria = standard.criteria(dimension)
    if criterion in criteria or f"{dimension}/{criterion}" in {p.rpartition("/")[0] for p in standard.pending}:
        return []
    elsewhere = [d for d in known if criterion in standard.criteria(d)]
    if elsewhere:
        return [f"criterion {criterion!r} belongs to dimension {elsewhere[0]}, not {dimension}"]
    near = difflib.get_close_matches(criterion, [*criteria, *declared], 1, 0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    return [
        f"criterion {criterion!r} is not in the standard; {hint}"
        f"`backend-audit standard show --dimension {dimension}` lists them, "
        "and audit.yaml `criteria:` declares your own"
    ]
