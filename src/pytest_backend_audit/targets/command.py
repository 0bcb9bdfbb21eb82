"""Command lines as evidence: no shell, bounded in time and output, the tool's version beside the answer."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.targets.common import one_line, timeouts_of

if TYPE_CHECKING:
    from pytest_backend_audit.runtime import Runtime

OUTPUT_LIMIT = 16 * 1024 * 1024
"""Bytes that a tool may write before it is stopped."""
VERSION_SECONDS = 5.0


class Command:
    """Runs tools for a check: ``audit_command(["pip-audit", "--format", "json"])``."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __call__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        timeout: float | None = None,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        input: str | None = None,  # noqa: A002 - the name that subprocess.run has for it
    ) -> subprocess.CompletedProcess[str]:
        """Run a command line and record it.

        Args:
            argv: The program and its arguments; a program with a slash in it is a path.
            timeout: Seconds; by default timeouts.command of audit.yaml.
            cwd: By default the audited repository.
            env: Variables beside the present ones.
            input: Text for its standard input; none by default.

        Returns:
            Exit status, output and errors. A status other than 0 is for the check to judge.

        Raises:
            CouldNotRun: There is no such tool, it did not end in time, or it wrote too much.
        """
        words = [os.fspath(a) for a in argv]
        seconds = timeouts_of(self._runtime).command if timeout is None else timeout
        program = shutil.which(words[0])
        if program is None:
            raise CouldNotRun(f"{words[0]} is not installed, or not on PATH (`backend-audit doctor` lists the tools)")
        folder = self._runtime.repository if cwd is None else cwd
        begun = time.monotonic()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            status = _run([program, *words[1:]], _Surroundings(seconds, folder, env or {}, input or "", out, err))
            output, errors = _text(out), _text(err)
        facts: dict[str, str | int] = {"exit_code": status}
        if version := version_of(program):
            facts["version"] = version
        body = output if not errors else f"{output}\n[standard error]\n{errors}"
        self._runtime.recorder.record(
            EvidenceKind.OUTPUT,
            shlex.join(words),
            body,
            target="command",
            duration=time.monotonic() - begun,
            facts=facts,
        )
        return subprocess.CompletedProcess(words, status, output, errors)


@dataclass(frozen=True, slots=True)
class _Surroundings:
    seconds: float
    cwd: str | os.PathLike[str]
    env: Mapping[str, str]
    text: str
    out: IO[bytes]
    err: IO[bytes]


def _run(argv: Sequence[str], given: _Surroundings) -> int:
    # Files, not pipes: a grandchild that lives on would hold a pipe open for ever.
    name = os.path.basename(argv[0])  # noqa: PTH119 - a text is wanted, not a path
    with tempfile.TemporaryFile() as text:
        text.write(given.text.encode())
        text.seek(0)
        try:
            process = subprocess.Popen(
                argv,
                cwd=given.cwd,
                env={**os.environ, **given.env},
                stdin=text,
                stdout=given.out,
                stderr=given.err,
                start_new_session=True,
            )
        except OSError as error:
            raise CouldNotRun(f"{name} can't be run: {error.strerror}") from None
        try:
            trouble = _watch(process, given.seconds, (given.out, given.err))
        finally:
            if process.poll() is None:
                _stop(process)
    if trouble:
        raise CouldNotRun(f"{name} {trouble}")
    return process.returncode


def _watch(process: subprocess.Popen[bytes], seconds: float, files: Sequence[IO[bytes]]) -> str:
    end, pause = time.monotonic() + seconds, 0.005
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(pause, max(0.0, end - time.monotonic())))
            return ""
        if sum(os.fstat(f.fileno()).st_size for f in files) > OUTPUT_LIMIT:
            return f"wrote more than {OUTPUT_LIMIT // 2**20} MiB and was stopped"
        if time.monotonic() >= end:
            return f"did not end within {seconds:g} s and was stopped"
        pause = min(0.05, pause * 2)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
            return


@cache
def version_of(program: str) -> str:
    """What ``program --version`` says on its first line, or nothing.

    Args:
        program: Path of the program.
    """
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=VERSION_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    said = (done.stdout or done.stderr).decode("utf-8", "replace").strip().partition("\n")[0]
    return one_line(said, 80) if done.returncode == 0 else ""


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(OUTPUT_LIMIT).decode("utf-8", "replace")
