"""An audit that a user names: a run folder, a merge, or a filed card, as what is filed of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_backend_audit.cli.runs import finished

if TYPE_CHECKING:
    from pytest_backend_audit.comparison import Side
    from pytest_backend_audit.ledger.cards import Cards
    from pytest_backend_audit.ledger.events import Filed
    from pytest_backend_audit.model import FiledCard

CARDS = frozenset({".json", ".md"})
OF_A_RUN = frozenset({"scorecard.json", "scorecard.md"})
"""Files of a run folder: its journal says more, and can be checked."""

NAME_ONE = "name one, a run folder or a filed card: backend-audit compare RUN PRIOR"


def side(given: str) -> Side:
    """One side of a comparison.

    Raises:
        ValueError: It is no audit, or can't be read; the message is for the user.
        OSError: A file can't be read.
    """
    from pytest_backend_audit import filed  # noqa: PLC0415 - heavy
    from pytest_backend_audit.comparison import Side  # noqa: PLC0415 - heavy
    from pytest_backend_audit.model import Mode  # noqa: PLC0415 - heavy

    path = Path(given)
    if path.suffix in CARDS and not path.is_dir() and path.name not in OF_A_RUN:
        made, remarks = _filed(path)
        return Side(made, remarks=remarks)
    run = finished(str(path.parent) if path.name in OF_A_RUN else given)
    card = run.card
    remarks = ("a rehearsal",) if card.inputs.mode is not Mode.FORMAL else ()
    invalid = card.seal.invalid if card.seal else "the run did not end"
    if invalid:
        remarks = (*remarks, f"invalid: {invalid}")
    made = filed.filed(card, numbers={}, sources=run.heads, apart=run.heads_apart)
    made = replace(made, left_out=card.left_out) if card.partial else made
    return Side(made, partial=bool(card.partial), remarks=remarks, invalid=invalid)


def _filed(path: Path) -> tuple[FiledCard, tuple[str, ...]]:
    """A filed card as the ledger beside it has it, else that of the repository that we are in; and what is to be said.

    Raises:
        ValueError: It can't be read, or is not what was filed; or the ledger can't be read, or knows nothing of it.
    """
    from pytest_backend_audit import filed  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import read_file  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.cards import digests_of  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.shelf import restored  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.store import LEDGER  # noqa: PLC0415 - heavy

    ledger = path.with_name(LEDGER)
    state = read_file(ledger, str(ledger))
    cards = state.cards
    remarks = []

    def beside(card: FiledCard) -> Collection[str]:
        own = cards.of(path.stem, card.sources) or restored(path.with_suffix(".json"), card.sources, cards)
        if cards.tells and not own:
            raise ValueError(f"{path}: {filed.STRANGE}")
        return digests_of(own)

    def elsewhere(card: FiledCard) -> Collection[str]:
        digests = digests_of(_here(card.service).of_run(card.sources))
        if not digests or "" in digests:
            remarks.append("without its ledger")
        return digests

    try:
        held = filed.read_held(path, beside if cards.filings else elsewhere)
    except filed.ChangedError:
        raise
    except filed.FiledError as error:
        card = path.with_suffix(".json")
        own = cards.of(path.stem, filed.sources_of(card))
        if not own or not card.is_file() or filed.is_as_filed(card.read_bytes(), digests_of(own)):
            raise
        raise filed.FiledError(f"{error}; {filed.CHANGED}") from None
    # Two branches may have given a number twice, which the ledger has settled since.
    numbers = {t.fingerprint: t.number for t in state.findings}
    findings = tuple(replace(f, id=numbers.get(f.fingerprint, f.id)) for f in held.findings)
    return replace(held, findings=findings), tuple(remarks)


def _here(service: str) -> Cards[Filed]:
    """The cards of a service that the repository has in which we are; none outside of one.

    Raises:
        ValueError: The ledger can't be read.
    """
    from pytest_backend_audit.document import find_repository  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import Place, State, read  # noqa: PLC0415 - heavy

    top = find_repository(Path())
    return (read(Place(top, service)) if top else State()).cards


class NoAuditBeforeError(ValueError):
    """The ledger has none to compare with; the message names the way out."""


def before(card: FiledCard, near: Path = Path()) -> tuple[Path, tuple[str, ...]]:
    """The filed card that an audit is compared with where none is named: the latest before it, of its environment.

    Args:
        card: Of an audit of one environment: each of a merge's has its own.
        near: Where the audit lies: in its repository, if the folder that we are in is in none.

    Returns:
        Its file, and the names that the environment has had, the present one first.

    Raises:
        NoAuditBeforeError: There is none.
        ValueError: Its card is lost, or the ledger can't be read.
    """
    from pytest_backend_audit.document import find_repository  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import Place, known_as, read  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.places import environments  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.shelf import card_of  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.store import without_filings  # noqa: PLC0415 - heavy

    top = find_repository(Path()) or find_repository(near if near.is_dir() else near.parent)
    if top is None or not card.service.strip():
        raise NoAuditBeforeError(f"no audit to compare with: {NAME_ONE}")
    place = Place(top, card.service)
    state = known_as(read(place), card.formerly)
    if alone := without_filings(place, state):
        raise ValueError(alone)
    filing = state.latest(card.environment, before=card.instant, but=card.sources)
    if filing is None:
        where = f" in {card.environment}" if card.environment else ""
        raise NoAuditBeforeError(f"{place.name} has no audit of {card.service}{where} before this one: {NAME_ONE}")
    same = [n for n in environments(filing.environment) if state.places.one(n) == state.places.one(card.environment)]
    return card_of(place.folder, place.name, filing, state.cards), (card.environment, *same)
