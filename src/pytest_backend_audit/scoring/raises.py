"""What would raise the result most: for each dimension the fewest checks that lift the total or the disposition."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pytest_backend_audit.model import Raise
from pytest_backend_audit.scoring.dimensions import Assessed, Obstacle
from pytest_backend_audit.scoring.levels import proven
from pytest_backend_audit.standard.model import Disposition

NAMED = 3
"""Checks that a sentence names before it says how many more there are."""


@dataclass(frozen=True, slots=True)
class Result:
    """A total and, for a formal audit, the row of the matrix after overrides."""

    total: int
    tier: int | None = None


Outlook = Callable[[Mapping[str, int], Collection[str]], Result]
"""From the levels (before the reviewer's cap) and the dimensions with purely verbal passes to a result."""


@dataclass(frozen=True, slots=True)
class _Way:
    target: int
    sought: int
    mend: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Ranked:
    rank: tuple[int, int, int, int]
    """Checks to mend; tiers and points gained, negated; place of the dimension: the smallest is the best."""
    dimension: Assessed
    way: _Way
    then: Result


def find(
    dimensions: Sequence[Assessed], outlook: Outlook, matrix: Sequence[Disposition], reviewer_from: int
) -> tuple[Raise, ...]:
    """Ways to lift the result: those that lift the disposition come first, then those that take fewer checks.

    Each dimension has at most two: its cheapest one, and one that seeks less if that takes fewer checks.

    Args:
        dimensions: The assessed dimensions.
        outlook: What the card would say of other levels.
        matrix: The disposition matrix, for the names.
        reviewer_from: Levels from here on count once a second reviewer has signed.
    """
    capped = any(d.result.level != d.result.would_be for d in dimensions)
    now_levels = {d.result.id: d.result.would_be for d in dimensions}
    verbal = frozenset(d.result.id for d in dimensions if d.verbal_only)
    now = outlook(now_levels, verbal)

    def levels_then(dimension: Assessed, way: _Way) -> Result:
        id_ = dimension.result.id
        return outlook({**now_levels, id_: way.target}, verbal - {id_} if way.mend else verbal)

    found: list[_Ranked] = []
    for place, dimension in enumerate(dimensions):
        cheapest = _cheapest(_ways(dimension, sought_less=False), dimension, place, now, then=levels_then)
        modest = _cheapest(_ways(dimension, sought_less=True), dimension, place, now, then=levels_then)
        if cheapest is not None:
            found.append(cheapest)
        if modest is not None and (cheapest is None or len(modest.way.mend) < len(cheapest.way.mend)):
            found.append(modest)
    found.sort(key=lambda ranked: (ranked.rank[1], *ranked.rank))
    return tuple(_raise(ranked, now, matrix, sign=capped or ranked.way.target >= reviewer_from) for ranked in found)


def _cheapest(
    ways: Iterable[_Way], dimension: Assessed, place: int, now: Result, then: Callable[[Assessed, _Way], Result]
) -> _Ranked | None:
    """The way with the fewest checks that lifts anything; among equals the one that lifts most."""
    best: _Ranked | None = None
    for way in ways:
        result = then(dimension, way)
        tiers = 0 if now.tier is None or result.tier is None else now.tier - result.tier
        gain = result.total - now.total
        if tiers <= 0 and gain <= 0:
            continue
        rank = (len(way.mend), -tiers, -gain, place)
        if best is None or rank < best.rank:
            best = _Ranked(rank, dimension, way, result)
    return best


def _ways(dimension: Assessed, *, sought_less: bool) -> list[_Way]:
    now = dimension.result.would_be
    sought = dimension.result.sought
    aims = [
        (target, ceiling)
        for target in range(now + 1, sought if sought_less else sought + 1)
        for ceiling in (range(target, sought) if sought_less else (sought,))
    ]
    return [_Way(target, ceiling, _mend(dimension, target, ceiling)) for target, ceiling in aims]


def _mend(dimension: Assessed, target: int, sought: int) -> tuple[str, ...]:
    """The fewest checks to mend so that the dimension reaches `target` while it seeks `sought`."""
    relevant = [o for o in dimension.obstacles if o.level <= sought]
    chosen = [o for o in relevant if o.limit < target and not o.row]
    highest: dict[str, int] = {}
    for o in chosen:
        highest[o.criterion] = max(o.level, highest.get(o.criterion, 0))
    rows: dict[str, Obstacle] = {}
    for o in relevant:
        if o.row and o.limit < target and o.level > highest.get(o.criterion, 0):
            known = rows.get(o.criterion)
            if known is None or o.level > known.level:
                rows[o.criterion] = o
    # One new check covers the rows of its criterion at and below its level.
    chosen += rows.values()
    names = [o.name for o in chosen]
    passes = {level for level in dimension.passed if level <= sought} | {o.level for o in chosen}
    taken = set(names)
    for level in _lacking(passes, dimension.weak, target):
        # Any pass above L2 proves L2 as well; a check that is there already comes before one that is to be written.
        fits = (o for o in relevant if o.name not in taken and (o.level == level or target == 2 <= o.level))
        spare = min(fits, key=lambda o: o.row, default=None)
        name = spare.name if spare else f"a check at L{level}"
        taken.add(name)
        names.append(name)
    return tuple(names)


def _lacking(passes: Collection[int], weak: Collection[int], target: int) -> list[int]:
    """Levels at which a pass is lacking for `target` to be proven."""
    if proven(passes, weak) >= target:
        return []
    return [2] if target == 2 else [level for level in range(3, target + 1) if level not in passes]


def _raise(ranked: _Ranked, now: Result, matrix: Sequence[Disposition], *, sign: bool) -> Raise:
    result, way, then = ranked.dimension.result, ranked.way, ranked.then
    lifts = []
    if then.total > now.total:
        lifts.append(f"total {now.total} to {then.total}")
    if now.tier is not None and then.tier is not None and then.tier < now.tier:
        lifts.append(f"disposition to {matrix[then.tier].name}")
    if sign:  # both totals count what a second reviewer is still to sign
        lifts[0] = f"once signed, {lifts[0]}"
    steps = []
    if way.sought < result.sought:
        steps.append(f"seek {way.sought} instead of {result.sought} in {result.id} {result.name} (audit.yaml: sought)")
    if way.mend:
        steps.append(f"pass {_few(way.mend)} in {result.id} {result.name}")
    return Raise(result.id, way.target, way.mend, ", ".join(lifts), " and ".join(steps))


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
