"""``backend-audit verify``: whether a run folder still holds what the run, and its reviewer, put there."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.output import USAGE, fail
from pytest_backend_audit.cli.runs import JOURNAL, MERGE, add_run, add_signers, run_folder
from pytest_backend_audit.cli.waiting import waiting

if TYPE_CHECKING:
    from pytest_backend_audit.integrity import Integrity

LEDGER = "ledger.jsonl"
_CARD = re.compile(r"\d{4}-\d\d-\d\d(?:-\d+)?\.json")
SHOWN = 20
"""Problems that are listed one by one; ``--json`` has them all."""


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "verify",
        help="tell whether a run is intact, torn or altered, and whether its sign-off counts",
        description="Compare a run folder with itself: the chain of its journal, each piece of evidence with its hash, "
        "the sign-off with the run, its signature with the allowed signers, and each report with what follows from the "
        "record. Torn means cut short, by a kill or a full disk: what stands before the cut is good. Without a "
        "sign-off this shows accidents and clumsy hands; who can write the folder can write a new chain. Of a folder "
        "with filed audits, such as audits/orders: whether each card, as JSON and as Markdown, is the one that its "
        "ledger tells of.",
        epilog="Exit status: 0 intact, 1 torn or altered, or a sign-off does not count; 2 neither a run folder nor one "
        "with filed audits.",
    )
    add_run(parser)
    add_signers(parser)
    parser.add_argument("--json", action="store_true", help="everything that was found, as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``verify``."""
    from pytest_backend_audit.integrity import examine  # noqa: PLC0415 - heavy
    from pytest_backend_audit.journal import State  # noqa: PLC0415 - heavy

    if (folder := _filed(args.folder)) is not None:
        return _verify_filed(args, folder)
    if alone := _alone(args.folder):
        return fail(alone, 1)
    if near := _services(args.folder):
        return fail(f"{args.folder}: not a run folder, nor one service's filed audits; did you mean {near}?")
    try:
        with waiting("comparing the run with itself"):
            found = examine(run_folder(args.folder), args.allowed_signers)
    except ValueError as error:
        # A merge that names a run which is not there, or not whole, is one; what is no run folder at all is none.
        return fail(str(error), 1 if (Path(args.folder) / MERGE).is_file() else USAGE)
    except OSError as error:
        return fail(f"{error.filename or args.folder} can't be read: {error.strerror}")
    if args.json:
        sys.stdout.write(json.dumps(_facts(found), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(args.folder, found))
    return 0 if found.state is State.INTACT and not found.no_sign_off else 1


def _filed(given: str) -> Path | None:
    """The folder with filed audits that is meant, by itself or by one of its files; None if it is none."""
    folder = _folder(given)
    return folder if folder is not None and (folder / LEDGER).is_file() else None


def _folder(given: str) -> Path | None:
    """The folder that is meant, by itself or by one of its files; None if there is none, or it holds a run."""
    path = Path(given)
    folder = path if path.is_dir() else path.parent if path.is_file() else None
    return None if folder is None or (folder / JOURNAL).exists() or (folder / MERGE).exists() else folder


def _alone(given: str) -> str:
    """That a folder has filed cards, and their ledger is not there; empty where it isn't so."""
    from pytest_backend_audit.ledger.store import cards_alone, filed_cards  # noqa: PLC0415 - heavy

    folder = _folder(given)
    # Any folder may hold a file whose name begins with a digit; those of cards begin with a date.
    if folder is None or not any(_CARD.fullmatch(name) for name in filed_cards(folder)):
        return ""
    return cards_alone(folder, str(folder))


def _services(given: str) -> str:
    """The folders with filed audits below a folder, such as ``audits``; empty if there are none."""
    folder = Path(given)
    if not folder.is_dir() or _folder(given) is None:
        return ""
    return " or ".join(str(ledger.parent) for ledger in sorted(folder.glob(f"*/{LEDGER}")))


def _verify_filed(args: argparse.Namespace, folder: Path) -> int:
    from pytest_backend_audit.ledger import read_file  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.asfiled import unlike  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    try:
        state = read_file(folder / LEDGER, os.path.relpath(folder / LEDGER))
        problems = list(unlike(folder, state))
    except ValueError as error:
        return fail(str(error), 1)
    except OSError as error:
        return fail(f"{error.filename or folder} can't be read: {error.strerror}", 1)
    word = "altered" if problems else "as filed"
    # A run may have been filed again, and a line stand there twice, as where both sides of a conflict were kept whole.
    audits = len({frozenset(filing.heads) for filing in state.filings})
    if args.json:
        facts = {"state": word, "audits": audits, "problems": problems}
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        count = "1 audit was" if audits == 1 else f"{audits} audits were"
        lines = [f"{folder}: {word}; {count} filed", *(f"  {problem}" for problem in problems)]
        sys.stdout.writelines(f"{clean(line)}\n" for line in lines)
    return 1 if problems else 0


def _facts(found: Integrity) -> dict[str, Any]:
    signed = found.sign_off
    return {
        "state": found.state.value,
        "lines": found.lines,
        "problems": list(found.problems),
        "head": found.head,
        "signed_by": signed.reviewer if signed else None,
        "signed_at": signed.signed_at if signed else None,
        "dimensions": list(signed.dimensions) if signed else [],
        "no_sign_off": found.no_sign_off,
        "not_looked": found.not_looked,
        "not_compared": found.not_compared,
        "others": list(found.others),
    }


def _lines(given: str, found: Integrity) -> Iterator[str]:
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    yield f"{given}: {found.state}; good lines: {found.lines}; head {found.head}"
    yield from (f"  {clean(problem)}" for problem in found.problems[:SHOWN])
    if len(found.problems) > SHOWN:
        yield f"  and {len(found.problems) - SHOWN} more; --json lists them"
    if found.sign_off:
        signed = found.sign_off
        yield f"  signed by {signed.reviewer} at {signed.signed_at} for {', '.join(signed.dimensions)}"
        if found.not_looked:
            yield f"  {clean(found.not_looked)}"
    elif found.no_sign_off:
        yield "  the sign-off does not count" + (
            "" if found.no_sign_off in found.problems else f": {clean(found.no_sign_off)}"
        )
    if found.not_compared:
        yield f"  {found.not_compared}"
    if found.others:
        yield f"  nothing vouches for: {clean(', '.join(found.others[:SHOWN]))}"
