"""Which findings ``backend-audit findings assign`` means: those of the ledger, and of a run that is not filed yet."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_backend_audit.cli.runs import card_of
from pytest_backend_audit.document.git import ask
from pytest_backend_audit.findings import NOT_STATED
from pytest_backend_audit.finished import is_run
from pytest_backend_audit.ledger import LedgerError

if TYPE_CHECKING:
    from pytest_backend_audit.ledger import Place, State
    from pytest_backend_audit.model import Card

_DIGITS = 6
"""Of a fingerprint, the fewest by which a finding is named."""


def named(args: argparse.Namespace, place: Place, state: State) -> Iterator[str]:
    """Fingerprints of the findings that are meant, filed or not.

    Args:
        args: The command's; ``run_folder`` is the run, ``run_named`` the same if the user named it.
        place: Whose ledger it is.
        state: The ledger.

    Raises:
        ValueError: There is none of that name, or the run is one that nobody can have meant.
    """
    if args.unassigned:
        yield from (t.fingerprint for t in state.findings if t.status.is_open and not t.owner)
        yield from _unassigned(args, place, state)
        return
    for given in map(str.strip, args.finding):
        try:
            yield state.find(given).fingerprint
        except LedgerError as error:
            card = _run(args, place)
            marks = [f.fingerprint for f in card.findings if f.fingerprint.startswith(given)] if card else []
            if len(given) < _DIGITS or len(marks) != 1:
                run = args.run_folder
                nor = f"nor has the run {run} one of that name" if card else f"nor is there a run in {run}"
                raise ValueError(f"{error}; {nor} (--run RUN for another)") from None
            yield marks[0]


def _run(args: argparse.Namespace, place: Place) -> Card | None:
    if not is_run(Path(args.run_folder)):
        return None
    card = card_of(args.run_folder)
    if card.inputs.document.service != place.service:
        raise ValueError(
            f"{args.run_folder} is a run of {card.inputs.document.service!r}, the ledger is that of {place.service!r}; "
            "name its run: --run RUN"
        )
    return card


def _unassigned(args: argparse.Namespace, place: Place, state: State) -> list[str]:
    """Those of the run.

    Raises:
        ValueError: There are some, nobody named it, and it is of another commit than the one that is checked out.
    """
    card = _run(args, place)
    if card is None:
        return []
    bare = [f.fingerprint for f in card.findings if f.owner == NOT_STATED and not _owner(state, f.fingerprint)]
    commit, head = card.inputs.document.commit, ask(place.top, "rev-parse", "HEAD").line
    if bare and commit != head and not args.run_named:
        raise ValueError(
            f"{args.run_folder} is a run of {f'commit {commit[:12]}' if commit else 'no commit'}, and {head[:12]} is "
            "checked out; name the run that is to be filed: --run RUN"
        )
    return bare


def _owner(state: State, mark: str) -> str:
    known, before = state.of(mark), state.assigned.get(mark)
    return (known.owner if known else "") or (before.owner if before else "")
