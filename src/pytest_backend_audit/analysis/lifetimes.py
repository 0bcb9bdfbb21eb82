"""How long the keys of a cache live, by kind of key, and whether somebody chose that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

GONE, LASTING = -2, -1
"""What TTL answers of a key that has just expired, and of one that never does."""
ALIKE = 0.9
"""Kinds of key whose longest lifetimes differ by a tenth at most live alike, as if nobody had chosen."""
LONG = 16
"""Characters from which on a part of a key that has digits is an identifier as a whole."""

_PARTS = re.compile(r"([:/|])")
_VARIABLE = re.compile(r"[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,})*|\d+")


@dataclass(frozen=True, slots=True)
class Kind:
    """The keys of one kind that were looked at."""

    name: str
    """The declared pattern that they match, else what they have in common: ``orders:v*:acme:price:*``."""
    declared: bool
    at_most: float | None
    """Declared longest lifetime, in seconds; None where such keys may stay, or nothing is declared."""
    keys: int
    lasting: int
    """How many of them never expire."""
    longest: int
    """Seconds that the longest-lived of the others still has."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of key whose lifetime nobody chose, or that outlives it."""

    kind: str
    said: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.said}"


class Naming:
    """Names the kind of a key.

    Args:
        declared: Patterns of keys; of several that match one, the most particular counts.
    """

    def __init__(self, declared: Iterable[str]) -> None:
        self._particular = sorted(declared, key=_literal_characters, reverse=True)

    def pattern(self, key: str) -> str | None:
        """The declared pattern of the key's kind."""
        return next((pattern for pattern in self._particular if fnmatchcase(key, pattern)), None)

    def kind(self, key: str) -> str:
        """The declared pattern, else what the key has in common with others."""
        return self.pattern(key) or kind_of(key)


def kinds(lifetimes: Iterable[tuple[str, int]], declared: Mapping[str, float | None]) -> list[Kind]:
    """The kinds of key, by name.

    Args:
        lifetimes: Keys, each with TTL's answer, in seconds; those that are gone are left out.
        declared: Pattern of keys (``orders:*:price:*``) -> longest lifetime in seconds, None for no end. Of several
            that match a key the most particular counts.
    """
    named = Naming(declared)
    found: dict[tuple[str, bool], list[int]] = {}
    for key, ttl in lifetimes:
        if ttl != GONE:
            pattern = named.pattern(key)
            found.setdefault((pattern or kind_of(key), pattern is not None), []).append(ttl)
    return [
        Kind(name, known, declared.get(name) if known else None, len(ttls), ttls.count(LASTING), max(ttls))
        for (name, known), ttls in sorted(found.items())
    ]


def kind_of(key: str) -> str:
    """What a key has in common with others of its kind: less its last part, and less numbers and identifiers.

    The result can be declared as a pattern.
    """
    *parts, last = _PARTS.split(key)
    return "".join([*map(_masked, parts), "*" if parts else _masked(last)])


def faults(found: Iterable[Kind], *, reasons: bool) -> list[Fault]:
    """Kinds whose keys stay for ever, or longer than was declared, or of which nothing was.

    Args:
        found: What was looked at.
        reasons: Whether each kind needs a declaration, which gives a reason.
    """
    return [Fault(kind.name, said) for kind in found if (said := _fault(kind, reasons=reasons))]


def alike(found: Iterable[Kind]) -> str:
    """A remark where all kinds of key that expire live equally long, whatever is in them; else nothing."""
    longest = [kind.longest for kind in found if kind.longest > 0]
    if len(longest) < 2 or min(longest) < ALIKE * max(longest):
        return ""
    return f"all {len(longest)} kinds that expire live alike, for up to {max(longest)} s"


def undying(keyspace: Mapping[str, Mapping[str, float]], looked_at: str) -> dict[str, int]:
    """Databases of a server with keys that never expire, less the one that was looked at: ``{"db1": 3}``.

    Args:
        keyspace: INFO keyspace: for each database that has any, its ``keys`` and those of them that expire.
        looked_at: Name of a database.
    """
    return {
        name: lasting
        for name, told in sorted(keyspace.items())
        if name != looked_at and (lasting := int(told["keys"]) - int(told["expires"])) > 0
    }


def _fault(kind: Kind, *, reasons: bool) -> str:
    if kind.declared and kind.at_most is None:
        return ""
    bound = "" if kind.at_most is None else f", declared is at most {kind.at_most:g} s"
    if kind.lasting:
        return f"{kind.lasting} of {kind.keys} keys never expire{bound}"
    if kind.at_most is not None:
        return f"keys live for up to {kind.longest} s{bound}" if kind.longest > kind.at_most else ""
    return f"keys live for up to {kind.longest} s, and no reason for that is declared" if reasons else ""


def _masked(part: str) -> str:
    masked = _VARIABLE.sub("*", part)
    return "*" if masked != part and len(part) >= LONG else masked


def _literal_characters(pattern: str) -> int:
    return len(pattern) - sum(pattern.count(wild) for wild in "*?")
