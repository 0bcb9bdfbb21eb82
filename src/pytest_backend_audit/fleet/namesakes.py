"""Services of one name in several repositories: each is one of its own. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pytest_backend_audit.fleet.audits import Audit

_HOME = re.compile(r"(?P<above>.*?)(?:^|/)audits/[^/]+/[^/]+$", re.DOTALL)
"""``audits/<service>/<card>``, where `backend-audit file` puts it."""


def apart(audits: Iterable[Audit]) -> list[Audit]:
    """The audits, those of namesakes in one kind of environment with where they are at home.

    Folders that have an audit in common are copies of one another, as clones are; what lies in no ``audits/<service>``
    tells of no home, and goes by its name.

    Args:
        audits: In any order.
    """
    every = list(audits)
    homes: dict[tuple[str, str], dict[str, set[tuple[object, ...]]]] = defaultdict(lambda: defaultdict(set))
    for audit in every:
        if (above := _above(audit.place)) is not None:
            homes[audit.subject][above].add(audit.identity)
    names = {subject: _names(_groups(each)) for subject, each in homes.items() if len(each) > 1}
    return [
        replace(audit, home=names[audit.subject][above])
        if audit.subject in names and (above := _above(audit.place)) is not None
        else audit
        for audit in every
    ]


def _above(place: str) -> str | None:
    found = _HOME.fullmatch(place)
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


def _names(groups: Sequence[Sequence[str]]) -> dict[str, str]:
    """Folder -> what its service is told apart by: its last part, or the whole where two have that in common."""
    if len(groups) < 2:
        return {folder: "" for group in groups for folder in group}
    last = [group[0].rpartition("/")[2] or group[0] for group in groups]
    names = last if len(set(last)) == len(last) else [group[0] for group in groups]
    return {folder: name or "." for group, name in zip(groups, names, strict=True) for folder in group}
