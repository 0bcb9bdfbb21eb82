"""``backend-audit compare``: what changed from one audit to the next."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.output import fail, hanging
from pytest_backend_audit.cli.runs import DEFAULT
from pytest_backend_audit.cli.waiting import waiting

if TYPE_CHECKING:
    from pytest_backend_audit.comparison import Comparison, Side


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "compare",
        help="what changed from one audit to the next",
        description="Compare an audit with an earlier one of the same service, by the same standard: levels and "
        "total before the second reviewer's cap, disposition; checks with another outcome; findings that are new, "
        "worse, changed or gone; thresholds, exceptions, sought levels and weights. A check that failed before and "
        "could not run now keeps its failed limit. Each side is a run folder, the folder of a merge, or a filed card "
        "(.md or .json).",
        epilog="Exit status: 0 compared; 1 with --no-worse if a dimension fell, a new finding of high severity or "
        "above came, a case that had not passed was taken out of its check, an environment of a merge has no audit "
        "before to be compared with, or RUN is invalid or did not end; 2 usage, or audits that can't be compared.",
    )
    parser.add_argument(
        "now",
        nargs="?",
        default=DEFAULT,
        metavar="RUN",
        help=f"run folder, folder of a merge, or filed card (default {DEFAULT})",
    )
    parser.add_argument(
        "prior",
        metavar="PRIOR",
        nargs="?",
        help="the audit to compare with, likewise (default: the one of this environment that the repository's ledger "
        "has before RUN)",
    )
    parser.add_argument("--no-worse", action="store_true", help="exit 1 if it is worse, or nobody can tell (see below)")
    parser.add_argument("--format", choices=("text", "md", "json"), default="text", help="default: text")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="short for --format json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run ``compare``."""
    from pytest_backend_audit.cli.audits import NAME_ONE, side  # noqa: PLC0415 - heavy
    from pytest_backend_audit.reports.text import clean  # noqa: PLC0415 - heavy

    try:
        with waiting("reading the audits"):
            now = side(args.now)
            pairs, lacking = ([(now, side(args.prior), args.prior)], []) if args.prior else _priors(now, Path(args.now))
            found = [_compared(args.now, *pair) for pair in pairs]
    except ValueError as error:
        return fail(str(error))
    except OSError as error:
        return fail(f"{error.filename or args.now} can't be read: {error.strerror}")
    _write(found, lacking, args.format)
    if lacking:
        are, it = ("is", "it") if len(lacking) == 1 else ("are", "them")
        note = f"note: {', '.join(lacking)} {are} not compared: no audit of {it} was filed before; {NAME_ONE}"
        sys.stderr.writelines(f"{line}\n" for line in hanging(clean(note)))
    return 1 if args.no_worse and (lacking or any(comparison.worse for comparison in found)) else 0


def _compared(name: str, now: Side, prior: Side, before: str) -> Comparison:
    """An audit, or a part of it, compared with another; both have a name.

    Raises:
        ValueError: They can't be compared.
    """
    from pytest_backend_audit.comparison import NotComparableError, compare  # noqa: PLC0415 - heavy

    try:
        return compare(now, prior)
    except NotComparableError as error:
        raise ValueError(f"{name} and {before} can't be compared: {error}") from None


def _priors(now: Side, near: Path) -> tuple[list[tuple[Side, Side, str]], list[str]]:
    """What is compared where no audit is named: the audit with the one before it.

    A merge, with that of the same environments, where it is the latest of each; else each of them with its own.

    Args:
        now: The audit.
        near: Where it lies.

    Returns:
        What is compared with what, and what that is called; and the environments before which there is none.

    Raises:
        ValueError: There is none to compare with, or it can't be read.
    """
    from pytest_backend_audit.cli.audits import NoAuditBeforeError, before, side  # noqa: PLC0415 - heavy

    parts = [now.part(place) for place in now.card.parts] or [now]
    found: list[tuple[Side, str, tuple[str, ...]]] = []
    lacking: list[str] = []
    for part in parts:
        try:
            path, names = before(part.card, near)
        except NoAuditBeforeError:
            if len(parts) == 1:
                raise
            lacking.append(part.card.environment)
        else:
            found.append((part, str(path), names))
    if not found:
        before(now.card, near)  # raises: of all of them together there is none either
    read = {path: side(path) for path in dict.fromkeys(path for _, path, _ in found)}
    if len(read) == 1 and not lacking:
        [(name, prior)] = read.items()
        if len(prior.card.parts) == len(now.card.parts):
            return [(now, prior, name)], []
    return [(part, read[path].part(*names), path) for part, path, names in found], lacking


def _write(found: Sequence[Comparison], lacking: Sequence[str], form: str) -> None:
    from pytest_backend_audit.reports import compared  # noqa: PLC0415 - heavy

    if form == "json":
        facts = {"comparisons": [_facts(each) for each in found], "not_compared": list(lacking)}
        sys.stdout.write(json.dumps(facts, indent=2) + "\n")
        return
    for n, each in enumerate(found):
        sys.stdout.write("\n" if n else "")
        if form == "md":
            sys.stdout.writelines(compared.markdown(each))
        else:
            sys.stdout.writelines(f"{line}\n" for line in compared.terminal(each))


def _facts(found: Comparison) -> dict[str, Any]:
    from pytest_backend_audit.jsonable import to_builtins  # noqa: PLC0415 - heavy

    facts: dict[str, Any] = to_builtins(found)
    for name in ("prior", "now"):
        # The cards themselves have files of their own.
        card = facts[name]
        facts[name] = {
            key: card[key]
            for key in (
                *("service", "environment", "environment_kind", "commit", "instant", "standard", "basis"),
                *("total", "maximum", "minimum", "disposition", "assessed", "rows", "sources"),
            )
        }
    return facts
