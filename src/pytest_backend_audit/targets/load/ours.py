"""Our own generator, in a process of its own."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_backend_audit.analysis.load import LoadResult, Sample
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.common import one_line
from pytest_backend_audit.targets.load.job import Job

PROGRAM = Path(__file__).with_name("generator.py")


class Generator:
    """The process; it ends when we do, since its standard input does."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(PROGRAM)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for us
        )
        assert self._process.stdin is not None
        self._process.stdin.write(_wire(job) + b"\n")
        self._process.stdin.flush()
        # Its complaints are read as they come, so that it never waits for us to do so.
        self._said: list[bytes] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def result(self, *, stop: bool) -> LoadResult:
        """Wait for its end, and read what it saw.

        Raises:
            CouldNotRun: It failed, or went on for too long.
        """
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        if stop:
            with contextlib.suppress(OSError):
                process.stdin.write(b"stop\n")
                process.stdin.flush()
        timer = threading.Timer(self._job.longest, process.kill)
        timer.start()
        try:
            told = process.stdout.read()
            status = process.wait()
        finally:
            timer.cancel()
        self._listener.join()
        if status != 0:
            said = one_line(b"".join(self._said)[-1000:].decode("utf-8", "replace"))
            why = said or f"it did not end within {self._job.longest:g} s"
            raise CouldNotRun(f"the load generator failed (status {status}): {why}")
        found = json.loads(told)
        samples = tuple(
            Sample(due, fired, sent, done, status, error, kind)
            for kind, due, fired, sent, done, status, error in found["samples"]
        )
        return LoadResult(self._job.method("our generator"), self._job.rate, samples, cut=found["cut"])

    def close(self) -> None:
        """End it, wherever it is."""
        process = self._process
        if process.poll() is None:
            process.kill()
        process.wait()
        self._listener.join()
        for stream in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        self._said.append(self._process.stderr.read())


@contextmanager
def start(job: Job) -> Iterator[Generator]:
    """Start it; it has ended when the block has."""
    running = Generator(job)
    try:
        yield running
    finally:
        running.close()


def _wire(job: Job) -> bytes:
    return json.dumps(
        {
            "rate": job.rate,
            "count": job.count,
            "timeout": job.timeout,
            "connections": job.connections,
            "ca": job.ca_file,
            "pattern": job.pattern,
            "requests": [
                {
                    "method": r.method,
                    "target": r.target,
                    "host": r.host.strip("[]"),
                    "port": r.port,
                    "tls": r.tls,
                    "headers": r.headers,
                    "body": base64.b64encode(r.body).decode(),
                }
                for r in job.requests
            ],
        }
    ).encode()
