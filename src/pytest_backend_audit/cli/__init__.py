"""The ``backend-audit`` command: parse, call, print, exit. One file a command, loaded when it is used."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

COMMANDS = {
    "init": "write audit.yaml, an example check and the rights it needs",
    "doctor": "reach every target and tool, and say what could not run, and the cure",
    "plan": "rows, checks, needs and what could not run, without running",
    "demo": "audit a reference service on embedded servers",
    "show": "the card of a run, in the terminal",
    "report": "one report format of a run, to standard output",
    "render": "write all reports of a run again",
    "verify": "tell whether a run is intact, torn or altered",
    "gate": "exit 1 if a run's disposition is below a minimum",
    "schema": "print a JSON Schema",
    "standard": "show a standard, or check one of your own",
}
"""Command -> what it does. Each is a module of this package with ``add_parser`` and ``run``."""

USAGE = 2


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands; with `only`, of that one (the others are named, not loaded)."""
    parser = argparse.ArgumentParser(
        prog="backend-audit",
        description="Audit a backend service: set up, look at runs, judge them.",
        epilog="Exit status: 0 fine, 1 a verdict says no, 2 usage.",
    )
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for name, text in COMMANDS.items():
        if only is None or name == only:
            importlib.import_module(f"pytest_backend_audit.cli.{name}").add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=text)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    named = next((a for a in arguments if not a.startswith("-")), None)
    parser = build_parser(named if named in COMMANDS else "standard")
    args = parser.parse_args(arguments)
    try:
        status: int = args.run(args)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201 - this is the terminal
        return 130
    return status
