"""An audit's statements against the same ones, typed one by one into psql and redis-cli."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from benchmarks.paired import Pairs, paired
from pytest_backend_audit.demo import repository
from pytest_backend_audit.demo.stack.addresses import absent_variables
from pytest_backend_audit.demo.stack.service import Source
from pytest_backend_audit.demo.stack.stack import Stack
from pytest_backend_audit.journal import read_run
from pytest_backend_audit.model import Attempt, Evidence

DIMENSIONS = ("4.1", "4.2", "4.3")
"""Those whose bundled checks ask Postgres, PgBouncer and Redis, and nobody else."""


def compare(runs: int) -> Pairs:
    """Seconds of the checks of `DIMENSIONS` on the demo's stack, and of their statements by hand.

    A: from the first check's start to the last's end, without the windows in which a check waits for traffic; with
    loading the drivers, connecting, the look at the role's rights, and judging. B: one psql for each statement that
    Postgres or PgBouncer was asked outside of windows, one redis-cli for each command of Redis.

    Raises:
        RuntimeError: psql or redis-cli is missing or fails, or the audit does.
    """
    psql, redis_cli = _tool("psql", "postgresql-client"), _tool("redis-cli", "redis-tools")
    with tempfile.TemporaryDirectory() as folder:
        made = repository.make(Path(folder).resolve() / "orders-service", absent=absent_variables())
        with Stack.start(source=Source(repository.PACKAGE, made.path, made.commit)) as stack:
            env = {**os.environ, **stack.environment(), "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": ""}
            run = Path(folder) / "run"
            clients = {
                "postgres": [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", stack.dsn],
                "pgbouncer": [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", stack.pgbouncer_dsn or ""],
                "redis": [redis_cli, "--no-auth-warning", "-u", stack.redis_url],
            }
            commands: list[list[str]] = []

            def audit() -> float:
                shutil.rmtree(run, ignore_errors=True)
                attempts = _audited(made.path, run, env)
                commands[:] = [
                    [*clients[piece.target.partition(" ")[0]], *_typed(piece)] for piece in _outside_windows(attempts)
                ]
                return _seconds(attempts)

            def by_hand() -> float:
                begun = time.perf_counter()
                for command in commands:
                    _run(command, made.path, env)
                return time.perf_counter() - begun

            return paired(audit, by_hand, runs)


def _audited(project: Path, run: Path, env: dict[str, str]) -> Sequence[Attempt]:
    chosen = [f"--audit-dimension={d}" for d in DIMENSIONS]
    _run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--audit", f"--audit-report={run}", *chosen],
        project,
        env,
    )
    return read_run(run).attempts


def _seconds(attempts: Sequence[Attempt]) -> float:
    """From the first start to the last end, less the windows; checks that share one name it alike."""
    begun = [datetime.fromisoformat(a.started).timestamp() for a in attempts]
    ends = [start + a.duration for start, a in zip(begun, attempts, strict=True)]
    return max(ends) - min(begun) - sum(last - first for first, last in _windows(attempts))


def _windows(attempts: Sequence[Attempt]) -> set[tuple[float, float]]:
    """First and last second of each; what a window showed is recorded at its end, and is of no target."""
    pieces = [piece for attempt in attempts for piece in attempt.evidence if not piece.target]
    return {(_at(piece) - (piece.duration or 0), _at(piece)) for piece in pieces}


def _outside_windows(attempts: Sequence[Attempt]) -> list[Evidence]:
    windows = _windows(attempts)
    pieces = [piece for attempt in attempts for piece in attempt.evidence if piece.target]
    return [p for p in pieces if not any(first <= _at(p) <= last for first, last in windows)]


def _at(piece: Evidence) -> float:
    return datetime.fromisoformat(piece.taken_at).timestamp()


def _typed(piece: Evidence) -> list[str]:
    """What follows the client's own arguments."""
    return piece.title.split() if piece.target.startswith("redis ") else ["-c", piece.title]


def _run(command: Sequence[str], folder: Path, env: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    # redis-cli ends with 0 after an error, too.
    if done.returncode or done.stdout.startswith(("ERR", "NOPERM", "NOAUTH")):
        raise RuntimeError(f"{command[0]} exited with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr}")


def _tool(name: str, package: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise RuntimeError(f"{name} is missing; on Debian: apt install {package}")
    return path
