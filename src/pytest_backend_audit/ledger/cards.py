"""Which card is whose. Two branches may file by one name: one file is left then, and the other audit's card is lost.

A filing tells the last hashes of its journals, and a card those that it was made from: by them it is the filing's own,
whatever the file is called. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import count
from typing import Generic, NamedTuple, Protocol, TypeVar


class Line(Protocol):
    """What a line of a ledger tells of a card that was filed (`events.Filed`)."""

    @property
    def file(self) -> str:
        """Its name, without suffix."""

    @property
    def heads(self) -> Collection[str]:
        """Last hash of the journal of each run that it was made from."""

    @property
    def card(self) -> str:
        """Digest of its file."""

    @property
    def content(self) -> str:
        """Digest of what it says."""

    @property
    def environment(self) -> str:
        """Of the audit."""

    @property
    def commit(self) -> str:
        """Likewise."""

    @property
    def instant(self) -> str:
        """Likewise."""


L = TypeVar("L", bound=Line)


class Lost(NamedTuple, Generic[L]):
    """A filing whose card is not there, as the file of its name is that of another."""

    filing: L
    there: L
    free: str
    """A name that neither a line nor a card has."""

    @property
    def text(self) -> str:
        """What is said of it, with the way out."""
        return (
            f"the ledger tells of the audit {_audit(self.filing)}, and it is not there: {self.filing.file}.json is the "
            f"card of the audit {_audit(self.there)}; restore it from git under a free name, such as {self.free}.json, "
            "or file its run again"
        )


def digests_of(filings: Iterable[Line]) -> frozenset[str]:
    """Digests of what was filed by these lines; an empty one is of a line of an older version, which tells none."""
    return frozenset(digest for filing in filings for digest in (filing.card, filing.content or filing.card))


class Cards(Generic[L]):
    """The filings of a ledger, by their cards."""

    def __init__(self, filings: Iterable[L] = ()) -> None:
        self.filings = tuple(filings)
        """In their order."""
        self.tells = any(filing.card for filing in self.filings)
        """Whether any line tells a digest; those of older versions don't."""
        self._named: dict[str, list[L]] = {}
        for filing in self.filings:
            self._named.setdefault(filing.file, []).append(filing)

    @property
    def names(self) -> Collection[str]:
        """Names of the cards."""
        return self._named.keys()

    def of_run(self, sources: Collection[str]) -> tuple[L, ...]:
        """Every filing of the journals with these last hashes."""
        return tuple(filing for filing in self.filings if _is_of(filing, sources))

    def of(self, name: str, sources: Collection[str]) -> tuple[L, ...]:
        """The filings whose card the file of a name is; of a card that names no journals, all of that name.

        So are those of a card with the journals of none of them: it was changed, as its digest will show.
        """
        named = self._named.get(name, [])
        return tuple(filing for filing in named if _is_of(filing, sources)) or tuple(named)

    def held(self, name: str, filing: L) -> tuple[L, ...]:
        """The filings that tell what the file of a name has to be, which has a filing's own card."""
        return self.of(name, filing.heads) or (filing,)

    def is_shared(self, name: str) -> bool:
        """Whether several audits were filed by a name."""
        named = self._named.get(name, [])
        return any(not _is_of(filing, named[0].heads) for filing in named[1:])

    def settled(self, there: Mapping[str, Collection[str]]) -> tuple[dict[str, tuple[L, ...]], list[Lost[L]]]:
        """Whose the cards of a folder are, and which filings have none there, as another's has its name.

        Args:
            there: Name of each card in the folder -> its sources.

        Returns:
            Name of each card -> the filings whose it is, none where the ledger does not know it; and what is lost.
        """
        owners = {name: self.of(name, sources) for name, sources in there.items() if name in self._named}
        lost = self._lost(owners, there)
        for name in sorted(there.keys() - owners.keys()):
            restored = [one for one in lost if _is_of(one.filing, there[name])]
            owners[name] = tuple(one.filing for one in restored)
            lost = [one for one in lost if one not in restored]  # a second copy is a stranger
        return owners, lost

    def _lost(self, owners: Mapping[str, tuple[L, ...]], there: Collection[str]) -> list[Lost[L]]:
        found: dict[tuple[str, frozenset[str]], Lost[L]] = {}
        for filing in self.filings:
            own = owners.get(filing.file, ())
            if not own or filing in own:
                continue
            if not any(later in owners.get(later.file, ()) for later in self.again(filing)):
                found[filing.file, frozenset(filing.heads)] = self.lost(filing, own[-1], there)
        return list(found.values())

    def again(self, filing: L) -> tuple[L, ...]:
        """Later filings of the same run, once it was signed or its card was lost: they have its card, too."""
        later = self.filings[self.filings.index(filing) + 1 :]
        return tuple(one for one in later if _is_of(one, filing.heads) and one.file != filing.file)

    def lost(self, filing: L, there: L, taken: Collection[str] = ()) -> Lost[L]:
        """A filing whose card is lost to another.

        Args:
            filing: It.
            there: The other.
            taken: Names of cards in the folder.
        """
        day = filing.file[:10]
        names = (f"{day}-{n}" for n in count(2))
        return Lost(filing, there, next(n for n in names if n not in self._named and n not in taken))


def _is_of(filing: Line, sources: Collection[str]) -> bool:
    return set(filing.heads) == set(sources)


def _audit(filing: Line) -> str:
    place = f"in {filing.environment} " if filing.environment else ""
    return f"{place}at {filing.commit[:7] or 'no commit'} ({filing.instant[:16]}Z)"
