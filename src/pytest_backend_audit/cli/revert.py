"""``backend-audit revert``: undo the faults that a killed run has left behind."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from pytest_backend_audit.cli.output import fail
from pytest_backend_audit.cli.runs import NO_RUN, add_run


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "revert",
        help="undo the faults that a killed run left behind",
        description="Undo what faults.jsonl of a run says was set and not undone. A fault ends by itself when its "
        "lease is over, or a moment after its audit was killed; this is for when the machine went down with both. "
        "Undoing twice does no harm.",
        epilog="Exit status: 0 nothing is open any more, 1 something could not be undone, 2 usage.",
    )
    add_run(parser)
    parser.add_argument("--json", action="store_true", help="what was open, and what became of it, as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``revert``."""
    from pytest_backend_audit.targets.faults import records  # noqa: PLC0415 - heavy

    folder = Path(args.folder)
    if not folder.is_dir():
        return fail(f"{folder}: there is no such folder; {NO_RUN}")
    try:
        found = records.open_in(folder)
        done = list(records.revert(found))
    except ValueError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"{error.filename or folder} can't be read or written: {error.strerror}")
    if args.json:
        facts = [{"fault": o.what, "record": o.place, "undone": not why, "reason": why} for o, why in done]
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{_line(o, why)}\n" for o, why in done)
        if not done:
            sys.stdout.write(f"{folder}: no fault is open\n")
    return 1 if any(why for _, why in done) else 0


def _line(found: Any, why: str) -> str:
    if why:
        return f"{found.place}: {found.what}: not undone: {why}"
    if not found.undo:
        return f"{found.place}: {found.what}: there is nothing to undo; look whether it is up again"
    return f"{found.place}: {found.what}: undone"
