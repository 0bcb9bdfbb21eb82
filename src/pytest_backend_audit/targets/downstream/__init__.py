"""A listener of the audit's own, in the place of something that the service calls: arrivals, connections, headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind
from pytest_backend_audit.targets.common import origin_of, settings_of
from pytest_backend_audit.targets.downstream.listener import Heard, Listener, Place, Reply
from pytest_backend_audit.targets.faults import Faults

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_backend_audit.config.targets import Downstream as Settings
    from pytest_backend_audit.runtime import Runtime
    from pytest_backend_audit.targets.faults.probe import Probe

REACHED = 2.0
"""Seconds in which the audit's own question has to come to its listener."""


class Downstream:
    """Listens for a block: ``with audit_downstream() as heard: ...``, then ``heard.arrivals``, ``heard.connections``.

    audit.yaml says where the service reaches it: at an address of its own, or through the fault proxy of a dependency,
    which is led to the listener meanwhile (then the check needs faults).
    """

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self._runtime = runtime
        self._faults = Faults(runtime, folder)

    @contextmanager
    def __call__(self, *, status: int | None = None, body: str = "", delay: float = 0.0) -> Iterator[Heard]:
        """Listen, and record what came.

        Args:
            status: Answer so, instead of handing requests on. With nowhere to hand them on to, 200 if not given.
            body: JSON text of that answer.
            delay: Seconds that each answer is held back.

        Raises:
            CouldNotRun: It is not configured, can't listen, or the service can't be led to it.
        """
        settings: Settings = settings_of(self._runtime, "downstream")
        onward = _place(settings.forward) if settings.forward else None
        listener = self._listener(settings, Reply(onward, status, body, delay))
        with listener:
            if settings.dependency is None:
                yield listener.heard
            else:
                with self._faults.rerouted(settings.dependency, self._lead(listener)):
                    yield listener.heard
        heard = listener.heard
        self._runtime.recorder.record(
            EvidenceKind.OUTPUT,
            f"what came to the audit's listener at {heard.address}",
            "\n".join(heard.lines()),
            target="downstream",
            facts={"requests": heard.requests, "connections": heard.connections},
        )

    def _listener(self, settings: Settings, reply: Reply) -> Listener:
        host, _, port = (settings.listen or "127.0.0.1:0").rpartition(":")
        try:
            return Listener(host.strip("[]"), int(port), reply)
        except OSError as error:
            raise CouldNotRun(
                f"targets.downstream: can't listen at {settings.listen}: {error.strerror or error} "
                f"({origin_of(self._runtime, 'targets', 'downstream')})"
            ) from None

    @staticmethod
    def _lead(listener: Listener) -> Callable[[str, Probe], tuple[str, Callable[[], str]]]:
        def lead(upstream: str, probe: Probe) -> tuple[str, Callable[[], str]]:
            if listener.reply.forward is None:
                listener.reply = replace(listener.reply, forward=_place(f"http://{upstream}"))

            def see() -> str:
                before = listener.heard.probes
                probe.ask(REACHED)
                return "the audit's own question came to its listener" if listener.heard.probes > before else ""

            return listener.heard.address, see

        return lead


def _place(url: str) -> Place:
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    return Place(parts.hostname or "", parts.port or (443 if tls else 80), tls, parts.path.rstrip("/"))
