"""``backend-audit plan``: what an audit would run, and what could not run, without running it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.cli.collecting import Watcher, add_options, collect
from pytest_backend_audit.cli.foreseen import asked
from pytest_backend_audit.cli.output import WIDTH, columns, fail
from pytest_backend_audit.cli.wanted import TARGET_OF

if TYPE_CHECKING:
    from pytest_backend_audit.collect import Collected
    from pytest_backend_audit.model import Check
    from pytest_backend_audit.runtime import Runtime
    from pytest_backend_audit.standard.model import Row

CHECKED, UNCHECKED, PENDING = "has a check", "no check", "no bundled check yet"
"""States of a row; the last two could not run, and the last one is ours to mend."""
NOT_SOUGHT, NOT_APPLICABLE = "not sought", "not applicable"


@dataclass(frozen=True, slots=True)
class Entry:
    """One check of the plan."""

    check: Check
    obstacles: tuple[str, ...]
    """Why it could not run as things stand; empty when nothing is known against it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One row of the standard, and whether the plan has an answer to it."""

    row: Row
    dimension: str
    """Id and name."""
    state: str


@dataclass(slots=True, eq=False)
class Capture(Watcher):
    """Takes the plan from a collection."""

    entries: list[Entry] = field(default_factory=list)
    rows: list[Asked] = field(default_factory=list)
    """Of the standard, when it is loaded."""
    not_sought: int = 0
    """Checks above the level that is sought."""
    left_out: int = 0
    """Unmarked tests."""
    other_edition: int = 0
    """Rows of the whole standard that the edition in use leaves out."""
    loaded: bool = False
    configured: bool = False
    """Whether there is an audit.yaml."""

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Read the plan, and what each check asks for."""
        from pytest_backend_audit.collect import PLAN  # noqa: PLC0415 - heavy
        from pytest_backend_audit.runtime import runtime  # noqa: PLC0415 - heavy

        audit, collected = runtime(session.config), session.config.stash.get(PLAN, None)
        if collected is None:  # a path that is not there: pytest says so
            return
        fixtures: dict[str, set[str]] = {}
        skips: dict[str, list[str]] = {}
        for item in session.items:
            for check in collected.plan.of_node[item.nodeid]:
                fixtures.setdefault(check, set()).update(getattr(item, "fixturenames", ()))
                skips.setdefault(check, []).extend([*_undeclared(item, audit), *_skips(item)])
        self.entries = [
            Entry(c, tuple(dict.fromkeys([*_obstacles(c, fixtures.get(c.id, set()), audit), *skips.get(c.id, [])])))
            for c in collected.plan.checks
            if c.id in collected.selected
        ]
        self.loaded, self.configured = audit.standard_loaded, audit.config is not None
        self.not_sought, self.left_out = len(collected.not_sought), collected.left_out
        if self.loaded:
            from pytest_backend_audit.scoring.coverage import left_out  # noqa: PLC0415 - heavy

            self.rows, self.other_edition = list(_rows(collected, audit)), left_out(audit.standard)
        self.done = True


def _obstacles(check: Check, fixtures: set[str], audit: Runtime) -> Iterator[str]:
    if not check.bundled:  # it may count in its own process
        fixtures = fixtures - {"audit_query_budget"}
    for need in check.needs:
        if why := audit.not_allowed(need):
            yield why.replace(", which is not allowed: run with", ": add")
    for target in dict.fromkeys(TARGET_OF[f] for f in sorted(fixtures) if f in TARGET_OF):
        if audit.config is None:
            yield f"targets.{target} is not configured (there is no audit.yaml)"
        elif audit.config.target(target) is None:
            yield audit.config.why_no_target(target)


def _undeclared(item: pytest.Item, audit: Runtime) -> Iterator[str]:
    """Keys of audit.yaml that the check reads first thing, and that nobody has declared."""
    from pytest_backend_audit.targets.declared import Declared  # noqa: PLC0415 - heavy

    function = getattr(item, "function", None)
    if function is None or audit.config is None:
        return
    skipped: type[BaseException] = pytest.skip.Exception
    for key in asked(function):
        try:
            Declared(audit)(key)
        except skipped as missing:
            yield str(missing)
        except (LookupError, AttributeError):  # no such key: the check itself is wrong, and will say so
            continue


def _skips(item: pytest.Item) -> Iterator[str]:
    for mark in item.iter_markers("skip"):
        reason = str(mark.kwargs.get("reason", "") or (mark.args[0] if mark.args else "no reason given"))
        # The collector marks what is not allowed; that is said as a need.
        if "which is not allowed: run with" not in reason:
            yield f"marked skip: {reason}"


def _rows(collected: Collected, audit: Runtime) -> Iterator[Asked]:
    from datetime import date  # noqa: PLC0415 - with the rest of this function

    from pytest_backend_audit.model import Policy  # noqa: PLC0415 - heavy
    from pytest_backend_audit.scoring.exceptions import exemptions  # noqa: PLC0415 - heavy

    policy = audit.config.policy() if audit.config else Policy()
    exempt = exemptions(policy, date.fromisoformat(audit.instant[:10]))
    pending = set(audit.standard.pending)
    names = {d.id: f"{d.id} {d.name}" for d in audit.standard.dimensions}
    reached: dict[tuple[str, str], int] = {}
    for check in collected.plan.checks:
        if check.id in collected.selected:
            key = (check.dimension, check.ladder)
            reached[key] = max(check.level, reached.get(key, 0))
    for row in audit.standard.rows:
        declared = exempt.get(row.criterion)
        if declared is not None and not declared.expired:
            state = NOT_APPLICABLE
        elif row.level > policy.sought.get(row.dimension, 5):
            state = NOT_SOUGHT
        # A check that passes covers the rows of its criterion at and below its level.
        elif row.level <= reached.get((row.dimension, row.criterion), 0):
            state = CHECKED
        else:
            state = PENDING if row.name in pending else UNCHECKED
        yield Asked(row, names[row.dimension], state)


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "plan",
        help="rows, checks, needs and what could not run, without running",
        description="Collect the checks as `pytest --audit` does in this folder, run none and reach nothing, and say "
        "what each may do, what is known to be in its way, and which rows of the standard have no check.",
        epilog="Exit status: 0 fine, also with checks that could not run; 2 usage, or a module that can't be imported.",
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="where checks are (default: audit_paths)")
    parser.add_argument(
        "--allow",
        "--audit-allow",
        metavar="LIST",
        help="of load, writes, faults, probes: what checks may do beyond reading",
    )
    parser.add_argument("--rows", action="store_true", help="list the rows of the standard that have no check")
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the plan of the audit that pytest would run here."""
    capture = Capture()
    more = [f"--audit-allow={args.allow}"] if args.allow else []
    try:
        collect(capture, args, *more, "--", *args.paths)
    except ValueError as error:
        return fail(str(error))
    if capture.failed:
        return fail("\n".join(f"{line} (it can't be collected)" for line in capture.failed))
    if args.json:
        sys.stdout.write(json.dumps(_data(capture), indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(capture, every_row=args.rows))
    return 0


def _data(capture: Capture) -> dict[str, Any]:
    def rows(*states: str) -> list[dict[str, Any]]:
        chosen = [asked.row for asked in capture.rows if asked.state in states]
        return [{"dimension": r.dimension, "criterion": r.criterion, "level": r.level} for r in chosen]

    return {
        "checks": [
            {
                "id": e.check.id,
                "dimension": e.check.dimension,
                "criterion": e.check.criterion,
                "level": e.check.level,
                "needs": list(e.check.needs),
                "could_not_run": list(e.obstacles),
            }
            for e in capture.entries
        ],
        "standard_loaded": capture.loaded,
        "covered": rows(CHECKED),
        "uncovered": rows(UNCHECKED),
        "pending": rows(PENDING),
        "not_sought": rows(NOT_SOUGHT),
        "not_applicable": rows(NOT_APPLICABLE),
        "skipped_modules": capture.skipped,
    }


def _lines(capture: Capture, *, every_row: bool) -> Iterator[str]:
    if capture.entries:
        yield from columns(_checks(capture.entries), WIDTH)
        yield ""
    yield from columns([[_summary(capture)]], WIDTH)
    for line in capture.skipped:
        yield from columns([[f"{line} (the module skips itself, so the run would be partial)"]], WIDTH)
    if capture.rows:
        yield ""
        yield from _coverage(capture.rows)
        if capture.other_edition:
            yield f"Rows that this edition of the standard leaves out: {capture.other_edition}."
        missing = [asked for asked in capture.rows if asked.state in {UNCHECKED, PENDING}]
        if missing and every_row:
            yield ""
            yield from columns([(a.row.dimension, f"L{a.row.level}", a.row.criterion, a.state) for a in missing], WIDTH)
        elif missing:
            yield f"{len(missing)} rows without a check could not run (--rows lists them)."
    elif not capture.loaded:
        why = "without an audit.yaml" if not capture.configured else "standard: none in audit.yaml:"
        way_out = "`backend-audit init` writes one" if not capture.configured else "standard: bundled loads one"
        yield from columns([[f"Own criteria: {why} no standard is loaded ({way_out})."]], WIDTH)


def _checks(entries: Sequence[Entry]) -> list[tuple[str, str, str, str]]:
    """A line for all checks of one criterion and level that are in the same state."""
    alike: dict[tuple[str, str, str, str], int] = {}
    for entry in entries:
        check = entry.check
        said = ", ".join(check.needs) or "reads"
        if entry.obstacles:
            said = "could not run: " + "; ".join(entry.obstacles)
        key = (check.dimension, f"L{check.level}", check.ladder.rpartition("::")[2], said)
        alike[key] = alike.get(key, 0) + 1
    return [(*key[:3], f"{key[3]} ({n} checks)" if n > 1 else key[3]) for key, n in alike.items()]


def _summary(capture: Capture) -> str:
    count = len(capture.entries)
    if not count:
        text = "No checks: mark tests with @audit(dimension=..., level=...), or run `backend-audit init`"
    else:
        ready = sum(not e.obstacles for e in capture.entries)
        text = f"{count} check{'s' if count > 1 else ''}, {ready} with nothing known against "
        text += "them" if count > 1 else "it"
    if capture.left_out:
        text += f"; unmarked tests left out: {capture.left_out}"
    if capture.not_sought:
        text += f"; checks not sought: {capture.not_sought}"
    return text + "."


def _coverage(rows: Sequence[Asked]) -> list[str]:
    states = (CHECKED, UNCHECKED, PENDING, NOT_SOUGHT, NOT_APPLICABLE)
    shown = [s for s in states if s in {CHECKED, UNCHECKED} or any(a.state == s for a in rows)]
    counts: Mapping[str, Mapping[str, int]] = {
        d: {s: sum(a.dimension == d and a.state == s for a in rows) for s in shown}
        for d in dict.fromkeys(a.dimension for a in rows)
    }
    table = [("rows", *shown)]
    table += [(d, *(str(n) for n in count.values())) for d, count in counts.items()]
    table.append(("all", *(str(sum(count[s] for count in counts.values())) for s in shown)))
    return columns(table, WIDTH)
