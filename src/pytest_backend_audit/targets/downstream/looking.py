"""What can be said of the listener without a check that asks for it, for `backend-audit doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.targets.common import origin_of
from pytest_backend_audit.targets.downstream.listener import Listener, Reply

if TYPE_CHECKING:
    from pytest_backend_audit.config.targets import Downstream
    from pytest_backend_audit.runtime import Runtime


def look(runtime: Runtime, settings: Downstream) -> str:
    """Bind the listener's address once, and say where the service would find it.

    Raises:
        CouldNotRun: It can't be bound.
    """
    if settings.listen is None:
        return f"in the place of {settings.dependency}"
    host, _, port = settings.listen.rpartition(":")
    try:
        with Listener(host.strip("[]"), int(port), Reply()):
            return f"can listen at {settings.listen}"
    except OSError as error:
        raise CouldNotRun(
            f"targets.downstream: can't listen at {settings.listen}: {error.strerror or error} "
            f"({origin_of(runtime, 'targets', 'downstream')})"
        ) from None
