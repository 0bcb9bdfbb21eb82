"""Environments by all of their names: audit.yaml may say that one had another name before. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


def environments(named: str) -> tuple[str, ...]:
    """The environments of a card; a merged one names all of its runs'."""
    return tuple(part.strip() for part in named.split(","))


@dataclass(frozen=True, slots=True)
class Places:
    """Which names stand for one and the same environment."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Each name that one has had -> the name it goes by, which is the one that was told of last."""

    @classmethod
    def told(cls, renamings: Iterable[Mapping[str, str]]) -> Places:
        """What renamings come to, wherever in a ledger they stand.

        Args:
            renamings: Each of them name -> name before.
        """
        names: dict[str, str] = {}
        for renaming in renamings:
            for name, before in renaming.items():
                joined = {names.get(name, name), names.get(before, before)}
                names |= dict.fromkeys({name, before, *(n for n, one in names.items() if one in joined)}, name)
        return cls(names)

    def one(self, name: str) -> str:
        """The name that an environment goes by."""
        return self.names.get(name, name)

    def of(self, named: str) -> tuple[str, ...]:
        """The environments of a card, each by the name that it goes by."""
        return tuple(dict.fromkeys(map(self.one, environments(named))))


__all__ = ["Places", "environments"]
