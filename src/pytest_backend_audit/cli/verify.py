"""``backend-audit verify``: whether a run folder still holds what the run wrote."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from pytest_backend_audit.cli.output import fail
from pytest_backend_audit.cli.runs import add_run, run_folder
from pytest_backend_audit.cli.waiting import waiting

SHOWN = 20
"""Problems that are listed one by one; ``--json`` has them all."""


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "verify",
        help="tell whether a run is intact, torn or altered",
        description="Compare a run folder with itself: the chain of its journal, and each piece of evidence with its "
        "hash. Torn means cut short, by a kill or a full disk: what stands before the cut is good. This shows "
        "accidents and clumsy hands; who can write the folder can write a new chain, and only a signature tells.",
        epilog="Exit status: 0 intact, 1 torn or altered, 2 not a run folder.",
    )
    add_run(parser)
    parser.add_argument("--json", action="store_true", help="state, good lines, problems and head as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``verify``."""
    from pytest_backend_audit.finished import verify  # noqa: PLC0415 - heavy
    from pytest_backend_audit.journal import State  # noqa: PLC0415 - heavy

    try:
        with waiting("reading the journal"):
            found = verify(run_folder(args.folder))
    except ValueError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"{error.filename or args.folder} can't be read: {error.strerror}")
    if args.json:
        facts = {
            "state": found.state.value,
            "lines": found.lines,
            "problems": list(found.problems),
            "head": found.head,
        }
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        sys.stdout.write(f"{args.folder}: {found.state}; good lines: {found.lines}; head {found.head}\n")
        sys.stdout.writelines(f"  {problem}\n" for problem in found.problems[:SHOWN])
        if len(found.problems) > SHOWN:
            sys.stdout.write(f"  and {len(found.problems) - SHOWN} more; --json lists them\n")
    return 0 if found.state is State.INTACT else 1
