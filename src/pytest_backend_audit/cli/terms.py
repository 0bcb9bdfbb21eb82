"""What a run judged otherwise than the audits in a ledger, and what their ledgers have open that it doesn't close."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_backend_audit.cli.ledgers import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_backend_audit.finished import Finished
    from pytest_backend_audit.ledger import Place, State, Tracked
    from pytest_backend_audit.ledger.terms import Terms, There
    from pytest_backend_audit.model import Card


def there_at(top: Path, commit: str) -> There:
    """Which audit.yaml are in a commit. What lies in another repository is taken to be there: nobody can tell."""
    from pytest_backend_audit.document.git import ask  # noqa: PLC0415 - heavy

    return lambda path: ":" in path or ask(top, "cat-file", "-e", f"{commit}:{path}").status == 0


def judged_otherwise(card: Card, tracked: Tracked, known: Terms, state: State, place: Place) -> tuple[str, ...]:
    """What a card judges otherwise than the audit that had a finding last, one line each.

    Raises:
        ValueError: The card of that audit can't be read, or is lost.
    """
    from pytest_backend_audit import filed  # noqa: PLC0415 - heavy
    from pytest_backend_audit.comparison import settings  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import terms  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.cards import digests_of  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.shelf import card_of  # noqa: PLC0415 - heavy

    cards = state.cards
    path = card_of(place.folder, place.name, known.latest, cards)
    before = filed.read(path, digests_of(cards.held(path.stem, known.latest)))
    now = filed.filed(card, numbers={}, sources=())
    lines = [
        f"{c.kind} {c.name}: {c.now or 'not set'}, was {c.before or 'not set'}"
        for c in settings(now, before)
        if c.kind not in {"sought", "weight"} or c.name == tracked.finding.dimension
    ]
    for what, one, other in (("standard", now.standard, before.standard), ("basis", now.basis, before.basis)):
        lines += [f"{what}: {one or 'none'}, was {other or 'none'}"] if one != other else []
    return (*terms.changed_files(card, known), *lines)


def of_another_name(run: Finished, place: Place, state: State) -> Iterator[str]:
    """That a service's first audit leaves open what its audit.yaml has found as another service's; a line each.

    Args:
        run: It.
        place: Where it is filed.
        state: The ledger there, before.
    """
    from pytest_backend_audit.ledger import LedgerError, read_file  # noqa: PLC0415 - heavy
    from pytest_backend_audit.signoff.reviewers import renamed  # noqa: PLC0415 - heavy

    config = run.card.inputs.config_path
    for path in sorted(place.top.glob("audits/*/ledger.jsonl")) if config and not state.filings else ():
        name = path.relative_to(place.top).as_posix()
        try:
            other = read_file(path, name)
        except LedgerError:
            continue  # its own commands tell what is wrong with it
        count = sum(t.status.is_open for t in other.findings)
        theirs = other.service != place.service and any(f.config == config for f in other.filings)
        # An audit.yaml of its own elsewhere has taken over what this one was.
        if theirs and count and nearest(place.top, other.service) is None:
            findings = "1 open finding" if count == 1 else f"{count} open findings"
            yield (
                f"{name} has {findings} of the service {other.service!a}, whose audits were by {config} too, and this "
                f"one closes none of them: {renamed(place.service, other.service)}"
            )


def disputes_of(run: Finished) -> tuple[str, ...]:
    """What waits for the reviewer of a run, by its service's ledger in the repository here; one line each.

    Raises:
        ValueError: The ledger can't be read.
    """
    from pytest_backend_audit.document import find_repository  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger import Place, open_disputes, read  # noqa: PLC0415 - heavy

    service = run.card.inputs.document.service
    top = find_repository(Path.cwd()) or find_repository(run.folder)
    return open_disputes(read(Place(top, service))) if top and service.strip() else ()
