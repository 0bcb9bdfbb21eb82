"""An audit's passive checks against the same commands, typed one by one into psql, redis-cli and curl."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks import asleep
from benchmarks.paired import Pairs, paired
from pytest_backend_audit.demo import repository
from pytest_backend_audit.demo.stack.addresses import absent_variables
from pytest_backend_audit.demo.stack.service import Source
from pytest_backend_audit.demo.stack.stack import Stack
from pytest_backend_audit.journal import read_run
from pytest_backend_audit.model import Attempt, Evidence

DIMENSIONS = ("4.1", "4.2", "4.3")
_ROOT = Path(__file__).resolve().parents[1]
_NOT_SAID = re.compile(r"%s|%\(\w+\)s|%b|(?<!\w)\?(?!\w)")
"""What evidence shows of a statement's parameters and literals: nothing."""


@dataclass(frozen=True)
class Typed:
    """A command for a terminal, and what is typed into it."""

    arguments: tuple[str, ...]
    given: str = ""


def compare(runs: int) -> tuple[Pairs, int]:
    """Seconds of the passive checks of `DIMENSIONS` on the demo's stack, and of the same commands by hand.

    A: from the first check's start to the last's end, without the time in which it slept to let traffic pass; with
    loading the drivers, connecting, the look at the role's rights, the readings that it takes before and after such a
    time, and judging. B: a psql for each statement that Postgres or PgBouncer was asked, a redis-cli for each command
    of Redis or pipeline, a curl for each request and for all of the same in a row, and each other command once more.

    Returns:
        The pairs, and how many commands were typed.

    Raises:
        RuntimeError: A client is missing or fails, or the audit does.
    """
    tools = {
        name: _tool(name, package)
        for name, package in (("psql", "postgresql-client"), ("redis-cli", "redis-tools"), ("curl", "curl"))
    }
    with tempfile.TemporaryDirectory() as folder:
        made = repository.make(Path(folder).resolve() / "orders-service", absent=absent_variables())
        with Stack.start(source=Source(repository.PACKAGE, made.path, made.commit)) as stack:
            env = {**os.environ, **stack.environment(), "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(_ROOT)}
            run, slept = Path(folder) / "run", Path(folder) / "slept"
            env[asleep.FILE] = str(slept)
            psql = (tools["psql"], "-X", "-q")
            clients = {
                "postgres": (*psql, "-d", stack.dsn),
                "pgbouncer": (*psql, "-d", stack.pgbouncer_dsn or ""),
                "redis": (tools["redis-cli"], "--no-auth-warning", "-u", stack.redis_url),
                "http": (tools["curl"], "-s"),
                "git": ("git", "--no-pager"),
            }
            commands: list[Typed] = []

            def audit() -> float:
                shutil.rmtree(run, ignore_errors=True)
                attempts = _audited(made.path, run, env)
                commands[:] = _commands([piece for a in attempts for piece in a.evidence], clients)
                return _seconds(attempts) - float(slept.read_text("utf-8"))

            def by_hand() -> float:
                begun = time.perf_counter()
                for command in commands:
                    _type(command, made.path, env)
                return time.perf_counter() - begun

            return paired(audit, by_hand, runs), len(commands)


def _audited(project: Path, run: Path, env: dict[str, str]) -> Sequence[Attempt]:
    chosen = [f"--audit-dimension={d}" for d in DIMENSIONS]
    plugins = ["-p", "no:cacheprovider", "-p", "benchmarks.asleep"]
    _run([sys.executable, "-m", "pytest", "-q", *plugins, "--audit", f"--audit-report={run}", *chosen], project, env)
    return read_run(run).attempts


def _seconds(attempts: Sequence[Attempt]) -> float:
    begun = [datetime.fromisoformat(a.started).timestamp() for a in attempts]
    return max(start + a.duration for start, a in zip(begun, attempts, strict=True)) - min(begun)


def _commands(pieces: Sequence[Evidence], clients: dict[str, tuple[str, ...]]) -> list[Typed]:
    """What gives the same to somebody at a terminal; what was concluded from it, or read from a file, is left out."""
    typed: list[Typed] = []
    session: list[str] = []
    last = ""
    for piece in pieces:
        kind, _, address = piece.target.partition(" ")
        title = " ".join(piece.title.split())
        if kind == "postgres" and address:
            session.append(_NOT_SAID.sub("NULL", title))
            # What prepares a statement, and runs it, is one session.
            if not session[0].startswith("PREPARE ") or title.startswith("DEALLOCATE "):
                statements = [argument for statement in session for argument in ("-c", statement)]
                typed.append(Typed((*clients["postgres"], *statements)))
                session = []
        elif kind == "pgbouncer":
            typed.append(Typed((*clients["pgbouncer"], "-c", title)))
        elif kind == "redis":
            lines = [line.partition(": ")[0] for line in piece.body.splitlines()] if "pipeline" in title else [title]
            typed.append(Typed(clients["redis"], "\n".join(lines)))
        elif kind == "http":
            url = f"http://{address}{title.partition(' ')[2]}"
            if last == piece.target + title:
                typed[-1] = Typed((*typed[-1].arguments, "-o", os.devnull, url))
            else:
                typed.append(Typed((*clients["http"], "-o", os.devnull, url)))
        elif kind == "git" and title.startswith("grep "):
            typed.append(Typed((*clients["git"], "grep", "-F", title[5:].partition(" in ")[0].strip("'"))))
        elif kind == "command":
            typed.append(Typed(tuple(shlex.split(title))))
        last = piece.target + title
    return typed


def _type(command: Typed, folder: Path, env: dict[str, str]) -> None:
    """Run it; a statement may fail for want of a value that evidence leaves out, a client may not."""
    done = subprocess.run(
        command.arguments, cwd=folder, env=env, input=command.given, capture_output=True, text=True, check=False
    )
    # 1: psql of a statement that failed, git grep of nothing found; redis-cli of a server that is not there.
    may_be_1 = command.arguments[0].endswith(("psql", "git"))
    if done.returncode not in ({0, 1} if may_be_1 else {0}):
        raise RuntimeError(f"{command.arguments} exited with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr}")


def _run(command: Sequence[str], folder: Path, env: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} exited with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr}")


def _tool(name: str, package: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise RuntimeError(f"{name} is missing; on Debian: apt install {package}")
    return path
