"""Timing two commands in turn, so that a machine whose speed drifts does not favour one."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pairs:
    """Seconds of A and B, run by run."""

    a: tuple[float, ...]
    b: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """A over B, pair by pair."""
        return [x / y for x, y in zip(self.a, self.b, strict=True)]

    def line(self) -> str:
        """Median, smallest and largest ratio, and the medians of both."""
        ratios = sorted(self.ratios)
        return (
            f"ratio {statistics.median(ratios):.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}), "
            f"A {statistics.median(self.a):.2f} s, B {statistics.median(self.b):.2f} s, {len(self.a)} pairs"
        )


def seconds(command: Sequence[str], folder: Path, stamp: Path | None = None, **environ: str) -> float:
    """Wall time of a command in `folder`; up to the moment that it wrote into `stamp`, if given.

    Raises:
        RuntimeError: The command failed.
    """
    env: Mapping[str, str] = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environ}
    start = time.time()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    end = float(stamp.read_text()) if stamp is not None else time.time()
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return end - start


def paired(run_a: object, run_b: object, runs: int) -> Pairs:
    """Run both once to warm up, then in turn."""
    assert callable(run_a)
    assert callable(run_b)
    run_a(), run_b()
    both = [(run_a(), run_b()) for _ in range(runs)]
    return Pairs(tuple(a for a, _ in both), tuple(b for _, b in both))


def peak_memory_mb(command: Sequence[str], folder: Path) -> tuple[float, float]:
    """Wall seconds, and peak resident memory in MB, of a command."""
    start = time.time()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}")
    scale = 1024 if resource.getpagesize() else 1
    return time.time() - start, usage.ru_maxrss / scale
