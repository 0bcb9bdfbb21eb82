"""What a ledger has open, fast: a fleet reads thousands of them, and asks for dates only.

It tells the same as `ledger.folding.fold`, which keeps histories too and takes five times as long. Whatever it does not
know is left to that one, whose word counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pytest_backend_audit.ledger.clocks import with_clocks
from pytest_backend_audit.ledger.events import SCHEMA_VERSION
from pytest_backend_audit.ledger.places import environments
from pytest_backend_audit.model import Severity


class UnknownError(Exception):
    """There is something in the ledger that is not known here."""


@dataclass(slots=True)
class Entry:
    """A finding so far."""

    dimension: str
    severity: Severity
    due: str
    told: str
    """The date in the card that told of it last."""
    at: str
    """When its line was written."""
    where: set[str]
    """Environments in which it is open; empty once it is in none."""
    disputed: bool = False
    said: str = ""
    """When somebody disputed it, or resolved that, last."""
    seen: dict[str, str] = field(default_factory=dict)
    """Environment -> instant of the latest run that had it there."""
    last: str = ""
    """When it was told of last."""
    opened: str = ""
    """When the line was written that opened it, the last time after it was away."""
    dated: str = ""
    """When somebody assigned a date last; empty if nobody did."""
    away: dict[str, str] = field(default_factory=dict)
    """Environment -> instant of the run, or of the reviewer's word, by which it was closed there last."""


@dataclass(slots=True)
class _Card:
    """What its line tells of a filing."""

    instant: str
    instants: dict[str, str]
    lines: int
    """Of findings, that have yet to come."""


@dataclass(slots=True)
class Ledger:
    """A ledger so far."""

    filings: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    """Service and last hashes of the journals of each filing."""
    findings: dict[str, Entry] = field(default_factory=dict)
    cards: dict[str, _Card] = field(default_factory=dict)
    """Name of a card -> its filing."""
    before: dict[str, str] = field(default_factory=dict)
    """Fingerprint -> date that was assigned before the finding was filed."""

    def take(self, event: dict[str, Any]) -> None:
        """Go on by one event.

        Raises:
            KeyError: It lacks something.
            UnknownError: It is of no known kind, or about a finding that no line opened.
        """
        kind = event["type"]
        if kind == "filed":
            self._filed(event)
            return
        if kind == "replaced":  # by what a finding may close: its date is the same
            return
        known = self.findings.get(event["fingerprint"])
        if kind in {"opened", "reopened", "seen"}:
            self._found(event, known)
        elif kind == "assigned":
            self._assigned(event, known)
        elif known is None:
            raise UnknownError
        elif kind == "disputed":
            if not known.where or event["at"] < known.said:
                raise UnknownError  # two branches were joined
            known.disputed, known.said = True, event["at"]
        elif kind == "resolved":
            self._resolved(event, known)
        elif kind in {"gone", "closed"}:
            self._away(event, known)
        else:
            raise UnknownError

    def _filed(self, event: dict[str, Any]) -> None:
        self.filings.append((event["service"], frozenset(event["heads"])))
        if event["service"] != self.filings[0][0]:
            raise UnknownError
        # Environments have several names, or two branches gave one name to two cards.
        if event.get("formerly") or event["file"] in self.cards:
            raise UnknownError
        self.cards[event["file"]] = _Card(event["instant"], event.get("instants") or {}, event.get("lines") or 0)

    def _resolved(self, event: dict[str, Any], known: Entry) -> None:
        if not known.disputed or event["at"] < known.said:
            raise UnknownError  # two branches have a word on it
        known.said = event["at"]
        if event["upheld"]:
            if known.last > event["at"] or max(known.seen.values()) > event["at"]:
                raise UnknownError  # two branches were joined, or clocks disagree
            named = event.get("environment")
            if named and set(environments(named)) != known.where:
                raise UnknownError  # likewise
            places = known.where if named else known.seen
            known.away |= {place: max(known.away.get(place, ""), event["at"]) for place in places}
            known.where = set()
        known.disputed = False

    def _away(self, event: dict[str, Any], known: Entry) -> None:
        instant = event.get("instant") or ""
        if event.get("elsewhere"):
            raise UnknownError  # it is no word on a failure, as histories tell
        card = self._card(event) if event["type"] == "gone" else None
        for place in environments(event["environment"]):
            made = instant or (card.instants.get(place, card.instant) if card else "")
            if place in known.where and known.seen.get(place, "") > made:
                raise UnknownError  # two branches were joined
            known.where.discard(place)
            known.away[place] = max(known.away.get(place, ""), made)
        known.disputed = known.disputed and bool(known.where)

    def _card(self, event: dict[str, Any]) -> _Card:
        card = self.cards[event["file"]]
        card.lines -= 1
        return card

    def _found(self, event: dict[str, Any], known: Entry | None) -> None:
        mark, told = event["fingerprint"], event["finding"]
        card = self._card(event)
        made = event.get("instant")
        here = {place: made or card.instants.get(place, card.instant) for place in environments(event["environment"])}
        if known is None:
            if told is None:
                raise UnknownError
            dimension, severity, due = _told(told)
            dated = self.before.pop(mark, "") or due
            self.findings[mark] = Entry(
                dimension, severity, dated, due, event["at"], set(here), seen=here, last=event["at"], opened=event["at"]
            )
            return
        if any(place not in known.where and instant < known.away.get(place, "") for place, instant in here.items()):
            raise UnknownError  # two branches were joined
        if any(place in known.where and instant < known.seen.get(place, "") for place, instant in here.items()):
            raise UnknownError  # likewise: what a later run told of it counts
        if told is None and here.keys() - known.where:
            raise UnknownError  # as what it is opened there, histories tell
        if told is None and event.get("same") not in {None, "", known.at}:
            raise UnknownError  # another branch told of it since
        if told is not None:
            known.at = event["at"]
            told_now = _told(told)
            if known.where - here.keys() and told_now != (known.dimension, known.severity, known.told):
                raise UnknownError  # it is graver in one environment than in another
            known.dimension, known.severity, known.told = told_now
        if event["at"] < known.last:
            raise UnknownError  # two branches were joined: whose date came first, histories tell
        if not known.where:
            if known.dated >= event["at"] or min(here.values()) < max(known.away.values(), default=""):
                raise UnknownError  # whether it was away at all, or since when, histories tell
            known.opened = event["at"]
        known.due = (known.due or known.told) if known.where else known.told
        known.where |= here.keys()
        known.last = max(known.last, event["at"])
        for place, instant in here.items():
            known.seen[place] = max(known.seen.get(place, ""), instant)

    def _assigned(self, event: dict[str, Any], known: Entry | None) -> None:
        due = event["due"]
        if not isinstance(due, str):
            raise UnknownError
        if known is not None:
            if due and with_clocks(event["at"]) < known.opened:
                raise UnknownError  # two branches were joined
            known.due = due or known.due
            known.dated = event["at"] if due else known.dated
        else:
            self.before[event["fingerprint"]] = due or self.before.get(event["fingerprint"], "")


def _told(finding: dict[str, Any]) -> tuple[str, Severity, str]:
    dimension, due = finding["dimension"], finding["due"]
    if not isinstance(dimension, str) or not isinstance(due, str):
        raise UnknownError
    return dimension, Severity(finding["severity"]), due


def folded(raw: bytes, last: str) -> Ledger:
    """How a ledger stood at the end of a day.

    Args:
        raw: The file.
        last: The day, as events have it; what was told later is left out.

    Raises:
        UnknownError: It holds something that is not known here.
    """
    ledger = Ledger()
    try:
        for event in _events(raw):
            if event["at"][:10] <= last:
                ledger.take(event)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise UnknownError from None
    if any(card.lines > 0 for card in ledger.cards.values()):
        raise UnknownError  # some are lost
    return ledger


def _events(raw: bytes) -> Iterator[dict[str, Any]]:
    for line in raw.split(b"\n"):
        if line.strip():
            event: dict[str, Any] = json.loads(line)
            if event["schema_version"] != SCHEMA_VERSION:
                raise UnknownError
            yield event
