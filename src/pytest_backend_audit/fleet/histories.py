"""Which audits follow each other: those of one service in the same environments. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pytest_backend_audit.fleet.audits import Audit
from pytest_backend_audit.fleet.places import Key


class _Row(NamedTuple):
    """Audits that follow each other, and the environments of which the latest of them has the last word."""

    audits: list[Audit]
    holds: set[Key]


def histories(audits: Iterable[Audit], asked: Collection[str] = ()) -> list[list[Audit]]:
    """The audits of each service and environment, in the order in which they were made.

    Two environments are apart, as what holds in one may fail in the other. A merge of both follows the audits of each,
    and is followed once each was audited again: what comes after is later word of all that it tells.

    Args:
        audits: In any order, each once.
        asked: Names or kinds: no other environments count, whatever else a merge tells of; none: all of them do.
    """
    rows: dict[str, list[_Row]] = defaultdict(list)
    last: dict[str, dict[Key, datetime]] = defaultdict(dict)
    for audit in in_order(audits, asked):
        newest = last[audit.name]
        taken = latest(newest, audit.of(asked))
        kept, followed = list[_Row](), list[_Row]()
        for row in rows[audit.name]:
            row.holds.difference_update(taken)
            (kept if row.holds else followed).append(row)
        # Mostly that is one, whose audits are in their order.
        joined = followed[0].audits if len(followed) == 1 else in_order((a for r in followed for a in r.audits), asked)
        rows[audit.name] = [*kept, _Row([*joined, audit], taken)]
    return [row.audits for of_service in rows.values() for row in of_service]


def latest(newest: dict[Key, datetime], places: Mapping[Key, datetime]) -> set[Key]:
    """The environments of which the next audit has the last word, which are noted with when it was made there.

    Args:
        newest: Environment -> when it was audited last.
        places: Those of the audit -> when it was made there.
    """
    taken = {key for key, at in places.items() if key not in newest or at >= newest[key]}
    newest.update((key, places[key]) for key in taken)
    return taken


def in_order(audits: Iterable[Audit], asked: Collection[str] = ()) -> Sequence[Audit]:
    """As they were made in the environments that are asked for; a merge after each of its runs by itself."""
    return sorted(audits, key=lambda a: (max(a.of(asked).values(), default=a.at), len(a.sources), a.place))
