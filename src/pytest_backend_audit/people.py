"""Whether two texts name the same person: a name, an address, or both. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

_ADDRESS = re.compile(r"[^\s<>,;()\"']+@[^\s<>,;()\"']+")
_SEVERAL = re.compile(r"[,;&\n]|\s+and\s+")
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Person:
    """One person, as far as a text tells: ``Ada Lovelace <ada@example.org>``, or one half of it."""

    name: str = ""
    """Case and white space are those of nobody: folded."""
    address: str = ""


def people_in(text: str) -> tuple[Person, ...]:
    """Everybody whom a text names, such as ``Ada Lovelace <ada@example.org>, Grace Hopper``."""
    found = []
    for part in _SEVERAL.split(text):
        address = _ADDRESS.search(part)
        name = _ADDRESS.sub(" ", part) if address else part
        person = Person(_folded(re.sub(r"[<>()\"]", " ", name)), _folded(address[0]) if address else "")
        if person != Person():
            found.append(person)
    return tuple(found)


def same(one: str, other: str) -> bool:
    """Whether some person is named in both texts.

    An address equals an address and a name a name, in any case and spacing. A name that comes without an address is
    also compared with the local part of the other's address ("Ada Lovelace" and "ada.lovelace@example.org"): a false
    alarm is settled by stating the address.
    """
    return any(_equal(a, b) for a in people_in(one) for b in people_in(other))


def nobody_but(text: str, other: str) -> bool:
    """Whether a text names people, and each of them is one that the other text names."""
    others = people_in(other)
    found = people_in(text)
    return bool(found) and all(any(_equal(person, known) for known in others) for person in found)


def of_one_address(one: str, other: str) -> bool:
    """Whether both texts name one person each, by the same address: no name can make them two."""
    told = [people_in(text) for text in (one, other)]
    addresses = {person.address for people in told for person in people}
    return all(len(people) == 1 for people in told) and len(addresses) == 1 and "" not in addresses


def first_same(one: str, others: Iterable[str]) -> str:
    """The first of the other texts that names somebody whom the first text names; empty if none does."""
    return next((other for other in others if same(one, other)), "")


def _equal(one: Person, other: Person) -> bool:
    if one.address and one.address == other.address:
        return True
    if one.name and one.name == other.name:
        return True
    return _local(one, other) or _local(other, one)


def _local(named: Person, addressed: Person) -> bool:
    if not named.name or named.address or not addressed.address:
        return False
    words = sorted(_WORDS.findall(named.name))
    local = addressed.address.partition("@")[0].partition("+")[0]
    return bool(words) and (sorted(_WORDS.findall(local)) == words or local == "".join(_WORDS.findall(named.name)))


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
