"""``backend-audit report``: one format of a run's card, to standard output."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from pytest_backend_audit.cli.output import fail
from pytest_backend_audit.cli.runs import add_run, add_signers, card_of
from pytest_backend_audit.cli.waiting import waiting
from pytest_backend_audit.reports import FORMATS, chunks


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "report",
        help="one report format of a run, to standard output",
        description="Write one format of a run's card to standard output, computed from its journal.",
        epilog="Formats: " + "; ".join(f"{name}: {format_.help}" for name, format_ in FORMATS.items()) + ". "
        "The bytes are those of the file in the report folder. Exit status: 0 fine, 2 usage.",
    )
    add_run(parser)
    add_signers(parser)
    parser.add_argument("--format", required=True, choices=FORMATS, metavar="FORMAT", help="one of the formats below")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``report``."""
    try:
        with waiting("computing the card"):
            pieces = chunks(card_of(args.folder, args.allowed_signers), args.format)
    except ValueError as error:
        return fail(str(error))
    # UTF-8 and line feeds wherever it goes, so that a redirected report equals the file.
    out = sys.stdout.buffer
    out.writelines(piece.encode("utf-8", "backslashreplace") for piece in pieces)
    out.flush()
    return 0
