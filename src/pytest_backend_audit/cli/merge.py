"""``backend-audit merge``: several runs of one commit as one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.output import WIDTH, columns, fail, hanging
from pytest_backend_audit.cli.runs import run_folder
from pytest_backend_audit.cli.waiting import waiting

if TYPE_CHECKING:
    from pytest_backend_audit.merging import Merged

MISSING = " in none of the runs: "
"""Between how many checks are missing, and the first of them, in the card's reason for being partial."""
SHOWN = 20
"""Missing checks that are listed one by one; ``--json`` has them all."""


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "merge",
        help="join runs of one commit: shards of CI, or prod and stage",
        description="Join formal runs of one commit, one audit.yaml, one standard and one version of this tool into "
        "one card: jobs of CI that ran a dimension each, or prod for the checks that only read and stage for the "
        "others. Per check the lowest limit among what was executed counts, and an answer in one run takes the place "
        "of a could-not-run in another. The card is whole when each planned check was run in one of them. The runs are "
        "copied, whole, below DIR/sources; a merge may be merged again. Afterwards DIR is a run folder for show, "
        "verify, render, report, gate and sign.",
        epilog="Exit status: 0 merged, also if checks are missing (`backend-audit gate` judges); 2 usage, or runs that "
        "don't belong together.",
    )
    parser.add_argument("folders", metavar="RUN", nargs="+", help="run folder, or the folder of a merge")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help="the new folder; missing or empty")
    parser.add_argument("--json", action="store_true", help="what was merged, and which checks are missing, as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``merge``."""
    from pytest_backend_audit.merging import merge  # noqa: PLC0415 - heavy

    try:
        with waiting("merging the runs"):
            made = merge([run_folder(folder) for folder in args.folders], Path(args.output))
    except ValueError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"{error.filename or args.output}: {error.strerror or error}")
    if args.json:
        sys.stdout.write(json.dumps(_facts(made), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(made))
    return 0


def _facts(made: Merged) -> dict[str, Any]:
    card = made.finished.card
    return {
        "folder": str(made.folder),
        "sources": [
            {
                "folder": f"sources/{number:02}",
                "from": str(run.folder),
                "instant": run.record.inputs.instant,
                "environment": run.record.inputs.document.environment,
                "head": run.record.head,
            }
            for number, run in enumerate(made.runs, 1)
        ],
        "dropped": [{"folder": str(folder), "same_as": str(taken)} for folder, taken in made.dropped],
        "signed": [str(folder) for folder in made.signed],
        "missing": list(made.missing),
        "partial": list(card.partial),
        "total": card.total,
        "disposition": card.disposition.id if card.disposition else None,
    }


def _lines(made: Merged) -> list[str]:
    from pytest_backend_audit.reports.text import one_line  # noqa: PLC0415 - heavy
    from pytest_backend_audit.scoring import answered  # noqa: PLC0415 - heavy

    card = made.finished.card
    runs = f"{len(made.runs)} run{'' if len(made.runs) == 1 else 's'}"
    document = card.inputs.document
    lines = hanging(one_line(f"Merged {runs} of {document.service} at {document.commit[:7]} into {made.folder}"))
    rows = [
        [
            f"  sources/{number:02}",
            one_line(run.record.inputs.document.environment) or "not stated",
            f"{len(answered(run.record.attempts))} of {len(card.inputs.plan)} checks answered",
            one_line(str(run.folder)),
        ]
        for number, run in enumerate(made.runs, 1)
    ]
    lines += columns(rows, WIDTH)
    for folder, taken in made.dropped:
        why = "it was named twice" if folder == taken else f"it is the same run as {taken}"
        lines += hanging(one_line(f"Dropped {folder}: {why}"))
    lines += _wholeness(made, card.partial)
    if card.total is not None:
        lines.append(f"Total: {card.total} of {card.maximum}")
    if card.disposition:
        qualifier = f", {card.disposition.qualifier}" if card.disposition.qualifier else ""
        lines += hanging(one_line(f"Disposition: {card.disposition.name}{qualifier}"))
    if made.signed:
        lines += hanging(
            one_line(
                f"Not signed: the sign-off of {', '.join(map(str, made.signed))} does not cover the merge; "
                f"backend-audit sign {made.folder}"
            )
        )
    lines.append(one_line(f"Report {made.folder}/scorecard.html"))
    return lines


def _wholeness(made: Merged, reasons: tuple[str, ...]) -> list[str]:
    """Whether it is whole, or why not; the missing checks on a line each, so that their names can be copied."""
    from pytest_backend_audit.model import Outcome  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import one_line  # noqa: PLC0415 - heavy

    unable = sum(r.outcome is Outcome.COULD_NOT_RUN for r in made.finished.card.checks)
    tried = f"each planned check was tried, {unable} could not run" if unable else "each planned check was run"
    lines = [] if reasons else [f"Whole: {tried}"]
    for reason in reasons:
        head, found, _ = reason.partition(MISSING)
        if not found or not made.missing:
            lines += hanging(one_line(f"Partial: {reason}"))
            continue
        lines += hanging(one_line(f"Partial: {head}{MISSING.rstrip()}"))
        lines += [f"  {one_line(id_)}" for id_ in made.missing[:SHOWN]]
        if len(made.missing) > SHOWN:
            lines.append(f"  and {len(made.missing) - SHOWN} more; --json lists them")
    return lines
