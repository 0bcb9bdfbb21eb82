"""What a run is to be, known before its tests are collected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_backend_audit.collect import Collected
from pytest_backend_audit.model import Inputs


@dataclass(frozen=True, slots=True)
class Plot:
    """A run that has not begun."""

    folder: Path
    """Report folder."""
    inputs: Callable[[Collected, tuple[str, ...], int], Inputs]
    """Completes the inputs, once the plan, all narrowing and the run's number are known."""
    claim: Callable[[], int]
    """Takes the report folder, moving an earlier run aside, and gives this run's number."""
    narrowing: tuple[str, ...] = ()
    gate_asked: bool = False
    """Whether a gate was asked for on the command line, where a narrowed run is a usage error."""
    gated: bool = False
    """Whether the run is held to a gate, wherever that was asked for."""
    head: tuple[str, ...] = ()
    at_end: Callable[[], str] = lambda: ""
    """Looks at the service's build once more; returns why the run is invalid, or an empty text."""
