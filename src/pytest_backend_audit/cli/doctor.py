"""``backend-audit doctor``: reach every target and look for every tool, before an audit finds them missing."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from pytest_backend_audit.cli.collecting import Watcher, add_options, collect
from pytest_backend_audit.cli.output import WIDTH, columns, fail

if TYPE_CHECKING:
    from pytest_backend_audit.config import AuditConfig
    from pytest_backend_audit.runtime import Runtime

OK, WARNING, NOT = "ok", "warning", "could not run"
ABSENT = "not configured"
FIRST = 12
"""Width of the first column."""

PROGRAMS = {
    "Vegeta": "vegeta",
    "toxiproxy": "toxiproxy-server",
    "tc netem": "tc",
    "Chaos Mesh": "",
    "npm audit": "npm",
    "cargo audit": "cargo-audit",
    "nmap ssl-enum-ciphers": "nmap",
    "pg_stat_statements": "",
    "EXPLAIN (ANALYZE, BUFFERS)": "",
    "PgBouncer": "",
    "OpenTelemetry": "",
    "Prometheus": "",
}
"""Tool of the standard -> its program; empty for what is no program of this machine. Others are named as theirs is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one question."""

    kind: str
    """``configuration``, ``target``, ``identity``, ``secret`` or ``tool``."""
    subject: str
    state: str
    """``ok``, ``warning``, ``could not run`` or, of a target that audit.yaml does not name, ``not configured``."""
    says: str
    configured: bool = True
    """False for such a target: checks that ask for it could not run, and may be meant not to."""


@dataclass(slots=True, eq=False)
class Examination(Watcher):
    """Looks around once the audit's configuration is known; nothing is collected."""

    tell: Callable[[Answer], None] = lambda _: None
    """Told each answer as it comes: a target that does not answer takes its time."""
    answers: list[Answer] = field(default_factory=list)
    lost: OSError | None = None
    """Why an answer could not be told."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        """Ask everything, instead of collecting."""
        from pytest_backend_audit.runtime import runtime  # noqa: PLC0415 - heavy

        audit = runtime(session.config)
        for answer in _answers(session.config, audit):
            clean = Answer(**{**asdict(answer), "says": audit.redactor.redact(answer.says)})
            self.answers.append(clean)
            try:
                self.tell(clean)
            except OSError as error:  # pytest would take it for a fault of its own
                self.lost = error
                break
        self.done = True
        return True


def _answers(config: pytest.Config, audit: Runtime) -> Iterator[Answer]:
    from pytest_backend_audit.cli import probes  # noqa: PLC0415 - heavy

    if audit.config is None:
        yield Answer("configuration", "audit.yaml", NOT, "there is none here; `backend-audit init` writes one")
    else:
        name, kind = audit.config.environment_name, audit.config.environment_kind
        where = name if name == kind else f"{name} ({kind})"
        yield Answer("configuration", audit.config.name, OK, f"{audit.config.service or 'no service named'}, {where}")
        alive = True
        for answer in _targets(config, audit):
            alive = alive and (answer.subject != "http" or answer.state != NOT)
            yield answer
        for name, why in probes.identities(audit):
            yield Answer("identity", name, NOT, why)
        for kind, subject, why in probes.undeclared(audit) if alive else ():
            yield Answer(kind, subject, WARNING, why)
        # A service that is away would only take its time once more.
        if told := probes.build(audit) if alive else None:
            yield Answer("configuration", "build", WARNING if told[1] else OK, told[0] or told[1])
    for place in audit.redactor.weak_places:
        says = "shorter than 8 characters, or an ordinary word, so it can't be hidden everywhere: use a longer one"
        yield Answer("secret", place, WARNING, says)
    yield from _tools(audit)


def _targets(config: pytest.Config, audit: Runtime) -> Iterator[Answer]:
    from pytest_backend_audit.cli import probes  # noqa: PLC0415 - heavy
    from pytest_backend_audit.cli.wanted import wanted  # noqa: PLC0415 - heavy
    from pytest_backend_audit.targets import TARGETS, open_target  # noqa: PLC0415 - heavy

    assert audit.config is not None
    asked = wanted(audit)
    skipped: type[BaseException] = pytest.skip.Exception  # CouldNotRun, and what other plugins' factories raise
    unset = [name for name in audit.config.unset if "." not in name]
    for name in dict.fromkeys([*TARGETS, *audit.config.targets, *unset]):
        if audit.config.target(name) is None and name not in unset:
            yield Answer("target", name, ABSENT, _absent(name, asked.get(name, ()), audit.config), configured=False)
            continue
        if audit.config.target(name) is None:
            yield Answer("target", name, NOT, _less_place(audit.config.why_no_target(name), name))
            continue
        try:
            said, worries = probes.ask(name, open_target(config, name), audit)
        except (Exception, skipped) as error:  # noqa: BLE001 - whatever a driver raises is the answer
            yield Answer("target", name, NOT, _less_place(probes.reason(error, audit, name), name))
            continue
        yield Answer("target", name, WARNING if worries else OK, "; ".join([said, *worries]))


def _absent(name: str, dimensions: Sequence[str], config: AuditConfig) -> str:
    """Whether anybody misses a target that audit.yaml does not name, and how it would."""
    from pytest_backend_audit.config.examples import cure  # noqa: PLC0415 - heavy

    if not dimensions:
        return "no bundled check asks for it"
    return f"checks of {', '.join(dimensions)} could not run without it{cure(f'targets.{name}')} ({config.name})"


def _less_place(text: str, name: str) -> str:
    """A reason without the target's name, which stands beside it, and without what libpq says of any server."""
    text = text.removeprefix(f"targets.{name}").removeprefix(":").strip()
    text = text.replace(" Is the server running on that host and accepting TCP/IP connections?", "")
    return text.removeprefix("is ").removeprefix("connection failed: ")


def _tools(audit: Runtime) -> Iterator[Answer]:
    for category, tools in audit.standard.tools.items():
        programs = [p for t in tools if (p := PROGRAMS.get(t, t))]
        found = [p for p in programs if shutil.which(p)]
        if found:
            yield Answer("tool", category, OK, ", ".join(found))
        elif programs:
            says = f"install {programs[0]}" if len(programs) == 1 else f"install one of {', '.join(programs)}"
            yield Answer("tool", category, NOT, says)


def add_parser(subparsers: Any) -> None:
    """Add the command to those of ``backend-audit``."""
    parser = subparsers.add_parser(
        "doctor",
        help="reach every target and tool, and say what could not run",
        description="Reach every target of audit.yaml, and look for every tool of the standard: version, rights, "
        "clock, what would be could not run, and the cure. It reads only, inside the timeouts of audit.yaml.",
        epilog="Exit status: 0 every configured target was reached, 1 one was not or there is no audit.yaml, 2 usage.",
    )
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what was found, as it is found."""
    out = sys.stdout
    examination = Examination(tell=lambda _: None) if args.json else Examination(tell=lambda a: _print(a, out))
    try:
        collect(examination, args)
    except ValueError as error:
        return fail(str(error))
    if examination.lost:
        raise examination.lost
    answers = examination.answers
    if args.json:
        sys.stdout.write(json.dumps([asdict(a) for a in answers], indent=2) + "\n")
    lacking = [a for a in answers if a.state == NOT and a.kind in {"configuration", "target"} and a.configured]
    return 1 if lacking else 0


def _print(answer: Answer, out: TextIO) -> None:
    row = (answer.subject, answer.state, answer.says)
    if answer.kind in {"tool", "secret", "identity"}:
        row = (answer.kind, answer.state, f"{answer.subject}: {answer.says}")
    out.writelines(f"{line}\n" for line in columns([row], WIDTH, widths=(FIRST, len(ABSENT))))
    out.flush()
