"""What is odd about lines of a ledger: by when their runs were made, others have the word. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pytest_backend_audit.ledger.course import Word
from pytest_backend_audit.ledger.events import Found, Retired
from pytest_backend_audit.ledger.numbers import named
from pytest_backend_audit.ledger.state import Tracked


def overruled(findings: Iterable[Tracked]) -> Iterator[tuple[int, str]]:
    """What a reader of the lines would take for how findings stand, and isn't.

    Args:
        findings: All of the ledger, as they stand in the end.

    Yields:
        Line, and what to know of it; of many lines of which the same is to be said, the last one.
    """
    alike: dict[tuple[str, str, str], list[tuple[int, str]]] = defaultdict(list)
    for tracked in findings:
        for line, word, places in _words(tracked):
            alike[*_said(word), ", ".join(places)].append((line, tracked.number))
    for (said, why, where), lines in alike.items():
        line, number = max(lines)
        others = list(dict.fromkeys(other for _, other in sorted(lines) if other != number))
        more = f"; so with {len(lines) - 1} line{'s' * (len(lines) > 2)} before it" if len(lines) > 1 else ""
        more += f", of {named(others)}" if others else ""
        yield line, f"{said.format(number=number, places=where)}, {why.format(number=number)}{more}"


def _words(tracked: Tracked) -> Iterator[tuple[int, Word, tuple[str, ...]]]:
    """Each line that is overruled, and the environments in which it is."""
    found: dict[int, tuple[Word, list[str]]] = {}
    for place, course in tracked.courses.items():
        for word in course.overruled:
            found.setdefault(word.line, (word, []))[1].append(place)
    for line, (word, places) in found.items():
        yield line, word, tuple(sorted(places))


def _said(word: Word) -> tuple[str, str]:
    """What a line says of a finding, and what has the word instead."""
    if isinstance(word.event, Found):
        return f"{word.event.type} {{number}} in {{places}}", "and a later word closed it there: it stays closed"
    if isinstance(word.event, Retired):
        return "{places} is audited no more", "and another line tells of {number} by a later run there: it stays open"
    if word.blind is not None:
        why = "and another line tells of a failure there that is not answered: it stays open"
    else:
        why = "and another line tells of it by a later run there: it stays open"
    return f"{word.event.type} {{number}} in {{places}}", why


__all__ = ["overruled"]
