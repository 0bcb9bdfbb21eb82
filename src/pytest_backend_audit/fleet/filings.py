"""What the filings of a service tell of its environments: their names, their kinds, and when each was audited. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from pytest_backend_audit.fleet.audits import Audit
from pytest_backend_audit.fleet.places import placed
from pytest_backend_audit.ledger.places import Places, environments
from pytest_backend_audit.scoring.dates import moment


class Told:
    """What is told of one service, by the ledgers of all of its clones: that of a card may be behind."""

    def __init__(self, filings: Iterable[Mapping[str, Any]], audits: Iterable[Audit]) -> None:
        """Read what filings and cards tell.

        Args:
            filings: As their lines have them. What nobody writes tells nothing: two rows are better than a wrong one.
            audits: Of the service; what they tell of names counts where there is no filing.
        """
        found, every = list(filings), sorted(audits, key=lambda audit: (audit.at, audit.place))
        cards = (dict(audit.formerly) for audit in every)
        self._renamed = Places.told((_texts(filing.get("formerly")) for filing in found) if found else cards)
        self._kinds: dict[str, set[str]] = defaultdict(set)
        self._instants: dict[frozenset[str], dict[str, datetime]] = {}
        for filing in found:
            for name, kind in _texts(filing.get("kinds")).items():
                self._kinds[self._renamed.one(name)].add(kind)
            environment, its_kind = filing.get("environment"), filing.get("environment_kind")
            if isinstance(environment, str) and isinstance(its_kind, str):
                self._learn(environment, its_kind)
            heads, instants = filing.get("heads"), _instants(_texts(filing.get("instants")))
            if instants and isinstance(heads, list):
                self._instants[frozenset(map(str, heads))] = instants
        for audit in every:
            self._learn(audit.environment, audit.kind)

    def placed(self, audit: Audit) -> Audit:
        """An audit with its environments as they are told of; itself, where that is no other than its card has it."""
        instants = self._instants.get(frozenset(audit.sources), {})
        if not (self._renamed.names or instants or _is_of_several(audit.kind)):
            return audit
        told = placed(
            audit.environment,
            audit.kind,
            audit.at,
            renamed=self._renamed,
            kinds=self._kinds,
            instants=instants,
        )
        return replace(audit, told=told)

    def _learn(self, environment: str, kind: str) -> None:
        # Which of a merge's environments is of which of its kinds is for `kinds` to tell.
        if not _is_of_several(kind):
            for name in self._renamed.of(environment):
                self._kinds[name].add(kind)


def _is_of_several(kind: str) -> bool:
    return len(environments(kind)) > 1


def _texts(told: object) -> dict[str, str]:
    """What one name is told to be of another, or to have; nothing, where nobody wrote it so."""
    if isinstance(told, dict) and all(isinstance(text, str) for text in told.values()):
        return told
    return {}


def _instants(told: Mapping[str, str]) -> dict[str, datetime]:
    try:
        return {name: moment(text) for name, text in told.items()}
    except (ValueError, OverflowError):
        return {}


__all__ = ["Told"]
