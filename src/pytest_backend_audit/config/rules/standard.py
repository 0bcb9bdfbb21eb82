"""Names that the standard gives: dimensions, criteria, settings, dispositions."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_backend_audit.config.problems import shown
from pytest_backend_audit.config.rules.context import Context
from pytest_backend_audit.errors import Problem
from pytest_backend_audit.standard.model import NEEDS_SIGN_OFF, Setting, Standard
from pytest_backend_audit.yamlnodes import Path


def disagreements(context: Context, standard: Standard) -> Iterator[Problem]:
    """Names that the standard doesn't have, and values that its settings don't take."""
    yield from _dimensions(context, standard)
    yield from _criteria(context, standard)
    yield from _thresholds(context, standard.settings())
    yield from _gate(context, standard)


def _dimensions(context: Context, standard: Standard) -> Iterator[Problem]:
    file = context.file
    known = [d.id for d in standard.dimensions]
    named: list[tuple[Path, str]] = []
    if isinstance(file.suites, tuple):
        named += [(("suites", i), s) for i, s in enumerate(file.suites)]
    for key, mapping in (("owners", file.owners), ("sought", file.sought), ("weights", file.weights)):
        named += [((key, d), d) for d in mapping]
    for i, incident in context.numbered("incidents", file.incidents or ()):
        named += [(("incidents", i, "dimensions", j), d) for j, d in enumerate(incident.dimensions)]
    yield from (context.unknown(p, d, known, "dimension") for p, d in named if d not in known)


def _criteria(context: Context, standard: Standard) -> Iterator[Problem]:
    file = context.file
    theirs = {r.criterion for r in standard.rows}
    # Rows that this edition leaves out are still rows of the standard: people may attest to them already.
    theirs |= {p.split("/")[1] for p in standard.pending if p.count("/") == 2}
    for name in file.criteria:
        if name in theirs:
            yield context.problem(("criteria", name), "the standard has this criterion; give your own another name")
    declared = context.document.data.get("criteria")
    known = sorted({*theirs, *(declared if isinstance(declared, dict) else ())})
    used: list[tuple[Path, str]] = [
        *(
            (("attestations", i, "criterion"), e.criterion)
            for i, e in context.numbered("attestations", file.attestations)
        ),
        *(
            (("not_applicable", i, "criterion"), e.criterion)
            for i, e in context.numbered("not_applicable", file.not_applicable)
        ),
        *(
            (("acknowledged", i, "item"), e.item.partition(":")[0])
            for i, e in context.numbered("acknowledged", file.acknowledged)
            # A check without a criterion goes by its id: path/test_it.py::test_it:ITEM.
            if not e.item.partition(":")[2].startswith(":")
        ),
        *((("leave_out", name), name) for name in file.leave_out),
    ]
    for place, name in used:
        if name in known:
            continue
        if any(d.id == name for d in standard.dimensions):
            theirs_of = dict.fromkeys(r.criterion for r in standard.rows if r.dimension == name)
            yield context.problem(place, f"{name} is a dimension; name each criterion: {', '.join(theirs_of)}")
        else:
            yield context.unknown(place, name, known, "criterion")


def _thresholds(context: Context, settings: dict[str, Setting]) -> Iterator[Problem]:
    for name, value in context.file.thresholds.items():
        if name not in settings:
            yield context.unknown(("thresholds", name), name, settings, "setting of the standard")
        elif wanted := _wanted(settings[name].default, value):
            unit = f" ({settings[name].unit})" if settings[name].unit else ""
            yield context.problem(("thresholds", name), f"found {shown(value)}; allowed: {wanted}{unit}")


def _wanted(default: object, value: object) -> str | None:
    """What the setting takes, when `value` is not of that kind."""
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(default, str):
        return None if isinstance(value, str) else "a text"
    whole = isinstance(default, int)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return "a whole number" if whole else "a number"
    return None


def _gate(context: Context, standard: Standard) -> Iterator[Problem]:
    gate = context.file.gate
    if gate is None or context.file.standard == "none":
        return
    allowed = [d.id for d in standard.dispositions if not d.needs_sign_off and d.floor is not None]
    if any(d.id == gate and d.needs_sign_off for d in standard.dispositions):
        yield context.problem(("gate",), f"{gate} {NEEDS_SIGN_OFF}; allowed: {', '.join(allowed)}")
    elif gate not in allowed:
        yield context.unknown(("gate",), gate, allowed, "disposition that a gate can ask for")
