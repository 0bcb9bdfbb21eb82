"""``backend-audit render``: all report files of a run again, from its journal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pytest_backend_audit.cli.output import fail
from pytest_backend_audit.cli.runs import add_run, add_signers, card_of
from pytest_backend_audit.cli.waiting import waiting


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "render",
        help="write all reports of a run again",
        description="Compute the card of a run from its journal and write every report file into the run folder "
        "again. The same version writes the same bytes, on any day and machine. Files of other plugins' formats stay "
        "as they are.",
        epilog="Exit status: 0 fine, 2 not a run folder, an altered one, or one that can't be written.",
    )
    add_run(parser)
    add_signers(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``render``."""
    from pytest_backend_audit.reports.writing import write_all  # noqa: PLC0415 - heavy

    try:
        with waiting("writing the reports"):
            written = write_all(card_of(args.folder, args.allowed_signers), Path(args.folder))
    except (ValueError, OSError) as error:
        return fail(str(error))
    sys.stdout.writelines(f"{path}\n" for path in written)
    return 0
