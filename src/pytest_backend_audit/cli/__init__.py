"""The ``backend-audit`` command: parse, call, print, exit. One file a command, loaded when it is used."""

from __future__ import annotations

import argparse
import difflib
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_backend_audit.cli.parser import Parser

COMMANDS = {
    "init": "write audit.yaml, an example check and the rights it needs",
    "doctor": "reach every target and tool, and say what could not run",
    "plan": "rows, checks, needs and what could not run, without running",
    "demo": "audit a reference service on embedded servers",
    "show": "the card of a run, in the terminal",
    "report": "one report format of a run, to standard output",
    "render": "write all reports of a run again",
    "verify": "tell whether a run is intact, torn or altered",
    "sign": "sign the levels of a run as its second reviewer",
    "revert": "undo the faults that a killed run left behind",
    "merge": "join runs of one commit: shards of CI, or prod and stage",
    "compare": "what changed from one audit to the next",
    "trend": "all filed audits of a service, one after the other",
    "gate": "exit 1 if a run's disposition is below a minimum",
    "file": "file a run's card and findings in the repository",
    "findings": "the ledger of findings: list, assign, close",
    "fleet": "many services at once, from their filed cards",
    "schema": "print a JSON Schema",
    "standard": "show a standard, or check one of your own",
}
"""Command -> what it does. Each is a module of this package with ``add_parser`` and ``run``."""

USAGE = 2
CUT_OFF = 141
"""Exit status when the reader of our output has gone: 128 and SIGPIPE, as of any tool; never 0, which says yes."""
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and SIGINT."""


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser of all commands; with `only`, of that one (the others are named, not loaded)."""
    parser = Parser(
        prog="backend-audit",
        description="Audit a backend service: set up, look at runs, judge them.",
        epilog="Exit status: 0 fine, 1 a verdict says no, 2 usage. `backend-audit COMMAND --help` says more.",
    )
    parser.add_argument("--version", action="store_true", help="print the version, and stop")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name, text in COMMANDS.items():
        if only is None or name == only:
            importlib.import_module(f"pytest_backend_audit.cli.{name}").add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=text)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Python has None for a stream that the caller closed.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as we live
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as we live
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a character gets its number instead of nothing.
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _command(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _silence()
        return CUT_OFF
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return INTERRUPTED
    except OSError as error:
        _silence()
        sys.stderr.write(f"backend-audit: {error.filename or 'the output'}: {error.strerror or error}\n")
        return USAGE
    return status


def _command(arguments: Sequence[str]) -> int:
    named = next((a for a in arguments if not a.startswith("-")), None)
    if named is not None and named not in COMMANDS:
        near = difflib.get_close_matches(named, COMMANDS, 1)
        hint = f"did you mean {near[0]}?" if near else "`backend-audit --help` lists them"
        sys.stderr.write(f"backend-audit: unknown command {named!r}; {hint}\n")
        return USAGE
    # Without a command the main help is wanted, which names all and needs none.
    parser = build_parser(named or "schema")
    args = parser.parse_args(arguments)
    if args.version:
        from pytest_backend_audit import __version__  # noqa: PLC0415 - only now

        sys.stdout.write(f"pytest-backend-audit {__version__}\n")
        return 0
    if args.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    status: int = args.run(args)
    return status


def _silence() -> None:
    """Let what is left in the buffer go nowhere: Python would complain of it once more at its end."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # no such file, as in tests
        return
