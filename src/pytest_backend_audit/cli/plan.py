"""``backend-audit plan``: what an audit would run, and what could not run, without running it."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.cli.output import columns, fail

if TYPE_CHECKING:
    from pytest_backend_audit.model import Check
    from pytest_backend_audit.runtime import Runtime

TARGET_OF = {
    "audit_postgres": "postgres",
    "audit_postgres_connect": "postgres",
    "audit_pgbouncer": "pgbouncer",
    "audit_redis": "redis",
    "audit_http": "http",
    "audit_identity": "http",
    "audit_endpoints": "http",
    "audit_prometheus": "prometheus",
}
"""Fixture -> the target that it can't do without."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One check of the plan."""

    check: Check
    obstacles: tuple[str, ...]
    """Why it could not run as things stand; empty when nothing is known against it."""


@dataclass(slots=True)
class Capture:
    """A pytest plugin that takes the plan from a collection."""

    entries: list[Entry] = field(default_factory=list)
    uncovered: list[tuple[str, str, int]] = field(default_factory=list)
    pending: int = 0

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Read the plan, and what each check asks for."""
        from pytest_backend_audit.collect import PLAN  # noqa: PLC0415 - heavy
        from pytest_backend_audit.runtime import runtime  # noqa: PLC0415 - heavy

        audit, collected = runtime(session.config), session.config.stash[PLAN]
        fixtures: dict[str, set[str]] = {}
        for item in session.items:
            for check in collected.plan.of_node[item.nodeid]:
                fixtures.setdefault(check, set()).update(getattr(item, "fixturenames", ()))
        chosen = [c for c in collected.plan.checks if c.id in collected.selected]
        self.entries = [Entry(c, tuple(_obstacles(c, fixtures.get(c.id, set()), audit))) for c in chosen]
        if audit.standard_loaded:
            addressed = {(c.dimension, c.criterion) for c in chosen}
            rows = [r for r in audit.standard.rows if (r.dimension, r.criterion) not in addressed]
            self.uncovered = [r.key for r in rows]


def _obstacles(check: Check, fixtures: set[str], audit: Runtime) -> list[str]:
    found = [f"needs {n}: add --audit-allow={n}" for n in check.needs if n not in audit.allowed]
    targets = dict.fromkeys(TARGET_OF[f] for f in sorted(fixtures) if f in TARGET_OF)
    for target in targets:
        if audit.config is None:
            found.append(f"targets.{target}: there is no audit.yaml")
        elif audit.config.target(target) is None:
            found.append(audit.config.why_no_target(target))
    return found


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("plan", help="rows, checks, needs and what could not run, without running")
    parser.add_argument("paths", nargs="*", help="paths of checks; default: audit_paths")
    parser.add_argument("--allow", default="", metavar="LIST", help="as for pytest's --audit-allow")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the plan of the audit that pytest would run here."""
    capture = Capture()
    arguments = ["--audit", "--collect-only", "-q", "-p", "no:cacheprovider", *args.paths]
    if args.allow:
        arguments.append(f"--audit-allow={args.allow}")
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        status = pytest.main(arguments, plugins=[capture])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        return fail(quiet.getvalue().strip().removeprefix("ERROR: "))
    if args.json:
        sys.stdout.write(json.dumps(_data(capture), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(_lines(capture)) + "\n")
    return 0


def _data(capture: Capture) -> dict[str, Any]:
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
        "uncovered": [{"dimension": d, "criterion": c, "level": n} for d, c, n in capture.uncovered],
    }


def _lines(capture: Capture) -> Sequence[str]:
    lines: list[str] = []
    rows = [
        (
            e.check.dimension,
            f"L{e.check.level}",
            e.check.ladder.rpartition("::")[2],
            "could not run: " + "; ".join(e.obstacles) if e.obstacles else ", ".join(e.check.needs) or "reads",
        )
        for e in capture.entries
    ]
    lines.extend(columns(rows, width=80))
    ready = sum(not e.obstacles for e in capture.entries)
    lines.append("")
    lines.append(f"{len(capture.entries)} checks, {ready} with nothing known against them.")
    if capture.uncovered:
        lines.append(f"{len(capture.uncovered)} rows of the standard have no check here: could not run.")
    return lines
