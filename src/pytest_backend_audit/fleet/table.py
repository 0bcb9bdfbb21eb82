"""The fleet in a terminal: tables of a bounded number of lines, which fit 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_backend_audit.fleet import words
from pytest_backend_audit.reports.facts import short_name
from pytest_backend_audit.reports.text import columns, cut, one_line, pad, wrap

if TYPE_CHECKING:
    from pytest_backend_audit.fleet.summary import Dimension, Fleet, Lapsed, Service

_PUNCTUATION = str.maketrans({"…": "~"})
_RESET, _BOLD = "\x1b[0m", "\x1b[1m"
_COLORS = {1: "\x1b[31m", 2: "\x1b[33m", 3: "\x1b[36m", 4: "\x1b[32m", 5: "\x1b[1;32m"}
FACTS = 22
"""Columns between a service's name and its levels, less those of its environment."""
NAME, BOTH = 17, 26
"""Least columns of a service's name, and of it and its environment: beside those the eight dimensions fit."""
ENVIRONMENT = 6, 11, 24
"""Columns of an environment: the least, those of "prod, stage", and the most where names of services leave them."""
WORST_FIRST = "Worst first"
EVERYTHING = 10**9


@dataclass(frozen=True, slots=True)
class Look:
    """What the terminal can show, and how much is wanted."""

    width: int = 80
    color: bool = False
    unicode: bool = True
    everything: bool = False
    """All lines of every table."""

    def text(self, text: str, room: int = 200) -> str:
        """One harmless line of at most `room` columns; in ASCII where the terminal has no more."""
        text = one_line(text[:1000])
        if not self.unicode:
            text = text.encode("ascii", "backslashreplace").decode()
        return cut(text, room, "…" if self.unicode else "~")

    def ends(self, text: str, room: int) -> str:
        """Likewise the beginning and the end: names of environments mostly differ in one of the two."""
        text = self.text(text)
        if columns(text) <= room:
            return text
        head, tail = cut(text, room // 2, "…" if self.unicode else "~"), ""
        for character in reversed(text):
            if columns(head + character + tail) > room:
                break
            tail = character + tail
        return head + tail

    def paint(self, text: str, color: str) -> str:
        """The text in a colour, where colours are on."""
        return f"{color}{text}{_RESET}" if self.color and color else text

    def most(self, lines: int) -> int:
        """So many lines, unless all are wanted."""
        return EVERYTHING if self.everything else lines


def lines(fleet: Fleet, look: Look) -> Iterator[str]:
    """The tables, without line feeds."""
    head = f"{words.head(fleet)}, as of {fleet.asked.as_of}"
    yield look.paint(look.text(f"Fleet: {head}", look.width), _BOLD)
    for text in words.filters(fleet):
        yield look.text(f"only {text}", look.width)
    for part in (_dispositions, _lapsed, _services, _failing, _overdue, _trend, _left_out, _unheld):
        made = list(part(fleet, look))
        if made:
            yield ""
            yield from made


def _dispositions(fleet: Fleet, look: Look) -> Iterator[str]:
    names = [look.text(words.disposition(t.name), 28) for t in fleet.dispositions]
    width = max(map(columns, names), default=0)
    for name, tier in zip(names, fleet.dispositions, strict=True):
        label = f"{pad(name, width)}  {len(tier.services):>6,}  "
        yield from _named(label, [words.named(s, fleet) for s in tier.services], look)


def _named(label: str, names: Sequence[str], look: Look, color: str = "") -> Iterator[str]:
    """A label, then on its line as many names as there is room for, and how many are left out; all, where wanted."""
    room = look.width - columns(label)
    if look.everything:
        text = ", ".join(look.text(name, room) for name in names)
        first, *rest = wrap(text, room, EVERYTHING)
        yield look.paint(label, color) + first
        yield from (" " * columns(label) + line for line in rest)
    else:
        yield look.paint(label, color) + _some(names, room, look)


def _some(names: Sequence[str], room: int, look: Look) -> str:
    for shown in range(min(len(names), 12), 0, -1):
        left = f" and {len(names) - shown:,} more" if shown < len(names) else ""
        text = ", ".join(look.text(name, room) for name in names[:shown]) + left
        if columns(text) <= room:
            return text
    return look.text(names[0], room - columns(left)) + left


def _services(fleet: Fleet, look: Look) -> Iterator[str]:
    where = _where(fleet, look)
    shown, left = _columns(fleet.dimensions, look.width - FACTS - where - min(NAME, BOTH - where))
    room = look.width - FACTS - where - sum(width + 1 for _, width in shown)
    head = f"{pad(look.text(WORST_FIRST, room), room)} {'Env':{where}} {'Audited':10} Total +/- "
    yield look.paint(head + " ".join(pad(look.text(d.id, w), w) for d, w in shown), _BOLD)
    most = look.most(15)
    for service in fleet.services[:most]:
        yield _service(service, (room, where), shown, look)
    if len(fleet.services) > 1:
        mean = " ".join(f"{d.mean:.1f}".ljust(w) for d, w in shown)
        yield ("Mean level".ljust(room + FACTS + where + 1) + mean).rstrip()
    yield from _more(len(fleet.services), most)
    if left:
        yield f"and {words.several(len(left), 'more dimension')}; --json has them"


def _where(fleet: Fleet, look: Look) -> int:
    """Columns of environments: enough for each, where names of services and all dimensions leave as many."""
    least, fair, most = ENVIRONMENT
    services = fleet.services[: look.most(15)]
    wanted = max((columns(look.text(s.called)) for s in services), default=0)
    name = max((columns(look.text(s.service)) for s in services), default=0)
    levels = sum(_width(dimension) + 1 for dimension in fleet.dimensions)
    left = look.width - FACTS - levels - max(name, len(WORST_FIRST))
    return max(least, min(wanted, max(fair, min(left, most))))


def _width(dimension: Dimension) -> int:
    return min(max(columns(one_line(dimension.id[:20])), 3), 8)


def _columns(dimensions: Sequence[Dimension], room: int) -> tuple[list[tuple[Dimension, int]], list[Dimension]]:
    """The dimensions that fit, each with its width, and those that don't."""
    shown: list[tuple[Dimension, int]] = []
    for place, dimension in enumerate(dimensions):
        width = _width(dimension)
        room -= width + 1
        if room < 0:
            return shown, list(dimensions[place:])
        shown.append((dimension, width))
    return shown, []


def _service(service: Service, rooms: tuple[int, int], shown: Sequence[tuple[Dimension, int]], look: Look) -> str:
    room, where = rooms
    name = pad(look.text(service.service, room), room)
    cells = []
    for dimension, width in shown:
        level = service.levels.get(dimension.id)
        cell = str(level.level).ljust(width) if level else "-".ljust(width)
        cells.append(look.paint(cell, _COLORS[level.level]) if level else cell)
    environment = pad(look.ends(service.called, where), where)
    facts = f"{name} {environment} {service.audited} {words.total(service):>5} {words.change(service.change):>3} "
    return (facts + " ".join(cells)).rstrip()


def _more(count: int, most: int) -> Iterator[str]:
    if count > most:
        yield f"and {count - most:,} more (--all)"


def _failing(fleet: Fleet, look: Look) -> Iterator[str]:
    if not fleet.failing:
        return
    room = look.width - 26
    yield look.paint(f"{pad('Criterion, most often failed first', room)}  failed  unproven    of", _BOLD)
    most = look.most(10)
    for one in fleet.failing[:most]:
        name = look.text(f"{one.dimension} {short_name(one.criterion)}", room)
        yield f"{pad(name, room)}  {one.failed:>6,}  {one.unproven:>8,}  {one.of:>4,}"
    yield from _more(len(fleet.failing), most)


def _lapsed(fleet: Fleet, look: Look) -> Iterator[str]:
    if not fleet.lapsed:
        return
    services = len({(one.service.service, one.service.called) for one in fleet.lapsed})
    yield look.paint(f"Audits that are due again and were not made: {words.several(services, 'service')}", _BOLD)
    most = look.most(8)
    for one in fleet.lapsed[:most]:
        yield _lapse(one, fleet, look)
    yield from _more(len(fleet.lapsed), most)


def _lapse(one: Lapsed, fleet: Fleet, look: Look) -> str:
    name = look.text(words.named(one.service, fleet), 28)
    return f"{one.due}  {f'{one.days:,} d':>7}  {pad(name, 28)}  {look.text(one.text, look.width - 51)}".rstrip()


def _overdue(fleet: Fleet, look: Look) -> Iterator[str]:
    if not any(fleet.overdue.values()):
        return
    counts = ", ".join(f"{count:,} {severity}" for severity, count in fleet.overdue.items() if count)
    services = len({s.service for s in fleet.services if s.overdue})
    yield from _told("Findings past their date", f"{counts} in {words.several(services, 'service')}", look)
    yield f"({words.whose_findings(fleet)})"


def _told(label: str, text: str, look: Look) -> Iterable[str]:
    first, *rest = wrap(look.text(f"{label}: {text}", 10_000), look.width, 6, "…" if look.unicode else "~")
    return [look.paint(label, _BOLD) + first[len(label) :], *rest]


def _trend(fleet: Fleet, look: Look) -> Iterator[str]:
    if len(fleet.periods) > 1:
        text = ", ".join(f"{p.name} {p.mean:.2f}" for p in fleet.periods)
        yield from _told("Mean level at the end of a quarter", text, look)
    for label, moved in (("Fell", fleet.fell), ("Rose", fleet.rose)):
        if moved:
            told = [f"{words.named(s, fleet)} {words.change(s.change)}" for s in moved]
            yield from _named(f"{label}: {len(moved):,}; ", told, look, _BOLD)


def _left_out(fleet: Fleet, look: Look) -> Iterator[str]:
    if words.left_out(fleet):
        yield from _told("Not counted", "; ".join(words.left_out(fleet)), look)
    if fleet.unread:
        yield look.paint(f"Can't be read: {words.several(len(fleet.unread), 'file')}", _BOLD)
        most = look.most(5)
        for one in fleet.unread[:most]:
            # The path stays whole, so that it can be copied.
            yield f"  {look.text(one.place, 4096)}"
            mark = "…" if look.unicode else "~"
            yield from (f"    {line}" for line in wrap(look.text(one.reason, 10_000), look.width - 4, 5, mark))
        yield from _more(len(fleet.unread), most)


def _unheld(fleet: Fleet, look: Look) -> Iterator[str]:
    if words.unheld(fleet):
        yield from _told("Held to no ledger", words.unheld(fleet), look)
