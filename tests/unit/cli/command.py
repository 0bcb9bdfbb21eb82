"""``backend-audit`` in a process of its own, as a shell starts it: no terminal, real pipes, a real exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = [sys.executable, "-c", "import sys; from pytest_backend_audit.cli import main; sys.exit(main())"]


def without_reader(*arguments: str, cwd: Path) -> tuple[int, bytes]:
    """Exit status and standard error of a command whose output nobody reads, from its first line on."""
    program = subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert program.stdout is not None
    assert program.stderr is not None
    program.stdout.close()
    complaint = program.stderr.read()
    program.stderr.close()
    return program.wait(60), complaint


def backend_audit(
    *arguments: str, cwd: Path, unset: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run one command.

    Args:
        arguments: Of the command line.
        cwd: Where.
        unset: Environment variables to take away.
        environment: Environment variables to add.
    """
    # pytest's own variables would make the inner pytest believe that it runs inside a test.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_") and k not in unset}
    return subprocess.run(
        [*PROGRAM, *arguments],
        cwd=cwd,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
