"""``backend-audit fleet``: many services at once, from their filed cards."""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.output import fail
from pytest_backend_audit.cli.waiting import waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_backend_audit.fleet.summary import Fleet, Service

NARROWEST, WIDEST = 80, 120
"""Columns of the table."""


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "fleet",
        help="many services at once, from their filed cards",
        description="Read the cards that `backend-audit file` filed for many services, and show the latest audit of "
        "each service and environment: dispositions, levels, what fails most often, audits that are due again, "
        "findings past their date, and how it went since the audits before.",
        epilog="Exit status: 0 fine, 1 --min says no, 2 usage.",
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="a folder (searched with all below it), a file, a pattern, or a URL such as s3://bucket/prefix "
        '(pip install "pytest-backend-audit[fleet]")',
    )
    parser.add_argument(
        "-o",
        metavar="FILE",
        dest="output",
        help="write the page there as well, such as fleet.html; nothing but such a page is overwritten",
    )
    parser.add_argument("--owner", metavar="NAME", default="", help="only dimensions that NAME owns")
    parser.add_argument(
        "--service", metavar="GLOB", action="append", default=[], help="only services of that name (repeatable)"
    )
    parser.add_argument(
        "--environment",
        metavar="NAME",
        action="append",
        default=[],
        help="only that environment, by its name, a former one or its kind: the latest audit that it has a part in, "
        "merges too (repeatable)",
    )
    parser.add_argument(
        "--as-of",
        metavar="DATE",
        type=_date,
        help="the day that due dates are compared with; audits after it are left out (default today, UTC)",
    )
    parser.add_argument("--min", metavar="DISPOSITION", help="exit 1 if a service is below it, or a card can't be read")
    parser.add_argument("--all", action="store_true", help="every line of every table")
    parser.add_argument("--json", action="store_true", help="all numbers as JSON, in place of the tables")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``fleet``."""
    try:
        return _show(args)
    except ValueError as error:
        return fail(str(error))
    except BrokenPipeError:  # the reader of our output has gone, which `main` knows how to end
        raise
    except OSError as error:
        return fail(str(error))


def _show(args: argparse.Namespace) -> int:
    from pytest_backend_audit import standard  # noqa: PLC0415 - heavy
    from pytest_backend_audit.fleet import ledgers, numbers, page, table, unmatched  # noqa: PLC0415 - heavy
    from pytest_backend_audit.fleet.namesakes import apart  # noqa: PLC0415 - heavy
    from pytest_backend_audit.fleet.reading import collect  # noqa: PLC0415 - heavy
    from pytest_backend_audit.fleet.summary import Asked, below, latest_of, summarise  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import one_line  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.writing import write  # noqa: PLC0415 - heavy

    order = tuple(d.id for d in standard.load("default").dispositions)
    if args.min and args.min not in order[:-1]:
        return fail(_no_minimum(args.min, order))
    asked = Asked(
        as_of=args.as_of or datetime.now(UTC).date(),
        order=order,
        owner=args.owner.strip(),
        services=tuple(args.service),
        environments=tuple(args.environment),
    )
    if args.output:
        _refuse_others(Path(args.output))
    with waiting("reading filed cards"):
        collected = collect(args.paths)
        refused = ledgers.refused(collected.audits)
        places = {one.place for one in refused}
        audits = apart((audit for audit in collected.audits if audit.place not in places), str(Path.cwd()))
        every = ledgers.by_their_names(audits, asked=bool(asked.environments))
        audits = ledgers.without_retired(every, asked.as_of)
        gone = len(every) - len(audits)
        if not audits and gone:
            raise ValueError(f"each of {gone} audits is of an environment that is audited no more (findings retire)")
        if not audits:
            raise ValueError(
                f"none of the filed cards can be read; the first is {refused[0].place}: {refused[0].reason}"
            )
        tracked, odd = ledgers.told(latest_of(audits, asked), asked.as_of)
    audits = [tracked.get(audit.place, audit) for audit in audits]
    fleet = summarise(audits, asked, [*collected.unread, *refused], ledgers.without(audits))
    if gone:
        count = "1 audit" if gone == 1 else f"{gone} audits"
        sys.stderr.write(f"note: {count} of environments that are audited no more left out\n")
    for one in odd:
        sys.stderr.write(f"note: {one_line(one.place)}: {one_line(one.reason)}; its findings are counted as filed\n")
    if not fleet.services:
        return fail(unmatched.why(fleet, audits))
    failing = below(fleet, args.min) if args.min else ()
    passed = not failing and not (args.min and fleet.unread)
    if args.output:
        write(Path(args.output), page.chunks(fleet))
    if args.json:
        verdict = {"min": args.min, "passed": passed, "below": [s.service for s in failing]} if args.min else None
        sys.stdout.writelines(numbers.chunks(fleet, verdict))
        return 0 if passed else 1
    look = table.Look(
        width=max(NARROWEST, min(shutil.get_terminal_size().columns, WIDEST)),
        color=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
        unicode="utf" in (sys.stdout.encoding or "").lower(),
        everything=args.all,
    )
    sys.stdout.writelines(f"{line}\n" for line in table.lines(fleet, look))
    if args.min:
        sys.stdout.write(f"\n{_verdict(args.min, failing, fleet)}\n")
    if args.output:
        sys.stdout.write(f"\nPage {args.output}\n")
    return 0 if passed else 1


def _refuse_others(path: Path) -> None:
    """See that no file is lost for a page: what is there has to be one, or empty.

    Raises:
        ValueError: It is something else; the message names it and the way out.
    """
    from pytest_backend_audit.fleet.page import HEAD, is_page  # noqa: PLC0415 - heavy

    if not path.exists():
        return
    if not path.is_file():
        raise ValueError(f"-o {path}: that is no file; name a new one")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        raise ValueError(f"-o {path}: is there already, and can't be read: {error.strerror}; name a new file") from None
    if head and not is_page(head):
        raise ValueError(
            f"-o {path}: is there already, and is no page of a fleet; name a new file, nothing else is ever overwritten"
        )


def _verdict(minimum: str, failing: Sequence[Service], fleet: Fleet) -> str:
    from pytest_backend_audit.fleet.words import several  # noqa: PLC0415 - with the rest

    if failing:
        return f"--min {minimum}: not passed, {several(len(failing), 'service is', 'services are')} below it"
    if fleet.unread:
        return f"--min {minimum}: not passed, {several(len(fleet.unread), 'card')} can't be read"
    return f"--min {minimum}: passed"


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date, as 2026-08-31 is one") from None


def _no_minimum(minimum: str, order: Sequence[str]) -> str:
    allowed = f"allowed are {', '.join(order[:-1])}"
    if minimum in order:
        return f"--min={minimum}: every audit reaches the last disposition; {allowed}"
    near = difflib.get_close_matches(minimum, order, 1)
    return f"--min={minimum}: no such disposition{f', did you mean {near[0]}?' if near else ';'} {allowed}"
