"""The environments of an audit: by which names, of which kind, and when each was audited. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple, TypeAlias

from pytest_backend_audit.ledger.places import Places, environments

Key: TypeAlias = tuple[str, str]
"""What tells an environment from every other of its service: the name that it goes by, and its kind."""


class Place(NamedTuple):
    """One of the environments of an audit."""

    name: str
    """That it goes by."""
    kind: str
    """Of a merge of several, where nobody tells which one is its: each that it may be, "prod, stage"."""
    names: frozenset[str]
    """All that it has had."""
    at: datetime
    """When it was audited: a merge is as late as its latest run, which may be that of another environment."""

    @property
    def key(self) -> Key:
        """What tells it from the others of its service."""
        return self.name, self.kind

    def is_any_of(self, asked: Collection[str]) -> bool:
        """Whether it is asked for, by a name or by a kind."""
        return any(name in asked for name in (*self.names, *environments(self.kind)))


def placed(
    environment: str,
    kind: str,
    at: datetime,
    *,
    renamed: Places | None = None,
    kinds: Mapping[str, Collection[str]] | None = None,
    instants: Mapping[str, datetime] | None = None,
) -> tuple[Place, ...]:
    """The environments of an audit.

    Args:
        environment: As its card names it; of a merge all of its runs', separated by a comma.
        kind: Likewise.
        at: Its instant.
        renamed: Environments by all of their names.
        kinds: Name that an environment goes by -> each kind that some audit had it as.
        instants: Of a merge: name -> when it was audited there.
    """
    renamed, instants = renamed or Places(), instants or {}
    names: dict[str, set[str]] = {}
    for name in environments(environment):
        names.setdefault(renamed.one(name), set()).add(name)
    for name in renamed.names:
        if (one := renamed.one(name)) in names:
            names[one].add(name)
    sure = _kinds(names, environments(kind), kinds or {})
    return tuple(
        Place(
            one,
            sure[one],
            frozenset(every),
            max((instants[n] for n in environments(environment) if n in every and n in instants), default=at),
        )
        for one, every in names.items()
    )


def _kinds(
    names: Mapping[str, Collection[str]], kinds: tuple[str, ...], known: Mapping[str, Collection[str]]
) -> dict[str, str]:
    """Name of an environment -> its kind, or those that it may be of.

    By what is known of it, else by its name where that is one of the kinds, else by what is left: each of the kinds is
    that of one of the environments.
    """
    if len(kinds) == 1:
        return dict.fromkeys(names, kinds[0])
    found = {
        one: tuple(k for k in kinds if k in known.get(one, ())) or tuple(k for k in kinds if k in every)
        for one, every in names.items()
    }
    left = tuple(kind for kind in kinds if not any(kind in told for told in found.values()))
    unclear = [one for one, told in found.items() if not told]
    might = left if left and len(unclear) < 2 else kinds if unclear else ()
    for one in unclear or found:
        found[one] += might
    return {one: ", ".join(told) for one, told in found.items()}


__all__ = ["Key", "Place", "placed"]
