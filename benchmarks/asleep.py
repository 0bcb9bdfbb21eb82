"""A plugin of pytest's that adds up for how long a run sleeps: checks wait for traffic, and so would people.

``-p benchmarks.asleep``, with the file to write in the environment variable `FILE`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import SupportsIndex

FILE = "BENCHMARKS_ASLEEP"
_slept = 0.0
_sleep = time.sleep


def _counting(seconds: float | SupportsIndex) -> None:
    global _slept  # noqa: PLW0603 - a plugin's module is its state
    begun = time.perf_counter()
    _sleep(seconds)
    _slept += time.perf_counter() - begun


def pytest_configure() -> None:
    """Sleep through us."""
    time.sleep = _counting


def pytest_unconfigure() -> None:
    """Sleep as before, and tell."""
    time.sleep = _sleep
    Path(os.environ[FILE]).write_text(str(_slept), "utf-8")
