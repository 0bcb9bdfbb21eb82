"""``backend-audit doctor``: reach every target and look for every tool, before an audit finds them missing."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.cli.output import columns, fail

if TYPE_CHECKING:
    from pytest_backend_audit.runtime import Runtime

CLOCK_TOLERANCE = 5.0
"""Seconds that a server's clock may differ from ours before it is worth a word: more than any round trip."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one question."""

    subject: str
    state: str
    """``ok``, ``warning`` or ``could not run``."""
    says: str


@dataclass(slots=True)
class Examination:
    """A pytest plugin that looks around once the audit's configuration is known."""

    answers: list[Answer] = field(default_factory=list)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Ask everything."""
        from pytest_backend_audit.runtime import runtime  # noqa: PLC0415 - heavy

        audit = runtime(session.config)
        self.answers.extend(_targets(session.config, audit))
        self.answers.extend(
            Answer(
                place,
                "warning",
                "its secret is shorter than 8 characters, or an ordinary word: it can't be hidden "
                "everywhere; use a longer one",
            )
            for place in audit.redactor.weak_places
        )
        self.answers.extend(_tools(audit))


def _targets(config: pytest.Config, audit: Runtime) -> Iterator[Answer]:
    from pytest_backend_audit.errors import CouldNotRun  # noqa: PLC0415 - heavy
    from pytest_backend_audit.targets import TARGETS, open_target  # noqa: PLC0415 - heavy

    if audit.config is None:
        yield Answer("audit.yaml", "could not run", "there is none; `backend-audit init` writes one")
        return
    for name in dict.fromkeys([*TARGETS, *audit.config.targets]):
        if audit.config.target(name) is None and name not in audit.config.unset:
            yield Answer(name, "could not run", audit.config.why_no_target(name))
            continue
        try:
            handle = open_target(config, name)
            says, worry = PROBES.get(name, _reached)(handle)
        except CouldNotRun as error:
            yield Answer(name, "could not run", str(error))
            continue
        except Exception as error:  # noqa: BLE001 - whatever a driver raises is the answer
            yield Answer(
                name, "could not run", audit.redactor.redact(f"{type(error).__name__}: {error}".split("\n")[0])
            )
            continue
        yield Answer(name, "warning" if worry else "ok", "; ".join(filter(None, [says, worry])))


def _postgres(connection: Any) -> tuple[str, str]:
    row = connection.execute(
        "select current_setting('server_version'), current_user, "
        "(select rolsuper from pg_roles where rolname = current_user), "
        "pg_has_role('pg_monitor', 'member'), clock_timestamp(), "
        "exists (select from pg_extension where extname = 'pg_stat_statements')"
    ).fetchone()
    version, role, superuser, monitor, now, statements = row
    worries = [_clock(now)]
    if superuser:
        worries.append("superuser: refused in prod and canary; `backend-audit init` writes a monitoring role")
    if not monitor:
        worries.append("not a member of pg_monitor: other sessions' statements are hidden")
    if not statements:
        worries.append("pg_stat_statements is not installed in this database")
    return f"PostgreSQL {version} as {role}", "; ".join(filter(None, worries))


def _pgbouncer(connection: Any) -> tuple[str, str]:
    return str(connection.execute("SHOW VERSION").fetchone()[0]), ""


def _redis(client: Any) -> tuple[str, str]:
    info = client.info("server")
    name = info.get("server_name", "redis").capitalize()
    version = info.get(f"{name.lower()}_version", info.get("redis_version", "?"))
    return f"{name} {version} as {_text(client.acl_whoami())}", ""


def _http(client: Any) -> tuple[str, str]:
    answer = client.get("/")
    date = answer.headers.get("date")
    worry = ""
    if date:
        with contextlib.suppress(ValueError):
            worry = _clock(parsedate_to_datetime(date))
    return f"{answer.request.url.copy_with(path='/')} answers ({answer.status_code})", worry


def _reached(_handle: Any) -> tuple[str, str]:
    return "reached", ""


PROBES: dict[str, Callable[[Any], tuple[str, str]]] = {
    "postgres": _postgres,
    "replica": _postgres,
    "pgbouncer": _pgbouncer,
    "redis": _redis,
    "http": _http,
}
"""Target -> what to ask of it: what it says of itself, and what is worrying about that."""


def _clock(theirs: datetime) -> str:
    away = (theirs - datetime.now(UTC)).total_seconds()
    return f"its clock is {away:+.0f} s off ours" if abs(away) > CLOCK_TOLERANCE else ""


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _tools(audit: Runtime) -> Iterator[Answer]:
    for category, tools in audit.standard.tools.items():
        programs = [t for t in tools if t.replace("-", "").replace(".", "").isalnum() and t == t.lower()]
        found = [p for p in programs if shutil.which(p)]
        if found:
            yield Answer(category, "ok", ", ".join(found))
        elif programs:
            yield Answer(category, "could not run", f"none of {', '.join(programs)} is on the PATH")


def add_parser(subparsers: Any) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("doctor", help="reach every target and tool, and say what could not run")
    parser.add_argument("--env", metavar="NAME", help="which block of `environments` in audit.yaml")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what was found; 1 if a configured target could not be reached, else 0."""
    examination = Examination()
    arguments = ["--audit", "--collect-only", "-q", "-p", "no:cacheprovider"]
    if args.env:
        arguments.append(f"--audit-env={args.env}")
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        status = pytest.main(arguments, plugins=[examination])
    if status not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        return fail(quiet.getvalue().strip().removeprefix("ERROR: "))
    answers = examination.answers
    if args.json:
        sys.stdout.write(json.dumps([asdict(a) for a in answers], indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(columns([(a.subject, a.state, a.says) for a in answers], width=80)) + "\n")
    unreachable = [a for a in answers if a.state == "could not run" and "is not configured" not in a.says]
    return 1 if any(a.subject in PROBES for a in unreachable) else 0
