"""Where the card of a filing lies: by its name, or beside it where that is another audit's card."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_backend_audit.filed import sources_of
from pytest_backend_audit.ledger.errors import LedgerError

if TYPE_CHECKING:
    from pytest_backend_audit.ledger.cards import Cards
    from pytest_backend_audit.ledger.events import Filed
    from pytest_backend_audit.ledger.state import State


class LostError(LedgerError):
    """The card of a filing is not there, as the file of its name is that of another."""


def card_of(folder: Path, shown: str, filing: Filed, cards: Cards[Filed]) -> Path:
    """The file with a filing's own card; that of its name, be it there or not, where no other audit has the name.

    Args:
        folder: With the ledger and its cards.
        shown: How messages call it.
        filing: One of them.
        cards: All of the ledger's.

    Raises:
        LostError: It is not there; the message names both audits and the way out.
    """
    path = folder / f"{filing.file}.json"
    if not cards.is_shared(filing.file):
        return path
    of_name = sources_of(path)
    if set(of_name) == set(filing.heads):
        return path
    beside = {p.stem: p for p in sorted(folder.glob("*.json")) if p != path and p.is_file()}
    again = [later.file for later in cards.again(filing)]
    for name in (*again, *(name for name in beside if name not in cards.names)):
        if name in beside and set(sources_of(beside[name])) == set(filing.heads):
            return beside[name]
    there = [other for other in cards.of(filing.file, of_name) if set(other.heads) == set(of_name)]
    if not there:
        return path  # missing, or changed: whoever reads it says so
    raise LostError(f"{shown}/{filing.file}.json: {cards.lost(filing, there[-1], beside).text}")


def notices(folder: Path, state: State) -> tuple[str, ...]:
    """What is odd about a ledger, less what the cards beside it settle: one that was lost lies there by another name.

    Args:
        folder: With the ledger and its cards.
        state: The ledger.
    """
    return tuple(
        n for n in state.notices if n not in state.shared or not _are_there(folder, state.shared[n], state.cards)
    )


def _are_there(folder: Path, name: str, cards: Cards[Filed]) -> bool:
    try:
        return all(card_of(folder, "", filing, cards).is_file() for filing in cards.filings if filing.file == name)
    except LostError:
        return False


def restored(path: Path, sources: Collection[str], cards: Cards[Filed]) -> tuple[Filed, ...]:
    """The filings whose card a file is that lies beside the ledger by a name of its own; none where it is a stranger.

    Args:
        path: The file.
        sources: Of the card in it.
        cards: All of the ledger's.
    """
    found = []
    for filing in cards.of_run(sources):
        try:
            if card_of(path.parent, "", filing, cards) == path:
                found.append(filing)
        except LostError:
            continue
    return tuple(found)


def lost_of_run(folder: Path, heads: Collection[str], cards: Cards[Filed]) -> frozenset[str]:
    """Names by which a run was filed that are another audit's now, while its own card is nowhere."""
    names = set()
    for filing in cards.of_run(heads):
        try:
            card_of(folder, "", filing, cards)
        except LostError:
            names.add(filing.file)
    return frozenset(names)


def strangers(folder: Path, cards: Cards[Filed]) -> Iterator[str]:
    """Cards that the ledger does not know: a filing that was cut short leaves one, and so does a line that is lost."""
    strange = [p for p in sorted(folder.glob("[0-9]*.json")) if p.stem not in cards.names]
    names = [p.name for p in strange if not restored(p, sources_of(p), cards)]
    if names:
        yield (
            f"the ledger does not know {', '.join(names)}: a filing was cut short, or a line is lost; take the card "
            "away, or restore the line from git"
        )
