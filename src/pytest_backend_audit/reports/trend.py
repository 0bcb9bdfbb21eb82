"""How a service's audits went, one after the other, for the terminal and as data. Pure: from filed cards to lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from pytest_backend_audit.ledger.places import Places
from pytest_backend_audit.model import FiledCard, Severity
from pytest_backend_audit.reports.text import columns, cut, one_line, pad, wrap
from pytest_backend_audit.totals import uncapped

WIDTH = 80
BARS = 24
"""Audits that the bars show, the latest ones."""
ROWS = 12
"""Audits that the table shows unless all are wanted, the latest ones."""
NO_OTHERS = Places()
"""Every environment has one name."""
NAME = 32
"""Most columns of a dimension's id and name."""

_BARS = " ▁▃▄▆█"
_PLAIN = " 12345"


@dataclass(frozen=True, slots=True)
class Filed:
    """A filed card, and what its file is called."""

    name: str
    """Without suffix, such as 2026-08-31-2."""
    card: FiledCard

    @property
    def levels(self) -> dict[str, int]:
        """Dimension -> level before the second reviewer's cap."""
        return {d.id: d.would_be for d in self.card.dimensions}

    @property
    def total(self) -> int | None:
        """Of these levels; None without one."""
        return uncapped(self.card)


def once(audits: Iterable[Filed]) -> list[Filed]:
    """Each audit once: of one that was filed again, as once it was signed, the signed card, as a fleet counts it."""
    kept: dict[object, Filed] = {}
    for audit in sorted(audits, key=lambda a: (not a.card.second_reviewer, f"{a.name}.json")):
        card = audit.card
        run = frozenset(card.sources) or (card.environment, card.environment_kind, card.instant)
        kept.setdefault((card.service, run), audit)
    return list(kept.values())


def place_of(environment: str, places: Places = NO_OTHERS) -> str:
    """The environments of a card by the names that they go by."""
    return ", ".join(places.of(environment))


def in_order(audits: Iterable[Filed], places: Places = NO_OTHERS) -> dict[str, tuple[Filed, ...]]:
    """Environment -> its audits by their instants: those of prod and of stage are not one row of steps.

    Args:
        audits: In any order.
        places: Environments by all of their names; those of one that got another name are one row.
    """

    def place(audit: Filed) -> str:
        return place_of(audit.card.environment, places) or audit.card.environment_kind

    ordered = sorted(audits, key=lambda a: (place(a), a.card.instant, a.name))
    return {environment: tuple(group) for environment, group in groupby(ordered, key=place)}


def terminal(
    audits: Iterable[Filed], places: Places = NO_OTHERS, *, unicode: bool = True, everything: bool = False
) -> Iterator[str]:
    """Lines for a terminal of 80 columns, without line feeds: a part for each environment."""
    for number, (environment, group) in enumerate(in_order(audits, places).items()):
        if number:
            yield ""
        yield from _part(environment, group, unicode=unicode, most=len(group) if everything else ROWS)


def data(audits: Iterable[Filed], places: Places = NO_OTHERS) -> list[dict[str, Any]]:
    """The same for machines, all audits of it."""
    return [_facts(audit) for group in in_order(audits, places).values() for audit in group]


def _facts(audit: Filed) -> dict[str, Any]:
    card = audit.card
    counts = Counter(f.severity for f in card.findings)
    return {
        "name": audit.name,
        "service": card.service,
        "environment": card.environment,
        "environment_kind": card.environment_kind,
        "commit": card.commit,
        "instant": card.instant,
        "standard": card.standard,
        "second_reviewer": card.second_reviewer,
        "levels": {d.id: {"level": d.level, "would_be": d.would_be, "sought": d.sought} for d in card.dimensions},
        "total": card.total,
        "total_would_be": audit.total,
        "maximum": card.maximum,
        "disposition": card.disposition,
        "findings": {severity.value: counts[severity] for severity in Severity},
    }


def _part(environment: str, audits: Sequence[Filed], *, unicode: bool, most: int) -> Iterator[str]:
    first, last = audits[0].card, audits[-1].card
    count = f"{len(audits)} audit{'' if len(audits) == 1 else 's'}"
    days = " to ".join(dict.fromkeys((first.instant[:10], last.instant[:10])))
    place = f" in {environment.replace(', ', ' and ')}" if environment else ""
    yield cut(one_line(f"{last.service or 'service not stated'}{place}: {count}, {days}"), WIDTH)
    yield "levels and totals before the second reviewer's cap"
    yield ""
    yield from _bars(audits[-BARS:], unicode=unicode)
    yield ""
    yield from _table(audits, unicode=unicode, most=most)
    yield from _remarks(audits)


def _bars(audits: Sequence[Filed], *, unicode: bool) -> Iterator[str]:
    names = {d.id: one_line(f"{d.id} {d.name}") for audit in audits for d in audit.card.dimensions}
    room = min(max((columns(n) for n in names.values()), default=0), NAME)
    cells = _BARS if unicode else _PLAIN
    for id_, name in names.items():
        levels = [audit.levels.get(id_) for audit in audits]
        bar = "".join(cells[level] if level is not None and 1 <= level <= 5 else " " for level in levels)
        known = [level for level in levels if level is not None]
        yield f"  {pad(cut(name, room), room)}  {bar}  {_from_to([f'L{level}' for level in known])}".rstrip()
    totals = [audit.total for audit in audits]
    bar = "".join(_share(a.total, a.card.maximum, cells) for a in audits)
    told = [str(total) for total in totals if total is not None]
    if told:
        yield f"  {pad('Total', room)}  {bar}  {_from_to(told)} of {audits[-1].card.maximum}"


def _share(total: int | None, maximum: int, cells: str) -> str:
    """A total as one of five steps: 8 of 40 is the lowest, 40 the highest."""
    return " " if total is None or maximum <= 0 else cells[max(1, min(5, round(5 * total / maximum)))]


def _from_to(values: Sequence[str]) -> str:
    if not values:
        return ""
    return values[0] if len(set(values)) == 1 else f"{values[0]} -> {values[-1]}"


def _table(audits: Sequence[Filed], *, unicode: bool, most: int) -> Iterator[str]:
    shown = audits[-most:]
    ids = list(dict.fromkeys(id_ for audit in shown for id_ in audit.levels))
    names = max(columns(one_line(audit.name)) for audit in shown)
    fits = all(columns(id_) <= 3 for id_ in ids) and 2 + names + 4 * len(ids) + 8 + 26 <= WIDTH + 3
    ids = ids if fits else []
    if left := len(audits) - len(shown):
        yield f"  the latest {len(shown)} of {len(audits)}; --all shows all"
    head = "".join(f" {pad(id_, 3)}" for id_ in ids)
    yield f"  {pad('filed', names)}{head} total  disposition"
    before: dict[str, int] = {}
    if left:
        before = audits[-most - 1].levels
    for audit in shown:
        cells = "".join(_cell(before.get(id_), audit.levels.get(id_), unicode=unicode) for id_ in ids)
        total = "none" if audit.total is None else str(audit.total)
        row = f"  {pad(one_line(audit.name), names)}{cells} {total.rjust(5)}  "
        lines = wrap(one_line(_disposition(audit)), max(WIDTH - columns(row), 16), 2)
        yield (row + lines[0]).rstrip()
        yield from (" " * columns(row) + line for line in lines[1:])
        before = audit.levels


def _disposition(audit: Filed) -> str:
    """With the total that is recorded, where the reviewer's cap makes it another."""
    name, recorded = audit.card.disposition_name or "none", audit.card.total
    return name if recorded == audit.total else f"{name}, recorded {recorded} until signed"


def _cell(before: int | None, now: int | None, *, unicode: bool) -> str:
    if now is None:
        return "   -"
    up, down = ("▲", "▼") if unicode else ("+", "-")
    mark = " " if before is None or before == now else up if now > before else down
    return f"  {now}{mark}"


def _remarks(audits: Sequence[Filed]) -> Iterator[str]:
    """Where the measure changed: a step there says nothing about the service."""
    said = []
    for one, other in pairwise(audits):
        if one.card.standard != other.card.standard or one.card.basis != other.card.basis:
            said.append(f"{other.name}: by another standard than before: {other.card.basis or 'none'}")
        elif one.card.standard_version != other.card.standard_version:
            said.append(f"{other.name}: by another version of the standard than before")
        if one.card.environment != other.card.environment:
            said.append(f"{other.name}: the environment was called {one.card.environment or 'nothing'} before")
        if one.card.environment_kind != other.card.environment_kind:
            said.append(
                f"{other.name}: in an environment of another kind: {other.card.environment_kind or 'not stated'}"
            )
    if said:
        yield ""
    for text in said:
        yield from (f"  {line}" for line in wrap(one_line(text), WIDTH - 2, 2))
