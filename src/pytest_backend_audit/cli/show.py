"""``backend-audit show``: the card of a run, as pytest showed it at the run's end."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from typing import Any

from pytest_backend_audit.cli.output import fail
from pytest_backend_audit.cli.runs import add_run, add_signers, card_of
from pytest_backend_audit.cli.waiting import waiting

NARROWEST, WIDEST = 80, 100
"""Columns: what the section is made for, and where it gets hard to read."""


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "show",
        help="the card of a run, in the terminal",
        description="Show the card of a run, computed from its journal.",
        epilog="Exit status: 0 fine, whatever the card says (`backend-audit gate` judges); 2 usage.",
    )
    add_run(parser)
    add_signers(parser)
    parser.add_argument("--all", action="store_true", help="cut nothing short, however many lines that takes")
    parser.add_argument("--json", action="store_true", help="the whole card as JSON, as in scorecard.json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``show``."""
    from pytest_backend_audit.reports import chunks  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.terminal import section  # noqa: PLC0415 - heavy

    try:
        with waiting("computing the card"):
            card = card_of(args.folder, args.allowed_signers)
    except ValueError as error:
        return fail(str(error))
    if args.json:
        sys.stdout.writelines(chunks(card, "json"))
        return 0
    width = max(NARROWEST, min(shutil.get_terminal_size().columns, WIDEST))
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    unicode = "utf" in (sys.stdout.encoding or "").lower()
    for line in section(card, width, color=color, unicode=unicode, folder=args.folder, whole=args.all):
        sys.stdout.write(f"{line}\n")
    return 0
