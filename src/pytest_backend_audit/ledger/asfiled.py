"""Whether the files that lie beside a ledger are what was filed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from pytest_backend_audit import kept
from pytest_backend_audit.filed import CHANGED, MARKED, digest, is_as_filed, is_marked, page_digest
from pytest_backend_audit.ledger.cards import digests_of
from pytest_backend_audit.ledger.events import Filed
from pytest_backend_audit.ledger.shelf import LostError, card_of, strangers
from pytest_backend_audit.ledger.state import State

GONE = "not there, and the ledger says that it was filed; restore it from git"


def unlike(folder: Path, state: State) -> Iterator[str]:
    """What is not as it was filed, a sentence each: cards, the same for people, and values kept for the next audit.

    Args:
        folder: With the ledger and its cards.
        state: The ledger.

    Raises:
        OSError: A file can't be read.
    """
    seen: set[Path] = set()
    for filing in state.filings:
        try:
            card = card_of(folder, folder.name, filing, state.cards)
        except LostError as error:
            yield str(error)
            continue
        if card not in seen:
            seen.add(card)
            yield from _files(card, state.cards.held(card.stem, filing))
    yield from strangers(folder, state.cards)


def _files(card: Path, filings: tuple[Filed, ...]) -> Iterator[str]:
    digests = digests_of(filings)
    if not card.is_file():
        yield f"{card.name}: {GONE}"
    elif digests and not is_as_filed(raw := card.read_bytes(), digests):
        yield f"{card.name}: {_changed(raw)}"
    # Of the others there is no layout that says the same. An empty digest of a page is of a line of an older version.
    pages = {filing.page for filing in filings}
    if "" not in pages:
        yield from _file(card.with_suffix(".md"), pages, page_digest)
    if "" not in digests:
        yield from _file(kept.beside(card), {filing.kept for filing in filings}, digest)


def _file(path: Path, digests: Collection[str], digest_of: Callable[[bytes], str]) -> Iterator[str]:
    """What is wrong with a file, which has to be there unless one of its digests is empty."""
    if not path.is_file():
        if "" not in digests:
            yield f"{path.name}: {GONE}"
    elif digest_of(raw := path.read_bytes()) not in digests:
        yield f"{path.name}: {_changed(raw)}"


def _changed(raw: bytes) -> str:
    """What is said of a file that is not the one which was filed."""
    return MARKED if is_marked(raw) else CHANGED


__all__ = ["unlike"]
