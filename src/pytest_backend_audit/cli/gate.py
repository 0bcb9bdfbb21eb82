"""``backend-audit gate``: exit 1 if a run's disposition is below a minimum, or the run proves none."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.output import fail
from pytest_backend_audit.cli.runs import add_run, add_signers, finished, not_counted, run_folder
from pytest_backend_audit.cli.whichrun import not_checked_out, which

if TYPE_CHECKING:
    from pytest_backend_audit.finished import Finished
    from pytest_backend_audit.standard.model import Disposition


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "gate",
        help="exit 1 if a run's disposition is below a minimum",
        description="Judge a finished run: whole, formal and intact, nothing broken, and its disposition at least the "
        "minimum. The two highest dispositions take levels that a second reviewer signed (backend-audit sign). It says "
        "of which run it speaks, and notes where another commit is checked out by now.",
        epilog="Exit status: 0 the gate is passed, 1 it is not, 2 usage.",
    )
    add_run(parser)
    add_signers(parser)
    parser.add_argument(
        "--min",
        metavar="DISPOSITION",
        help="id of the lowest disposition that passes, such as conditional-production (default: gate of the run's "
        "audit.yaml)",
    )
    parser.add_argument(
        "--no-worse",
        action="store_true",
        help="exit 1 too if a dimension fell since the prior audit, or a new high finding came",
    )
    parser.add_argument("--json", action="store_true", help="the verdict as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``gate``."""
    try:
        return _judge(args)
    except ValueError as error:
        return fail(str(error))
    except BrokenPipeError:  # the reader of our output has gone, which `main` knows how to end
        raise
    except OSError as error:
        return fail(f"{error.filename or args.folder} can't be read: {error.strerror}")


def _judge(args: argparse.Namespace) -> int:
    from pytest_backend_audit.finished import verify  # noqa: PLC0415 - heavy
    from pytest_backend_audit.journal import State  # noqa: PLC0415 - heavy
    from pytest_backend_audit.ledger.again import COMMAND, again  # noqa: PLC0415 - heavy
    from pytest_backend_audit.scoring.records import standard_of  # noqa: PLC0415 - heavy
    from pytest_backend_audit.scoring.verdict import regate  # noqa: PLC0415 - heavy

    found = verify(run_folder(args.folder))
    if found.state is State.ALTERED:
        return _say(args, f"not passed, the run was altered: {found.problems[0]}")
    if not found.lines:
        return _say(args, f"not passed, the run did not end: {found.problems[0]}; audit again: {COMMAND}")
    run = finished(args.folder, args.allowed_signers)
    card = run.card
    matrix = standard_of(card.inputs).dispositions
    if args.min is None:  # an empty text is a variable that nobody has set
        args.min = _stated(run, matrix)
    if args.min is None:
        return fail(f"no minimum: give --min DISPOSITION, or gate in audit.yaml; {_allowed(matrix)}")
    if trouble := _usage(args.min, matrix):
        return fail(trouble)
    if not card.inputs.standard_loaded:
        load = "standard: bundled (rows that have a check) or default (all)"
        return _say(args, f"not passed, {card.basis}; audit.yaml loads it: {load}", run)
    verdict = regate(card, matrix, args.min, no_worse=args.no_worse)
    reason = verdict.reason.partition(": ")[2]
    if card.seal is None:
        reason += f"; {again(card.inputs)}"
    if not verdict.passed and (lack := _unsigned(run, matrix, args.min)):
        reason += f"; {lack}"
    return _say(args, reason, run, passed=bool(verdict.passed))


def _stated(run: Finished, matrix: Sequence[Disposition]) -> str | None:
    """The gate that audit.yaml asks for, or the policy it was held to: the higher of several; None if none does.

    Not the one that the run was held to: a narrowed run has none, and an option may have asked for another.
    """
    stated: set[object] = set()
    for inputs in (record.inputs for record in run.records):
        stated |= {inputs.config.get("gate"), inputs.protected.keys.get("gate") if inputs.protected else None}
    return next((d.id for d in matrix if d.id in stated), None)


def _unsigned(run: Finished, matrix: Sequence[Disposition], minimum: str) -> str:
    """What a signature would change, where a gate is not passed; empty if the disposition would not reach it."""
    from pytest_backend_audit.finished import once_signed  # noqa: PLC0415 - heavy
    from pytest_backend_audit.scoring.verdict import regate  # noqa: PLC0415 - heavy

    if run.no_sign_off:
        return not_counted(run)
    # What got worse stays worse, signed or not.
    if regate(run.card, matrix, minimum).passed or not regate(once_signed(run), matrix, minimum).passed:
        return ""
    capped = [d.id for d in run.card.dimensions if d.would_be > d.level]
    return f"not signed: {', '.join(capped)} (backend-audit sign)"


def _say(args: argparse.Namespace, reason: str, run: Finished | None = None, *, passed: bool = False) -> int:
    from pytest_backend_audit.reports.text import one_line  # noqa: PLC0415 - heavy

    if args.json:
        card = run.card if run else None
        signed = card.sign_off if card else None
        facts = {
            "gate": args.min,
            "passed": passed,
            "disposition": card.disposition.id if card and card.disposition else None,
            "reason": reason,
            "signed_by": signed.reviewer if signed else None,
            "no_sign_off": run.no_sign_off if run else "",
            "not_looked": run.checked.not_looked if run else "",
            "commit": (card.inputs.document.commit or None) if card else None,
            "environment": (card.inputs.document.environment or None) if card else None,
            "instant": card.inputs.instant if card else None,
        }
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    else:
        # What broke says what the service told it: a line feed of its could begin a command of the CI's.
        gate = "gate" if args.min is None else f"gate {args.min}"
        lines = [f"{args.folder}: {gate}: {one_line(reason)}"]
        if run:
            lines.append(f"  {which(run.card)}")
            lines += [f"note: {note}"] if (note := not_checked_out(run)) else []
        sys.stdout.writelines(f"{line}\n" for line in lines)
        if run and passed and (note := not_counted(run) if run.no_sign_off else run.checked.not_looked):
            sys.stderr.write(f"backend-audit: {note}\n")
    return 0 if passed else 1


def _usage(minimum: str, matrix: Sequence[Disposition]) -> str:
    """Why no run can be asked this question; empty if it can."""
    ids, allowed = [d.id for d in matrix], _allowed(matrix)
    if minimum not in ids:
        near = difflib.get_close_matches(minimum, ids, 1)
        return f"--min={minimum}: no such disposition{f', did you mean {near[0]}?' if near else ';'} {allowed}"
    if minimum == ids[-1]:
        return f"--min={minimum}: every run reaches the last disposition; {allowed}"
    return ""


def _allowed(matrix: Sequence[Disposition]) -> str:
    return f"allowed are {', '.join(d.id for d in matrix[:-1])}"
