"""``backend-audit trend``: all filed audits of a service, one after the other."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pytest_backend_audit.cli.output import fail
from pytest_backend_audit.cli.waiting import waiting

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_backend_audit.ledger.places import Places
    from pytest_backend_audit.model import FiledCard
    from pytest_backend_audit.reports.trend import Filed

AUDITS = "audits"
"""Where audits are filed, below the top of the audited repository."""


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "trend",
        help="all filed audits of a service, one after the other",
        description="Show how a service's filed audits went: the level of each dimension and the total before the "
        "second reviewer's cap, and the disposition, in the order of their instants, a part for each environment.",
        epilog="Exit status: 0 fine, 2 usage, or a card can't be read.",
    )
    parser.add_argument(
        "service",
        metavar="SERVICE|FOLDER",
        nargs="?",
        help=f"a service that has audits below {AUDITS}/, or a folder of filed cards (default: the only one there)",
    )
    parser.add_argument(
        "--environment", metavar="NAME", help="only audits of that environment, by its name or kind, and merges with it"
    )
    parser.add_argument("--all", action="store_true", help="every audit in the table, not the latest only")
    parser.add_argument("--json", action="store_true", help="all audits as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``trend``."""
    from pytest_backend_audit.ledger.places import environments  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports import trend  # noqa: PLC0415 - heavy

    try:
        with waiting("reading filed cards"):
            folder = _folder(args.service)
            audits, places = _read(folder)
    except ValueError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"{error.filename or args.service} can't be read: {error.strerror}")
    if args.environment:
        there = trend.in_order(audits, places)
        wanted = {args.environment, trend.place_of(args.environment, places)}
        audits = [
            a
            for name, group in there.items()
            for a in group
            if wanted & {name, *environments(name), a.card.environment_kind, *environments(a.card.environment_kind)}
        ]
        if not audits:
            has = dict.fromkeys(name or "not stated" for group in there for name in environments(group))
            return fail(
                f"{folder} has no audit of the environment {args.environment!r}; it has audits of {', '.join(has)}"
            )
    if args.json:
        sys.stdout.write(json.dumps(trend.data(audits, places), indent=2) + "\n")
        return 0
    unicode = "utf" in (sys.stdout.encoding or "").lower()
    lines = trend.terminal(audits, places, unicode=unicode, everything=args.all)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _folder(given: str | None) -> Path:
    """The folder of a service's cards.

    Raises:
        ValueError: There is none, or several are there and none was named.
    """
    from pytest_backend_audit.document import find_repository  # noqa: PLC0415 - heavy

    if given is not None and Path(given).is_dir():
        return Path(given)
    place = (find_repository(Path()) or Path()) / AUDITS
    folders = {unquote(p.name): p for p in sorted(place.glob("*")) if p.is_dir() and _has_audits(p)}
    if given is not None and given in folders:
        return folders[given]
    if given is None and len(folders) == 1:
        return next(iter(folders.values()))
    if not folders:
        wanted = f"{given}: no such folder, and " if given is not None else ""
        raise ValueError(f"{wanted}no audit was filed in {place}; `backend-audit file RUN` does")
    names = ", ".join(folders)
    if given is None:
        raise ValueError(f"{place} has the audits of several services; name one: {names}")
    raise ValueError(f"{given}: neither a folder nor a service with filed audits; in {place} are: {names}")


def _has_audits(folder: Path) -> bool:
    """Whether there are filed cards, or a ledger that tells of some, or can't be read."""
    from pytest_backend_audit.fleet.files import LEDGER, tells_of_audits  # noqa: PLC0415 - heavy

    try:
        return any(folder.glob("*.json")) or tells_of_audits(folder / LEDGER)
    except OSError:
        return True


def _read(folder: Path) -> tuple[list[Filed], Places]:
    """Every audit of a folder, as it was filed where a ledger beside it tells, and what environments were called.

    Raises:
        ValueError: It has none, or one can't be read, is not what was filed, or is lost.
    """
    from pytest_backend_audit import filed  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.cards import digests_of  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.places import Places  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.store import LEDGER, read_file  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.trend import Filed, once  # noqa: PLC0415 - heavy

    def read(path: Path) -> Filed:
        # Of a name that two branches gave, by the journals; a card without a line may be one of these, restored.
        def digests(card: FiledCard) -> Collection[str]:
            return digests_of(cards.of(path.stem, card.sources) or cards.of_run(card.sources))

        return Filed(path.stem, filed.read_held(path, digests))

    state = read_file(folder / LEDGER, str(folder / LEDGER))
    cards = state.cards
    paths = {path.stem: path for path in sorted(folder.glob("*.json"))}
    if cards.tells and (missing := sorted(set(cards.names) - set(paths))):
        raise ValueError(f"{folder / missing[0]}.json: {filed.LOST}")
    found = [read(path) for path in paths.values()]
    if found and not state.filings and (folder / LEDGER).exists():
        count = "1 card is" if len(found) == 1 else f"{len(found)} cards are"
        raise ValueError(f"{folder / LEDGER}: no line of it tells of a filing, and {count} there; restore it from git")
    owners, lost = cards.settled({audit.name: audit.card.sources for audit in found})
    if cards.tells and (strange := next((name for name, own in owners.items() if not own), None)):
        raise ValueError(f"{paths[strange]}: {filed.STRANGE}")
    if lost:
        raise ValueError(f"{paths[lost[0].filing.file]}: {lost[0].text}")
    if not found:
        raise ValueError(f"{folder}: holds no filed card; `backend-audit file RUN` writes them")
    found = once(found)
    if state.filings:
        return found, state.places
    # Without a ledger, as the cards tell.
    return found, Places.told(a.card.formerly for a in sorted(found, key=lambda a: a.card.instant))
