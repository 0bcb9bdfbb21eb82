"""What every target needs: its settings, its place in audit.yaml, one-line reasons, connections kept for the run."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_backend_audit.config.examples import cure
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Need
from pytest_backend_audit.recorder import utc_now

if TYPE_CHECKING:
    from pytest_backend_audit.config.targets import Timeouts
    from pytest_backend_audit.recorder import Recorder
    from pytest_backend_audit.runtime import Runtime

T = TypeVar("T")

REASON_LIMIT = 400
"""Characters of what a driver or server says that a reason quotes."""


def settings_of(runtime: Runtime, name: str) -> Any:
    """What audit.yaml says of a target.

    Raises:
        CouldNotRun: It says nothing, or a variable that it needs is not set.
    """
    if runtime.config is None:
        raise CouldNotRun(f"targets.{name} is not configured (there is no audit.yaml; `backend-audit init` writes one)")
    settings = runtime.config.target(name)
    if settings is None:
        way_out = "" if name in runtime.config.unset else cure(f"targets.{name}")
        raise CouldNotRun(runtime.config.why_no_target(name) + way_out)
    return settings


def timeouts_of(runtime: Runtime) -> Timeouts:
    """The deadlines of audit.yaml, or their defaults."""
    if runtime.config is not None:
        return runtime.config.timeouts
    from pytest_backend_audit.config.targets import Timeouts  # noqa: PLC0415 - pydantic loads with it

    return Timeouts()


def origin_of(runtime: Runtime, *path: str | int) -> str:
    """``audit.yaml:LINE`` of a key that may stand inside the chosen environment.

    ``audit.yaml`` if it has no such key and nothing around it; empty without an audit.yaml.
    """
    config = runtime.config
    if config is None:
        return ""
    if config.file.environments and path[0] in config.raw["environments"][config.environment_name]:
        return config.origin(("environments", config.environment_name, *path))
    return config.origin(path)


def guarded(runtime: Runtime) -> bool:
    """Whether the environment is one where rights beyond reading are refused (prod, canary)."""
    return runtime.config is not None and runtime.config.environment_kind in {"prod", "canary"}


def require(runtime: Runtime, need: Need) -> None:
    """Refuse what the running check did not ask for, or was not allowed.

    Raises:
        CouldNotRun: The check's mark lacks the need, or ``--audit-allow`` does.
    """
    if runtime.checks and need not in runtime.needs:
        raise CouldNotRun(f'the check did not ask for it: its mark lacks needs=("{need}",)')
    if why := runtime.not_allowed(need):
        raise CouldNotRun(why)


def one_line(text: object, limit: int = REASON_LIMIT) -> str:
    """A driver's or server's words as one printable line: control and direction marks become spaces."""
    clean = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in str(text)[: 4 * limit])
    line = " ".join(clean.split())
    return line if len(line) <= limit else line[: limit - 3] + "..."


@dataclass(slots=True)
class Unreachable:
    """Why a target could not be reached, and since when we know."""

    reason: str
    since: str


@dataclass(slots=True)
class Connections:
    """Connections of this process, kept between checks; a dead target costs its timeout once a run."""

    recorder: Recorder
    open: dict[str, Any] = field(default_factory=dict)
    dead: dict[str, Unreachable] = field(default_factory=dict)

    def get(self, name: str, connect: Callable[[], T], healthy: Callable[[T], bool]) -> T:
        """The kept connection when it is healthy, else a new one.

        Raises:
            CouldNotRun: It could not be opened, now or earlier in the run.
        """
        kept: T | None = self.open.get(name)
        if kept is not None:
            if healthy(kept):
                return kept
            self.drop(name)
        if name in self.dead:
            known = self.dead[name]
            raise CouldNotRun(f"{known.reason} (first seen {known.since}, not tried again)")
        try:
            made = connect()
        except CouldNotRun as error:
            # While a fault of ours is on, being away is what it is about, and soon over.
            if not self.recorder.faults_on:
                self.dead[name] = Unreachable(str(error), utc_now())
            raise
        self.open[name] = made
        return made

    def drop(self, name: str) -> None:
        """Close and forget a connection."""
        kept = self.open.pop(name, None)
        if kept is not None:
            with suppress(Exception):
                kept.close()

    def close(self) -> None:
        """Close all of them, at the end of the process's part of the run."""
        for name in list(self.open):
            self.drop(name)


def connections(runtime: Runtime) -> Connections:
    """The connections of this process."""
    for closer in runtime.closers:
        if isinstance(closer, Connections):
            return closer
    made = Connections(runtime.recorder)
    runtime.closers.append(made)
    return made
