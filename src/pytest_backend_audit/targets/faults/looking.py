"""What a fault proxy tells of itself, for `backend-audit doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.common import origin_of
from pytest_backend_audit.targets.faults.api import Api
from pytest_backend_audit.targets.faults.keeper import ApiError, call
from pytest_backend_audit.targets.faults.proxy import VERSION

if TYPE_CHECKING:
    from pytest_backend_audit.config.targets import Faults
    from pytest_backend_audit.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Look:
    """A fault proxy, looked at."""

    program: str
    """Which proxy it is; empty where there is none, and only restarts are possible."""
    troubles: tuple[str, ...]
    """What is in the way of faults, one line a dependency."""
    dependencies: int


def look(runtime: Runtime, settings: Faults) -> Look:
    """Ask the proxy for its version, and for the proxy of each dependency.

    Raises:
        CouldNotRun: It can't be reached.
    """
    count = len(settings.dependencies)
    if settings.url is None:
        return Look("", (), count)
    api = Api(settings.url.rstrip("/"), origin_of(runtime, "targets", "faults"))
    try:
        told = call("GET", f"{api.url}/version")
    except ApiError as error:
        raise CouldNotRun(f"targets.faults: {error} ({api.origin})") from None
    troubles = []
    for name, dependency in settings.dependencies.items():
        try:
            found = api.get(dependency.proxy or name)
        except CouldNotRun as error:
            troubles.append(f"{name}: {str(error).removeprefix('targets.faults: ')}")
            continue
        if not found.enabled:
            troubles.append(f"{name}: its proxy is not enabled")
        if found.toxics:
            troubles.append(f"{name}: a fault is on: {', '.join(found.toxics)}")
    version = told.get("version", "?") if isinstance(told, dict) else told
    program = "backend-audit's own proxy" if version == VERSION else f"toxiproxy {version}"
    return Look(program, tuple(troubles), count)
