"""``backend-audit init``: look at the repository, and write what an audit of it needs."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.cli.output import fail

if TYPE_CHECKING:
    from pytest_backend_audit.scaffold.configured import Configured
    from pytest_backend_audit.scaffold.files import Written
    from pytest_backend_audit.scaffold.survey import Survey
    from pytest_backend_audit.standard.model import Standard

NO_GIT = "no git    this folder is in no git repository, which formal audits and checks of the source need: git init"

_NOW = {"lead_auditor": "", "targets": ""}
"""Keys of audit.yaml that an audit wants -> a remark."""
_FILING = {
    "second_reviewer": "",
    "distribution": "",
    "prior_audit": " (none for the first)",
    "runbook": "",
    "incidents": " ([] for none)",
    "owners": "",
}
"""Likewise those that a filing wants besides."""


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "init",
        help="write audit.yaml, an example check and the rights it needs",
        description="Look at the repository and write audit.yaml, an example check, the SQL of the monitoring role, "
        "the Redis ACL line, and lines of .gitignore and .gitattributes. Existing files are left as they are, and "
        "beside an audit.yaml that exists no example check is written; nothing is reached.",
        epilog="Exit status: 0 fine, 2 usage, or a file that can't be written.",
    )
    parser.add_argument("directory", nargs="?", default=".", help="top of the repository (default: here)")
    parser.add_argument("--ci", choices=["github", "gitlab"], help="write a workflow for it as well")
    parser.add_argument(
        "--sought",
        metavar="4.x=LEVEL",
        action="append",
        default=[],
        help="highest level sought in a dimension, such as 4.6=4; repeatable; asked for on a terminal",
    )
    parser.add_argument("--yes", action="store_true", help="ask nothing; level 5 is sought where --sought says no less")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the files and say what became of each."""
    from pytest_backend_audit import standard  # noqa: PLC0415 - heavy
    from pytest_backend_audit.document import find_repository  # noqa: PLC0415 - heavy
    from pytest_backend_audit.scaffold import configured, files, survey  # noqa: PLC0415 - heavy

    top = Path(args.directory)
    if not top.is_dir():
        return fail(f"{args.directory} is not a folder")
    loaded = standard.load("default")
    try:
        sought = _sought(args.sought, loaded)
    except ValueError as error:
        return fail(str(error))
    found = survey.look(top)
    asking = sys.stdin.isatty() and sys.stdout.isatty() and not args.yes and not args.sought
    try:
        if asking and not (top / "audit.yaml").exists():
            sought = _asked(loaded)
        repository = find_repository(top)
        known = configured.read(top / "audit.yaml") or configured.Configured(variables=tuple(files.variables(found)))
        seeks = {d: n for d, n in sought.items() if n < 5}
        done = files.write_all(top, found, seeks, args.ci, configured=known, repository=repository)
    except EOFError:
        return fail("no answer; say --yes to be asked nothing")
    except OSError as error:
        return fail(f"{error.filename or top} can't be written: {error.strerror}")
    told = _told(found, done, args.ci, known)
    if repository is None:
        told.insert(0, NO_GIT)
    sys.stdout.write("\n".join(told) + "\n")
    return 0


def _sought(given: Sequence[str], standard: Standard) -> dict[str, int]:
    known = [d.id for d in standard.dimensions]
    sought: dict[str, int] = {}
    for text in given:
        dimension, _, level = text.partition("=")
        if dimension not in known:
            raise ValueError(f"--sought {text}: no dimension {dimension!r}; allowed are {', '.join(known)}")
        if level not in {"1", "2", "3", "4", "5"}:
            raise ValueError(f"--sought {text}: found level {level!r}; allowed are 1 to 5, as in {dimension}=4")
        sought[dimension] = int(level)
    return sought


def _asked(standard: Standard) -> dict[str, int]:
    sys.stdout.write(
        "Which level do you seek? Level 5 asks for chaos drills, governed alerts and the like; a lower level that is\n"
        "sought in the open leaves out the checks above it, and is the highest that the dimension can reach.\n"
    )
    sought: dict[str, int] = {}
    for dimension in standard.dimensions:
        while True:
            answer = input(f"  {dimension.id} {dimension.name}, 1 to 5 [5]: ").strip() or "5"
            if answer in {"1", "2", "3", "4", "5"}:
                break
        sought[dimension.id] = int(answer)
    return sought


def _to_fill_in(known: Configured) -> list[str]:
    """The step that says what audit.yaml does not state yet; none where it states all."""

    def named(keys: Mapping[str, str]) -> str:
        return ", ".join(f"{key}{remark}" for key, remark in keys.items() if key not in known.stated)

    now, filing = named(_NOW), named(_FILING)
    wanted = f"what `backend-audit file` will want: {filing}" if filing else ""
    told = ", and ".join(part for part in (now, wanted) if part)
    return [f"fill in audit.yaml: {told}"] if told else []


def _told(found: Survey, done: Sequence[Written], ci: str | None, known: Configured) -> list[str]:
    from pytest_backend_audit.scaffold import files  # noqa: PLC0415 - heavy

    lines = [f"found     {line}" for line in found.seen] or ["found     nothing that tells of the service's systems"]
    for written in done:
        if written.what == "by hand":
            lines.append(f"by hand   {written.name}: add this yourself")
            lines.extend(f"            {line}" for line in written.remark.splitlines())
        else:
            said = written.remark or ("it exists" if written.what == "left" else "")
            lines.append(f"{written.what:<9} {written.name}" + (f" ({said})" if said else ""))
    # An audit.yaml that was there may have another name for the service.
    filed = files.filed_in(found.service) if any(w.name == "audit.yaml" and w.what == "wrote" for w in done) else ""
    steps = [
        *_to_fill_in(known),
        f"mention {filed or 'audits/<service>/'} in the runbook: that is where `backend-audit file` puts scorecards",
    ]
    if "postgres" in found.systems:
        steps.append("make the monitoring role: the first lines of audits/monitoring-role.sql say how")
    if "redis" in found.systems:
        steps.append("make the Redis user: the first lines of audits/redis.acl say how")
    if known.variables:
        steps.append(f"set {', '.join(known.variables)} in the environment")
    asked = f" {shlex.quote(f'--audit-env={known.environment}')}" if known.environment else ""
    steps += [f"backend-audit doctor{asked}", f"pytest --audit{asked}", f"commit, then pytest --audit-sha=HEAD{asked}"]
    if ci is None and found.ci:
        steps.append(f"backend-audit init --ci {found.ci[0]}")
    elif ci is not None and known.variables:
        steps.append(f"give CI the secrets {', '.join(known.variables)}")
    return [*lines, "", "next", *(f"  {n}. {step}" for n, step in enumerate(steps, start=1))]
