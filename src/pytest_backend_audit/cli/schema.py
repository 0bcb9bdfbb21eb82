"""``backend-audit schema``: print a JSON Schema of one of our files."""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files
from typing import Any

SCHEMAS = {
    "audit": ("pytest_backend_audit.config", "audit.schema.json"),
    "in-toto-predicate": ("pytest_backend_audit.reports", "in-toto-predicate.schema.json"),
    "scorecard": ("pytest_backend_audit.reports", "scorecard.schema.json"),
    "fleet": ("pytest_backend_audit.fleet", "fleet.schema.json"),
    "ledger": ("pytest_backend_audit.ledger", "ledger.schema.json"),
    "standard": ("pytest_backend_audit.standard", "data/standard.schema.json"),
}
"""Name -> package and file."""


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "schema",
        help="print a JSON Schema",
        description="Print the JSON Schema (draft 2020-12) of audit.yaml, of scorecard.json, of the predicate of our "
        "in-toto statements, of what `fleet --json` prints, of one line of a ledger, or of a standard's file.",
        epilog="Exit status: 0 fine, 2 usage.",
    )
    # With all of the names, the line that says how the command is used would not fit.
    parser.add_argument("name", choices=list(SCHEMAS), metavar="NAME", help=f"which one: {', '.join(SCHEMAS)}")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the packaged file, byte for byte."""
    package, name = SCHEMAS[args.name]
    sys.stdout.write(files(package).joinpath(name).read_text(encoding="utf-8"))
    return 0
