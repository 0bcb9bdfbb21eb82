"""vegeta, where it is on the PATH: the same job, and its samples with latency from when each was due.

A dead port makes vegeta exit with 0, a success of 0 and a splendid p99: so its summary is never read, only its
samples, of which one with code 0 had no answer. What it measures begins when it got to the request; that is moved to
when the request was due.
"""

from __future__ import annotations

import base64
import csv
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_backend_audit.analysis.load import LoadResult, Sample
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.common import one_line
from pytest_backend_audit.targets.load.job import Job

_PER = 1_000
"""Seconds for which vegeta is told a number of requests, so that fractions of one a second can be asked for."""
_FAMILIAR = (
    ("connection refused", "connection refused"),
    ("connection reset", "connection reset"),
    ("Client.Timeout", "timed out"),
    ("EOF", "closed before an answer"),
)
"""What Go says -> what our generator says."""


def program() -> str | None:
    """Path of vegeta, or None."""
    return shutil.which("vegeta")


class Attack:
    """vegeta at work; it is bounded in time by itself."""

    def __init__(self, job: Job, binary: str, folder: Path) -> None:
        self._job = job
        self._binary = binary
        self._results = folder / "results.bin"
        self._errors = folder / "errors.txt"
        (folder / "targets.json").write_text(_target(job), "utf-8")
        options = [
            f"-rate={round(job.rate * _PER)}/{_PER}s",
            f"-duration={job.count / job.rate:.6f}s",
            f"-timeout={job.timeout:g}s",
            f"-max-workers={job.connections}",
            f"-max-connections={job.connections}",
            "-redirects=-1",
            "-http2=false",
            "-lazy=false",
            "-format=json",
            "-max-body=0",
            f"-targets={folder / 'targets.json'}",
            f"-output={self._results}",
        ]
        if job.ca_file:
            options.append(f"-root-certs={job.ca_file}")
        # Go would send the requests to the environment's proxy.
        environ = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [binary, "attack", *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environ,
                start_new_session=True,
            )

    def result(self, *, stop: bool) -> LoadResult:
        """Wait for its end, and read its samples.

        Raises:
            CouldNotRun: It failed, went on for too long, or left nothing.
        """
        if stop and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            status = self._process.wait(self._job.longest)
        except subprocess.TimeoutExpired:
            raise CouldNotRun(f"vegeta did not end within {self._job.longest:g} s") from None
        said = one_line(self._errors.read_bytes()[-1000:].decode("utf-8", "replace"))
        if status != 0:
            raise CouldNotRun(f"vegeta failed (status {status}): {said}")
        done = subprocess.run(
            [self._binary, "encode", "-to", "csv", self._results],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=60,
        )
        if done.returncode != 0 or not done.stdout:
            raise CouldNotRun(f"vegeta left no results: {one_line(done.stderr) or said}")
        samples = samples_of(done.stdout.splitlines(), self._job.rate)
        cut = max(0, self._job.count - len(samples))
        return LoadResult(self._job.method("vegeta"), self._job.rate, samples, cut=cut)

    def close(self) -> None:
        """End it, wherever it is."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


@contextmanager
def start(job: Job, binary: str) -> Iterator[Attack]:
    """Start it; it has ended when the block has."""
    with tempfile.TemporaryDirectory(prefix="backend-audit-load-") as folder:
        running = Attack(job, binary, Path(folder))  # its folder is ours alone: the target holds credentials
        try:
            yield running
        finally:
            running.close()


def samples_of(lines: Iterable[str], rate: float) -> tuple[Sample, ...]:
    """The samples of ``vegeta encode -to csv``.

    Args:
        lines: Instant (ns), code, latency (ns), bytes out and in, error, body, attack, number, method, URL, headers.
        rate: Requests a second that were asked for.
    """
    rows = sorted((int(row[8]), int(row[0]), int(row[1]), int(row[2]), row[5]) for row in csv.reader(lines) if row)
    if not rows:
        return ()
    # The attack began when its first request was due, which nothing says: at the latest when that was sent. Of all
    # requests the one that was least late tells best.
    first = rows[0][1]  # instants in ns since 1970 are too long for a float
    begun = min(stamp - first - number / rate * 1e9 for number, stamp, *_ in rows)
    samples = []
    for number, stamp, code, latency, error in rows:
        due, sent = number / rate, (stamp - first - begun) / 1e9
        samples.append(Sample(due, sent, sent, sent + latency / 1e9, code, "" if code else _reason(error)))
    return tuple(samples)


def _reason(error: str) -> str:
    for words, ours in _FAMILIAR:
        if words in error:
            return ours
    # Addresses and ports differ from request to request, and would make each error one of its own.
    return re.sub(r"\d+\.\d+\.\d+\.\d+:\d+(->)?|\[[0-9a-f:]+\]:\d+(->)?", "", one_line(error)) or "no answer"


def _target(job: Job) -> str:
    [request] = job.requests
    headers: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name.lower() not in {"host", "content-length"}:
            headers.setdefault(name, []).append(value)
    target = {"method": request.method, "url": request.url, "header": headers}
    if request.body:
        target["body"] = base64.b64encode(request.body).decode()
    return json.dumps(target) + "\n"
