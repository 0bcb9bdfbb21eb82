"""Services of one name in several repositories: each is one of its own. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from os.path import normpath
from pathlib import Path

from pytest_backend_audit.fleet.audits import Audit
from pytest_backend_audit.fleet.stores import is_url
from pytest_backend_audit.ledger.places import environments

_HOME = re.compile(r"(?P<above>.*?)(?:^|/)audits/[^/]+/[^/]+$", re.DOTALL)
"""``audits/<service>/<card>``, where `backend-audit file` puts it."""


def apart(audits: Iterable[Audit], here: str = "") -> list[Audit]:
    """The audits, those of namesakes with where they are at home.

    Namesakes have audits in one kind of environment, and none in common: folders of which each has its own kind are of
    one service, and those that have an audit in common are copies of one another, as clones are. What lies in no
    ``audits/<service>`` tells of no home, and goes by its name.

    Args:
        audits: In any order.
        here: What relative places are below.
    """
    every = list(audits)
    homes: dict[str, dict[str, set[tuple[object, ...]]]] = defaultdict(lambda: defaultdict(set))
    kinds: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for audit in every:
        if (above := _above(audit.place, here)) is not None:
            homes[audit.service][above].add(audit.identity)
            kinds[audit.service][above].update(environments(audit.kind))
    names = {service: _names(_groups(each), kinds[service]) for service, each in homes.items() if len(each) > 1}
    return [
        replace(audit, home=names[audit.service][above])
        if audit.service in names and (above := _above(audit.place, here)) is not None
        else audit
        for audit in every
    ]


def _above(place: str, here: str) -> str | None:
    found = _HOME.fullmatch(place if is_url(place) else normpath(Path(here) / place))
    return found["above"] if found else None


def _groups(homes: Mapping[str, set[tuple[object, ...]]]) -> list[list[str]]:
    """Folders that have audits in common, each once."""
    groups: list[tuple[list[str], set[tuple[object, ...]]]] = []
    for home in sorted(homes):
        folders, held = [home], set(homes[home])
        apart = []
        for other in groups:
            if held.isdisjoint(other[1]):
                apart.append(other)
            else:
                folders, held = other[0] + folders, held | other[1]
        groups = [*apart, (folders, held)]
    return [folders for folders, _ in groups]


def _names(groups: Sequence[Sequence[str]], kinds: Mapping[str, set[str]]) -> dict[str, str]:
    """Folder -> what its service is told apart by: its last part, or the whole where two have that in common."""
    there = [set().union(*(kinds[folder] for folder in group)) for group in groups]
    if all(one.isdisjoint(other) for one, other in combinations(there, 2)):
        return {folder: "" for group in groups for folder in group}
    last = [group[0].rpartition("/")[2] or group[0] for group in groups]
    names = last if len(set(last)) == len(last) else [group[0] for group in groups]
    return {folder: name or "." for group, name in zip(groups, names, strict=True) for folder in group}
