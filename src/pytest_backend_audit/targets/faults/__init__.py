"""Faults that the audit sets: recorded before they are set, seen before they count, undone however the audit ends."""

from __future__ import annotations

import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind, Need
from pytest_backend_audit.targets.classify import answer_key
from pytest_backend_audit.targets.common import origin_of, require, settings_of
from pytest_backend_audit.targets.faults.api import Api
from pytest_backend_audit.targets.faults.direct import address_of, instance_of
from pytest_backend_audit.targets.faults.keeper import ApiError, Call, append, undo
from pytest_backend_audit.targets.faults.lease import Keeper
from pytest_backend_audit.targets.faults.probe import PROTOCOLS, Answer, Probe, Seen
from pytest_backend_audit.targets.faults.records import FILE

if TYPE_CHECKING:
    from pytest_backend_audit.config.targets import Dependency
    from pytest_backend_audit.runtime import Runtime

LEASE_LIMIT = 300.0
"""Longest lease: as long as a check may take."""
HEALTHY = 1.0
"""Seconds in which a dependency without a fault answers the audit's own question."""
SILENCE = 2.0
"""Seconds without an answer that show a hang: twice what a healthy dependency may take."""
BACK = 10.0
"""Seconds that a dependency may take to answer again after a fault was undone."""
DRAWS = 60
"""Connections that are tried to see a loss: with a tenth of them lost, one in five hundred runs would see none."""
SERVICE = "http"
"""Name of the target that is the audited service itself: no dependency, but it can be restarted."""
_PROTOCOL_OF = {"postgres": "postgres", "replica": "postgres", "pgbouncer": "postgres", "redis": "redis"}


@dataclass(slots=True)
class Fault:
    """One fault while it is on."""

    what: str
    """``latency of 5 s on redis``."""
    before: Seen
    """The dependency's answer without it."""
    seen: str = ""
    """What shows that it is on."""
    since: float = field(default_factory=time.monotonic)
    """When it was seen, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    api: Api
    proxy: str
    upstream: str
    probe: Probe


class Faults:
    """Sets faults on the way from the service to what it depends on: ``with audit_faults.latency("redis", 5): ...``.

    Each fault is recorded in ``faults.jsonl`` of the run before it is set, ends by itself when its lease is over or
    the audit is gone, and is seen on a connection of the audit's own before the block begins. Afterwards the
    dependency has to answer again.
    """

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self._runtime = runtime
        self._folder = folder
        """The run's, for the records."""

    @property
    def dependencies(self) -> tuple[str, ...]:
        """Names of what faults can be set on, as audit.yaml declares them.

        Raises:
            CouldNotRun: audit.yaml does not name any.
        """
        return tuple(settings_of(self._runtime, "faults").dependencies)

    @contextmanager
    def latency(self, dependency: str, seconds: float, *, lease: float | None = None) -> Iterator[Fault]:
        """Every answer of the dependency comes later.

        Args:
            dependency: Its name in targets.faults.dependencies.
            seconds: By how much.
            lease: Seconds after which the fault ends by itself; targets.faults.lease, if not given.

        Raises:
            CouldNotRun: It is not allowed, not declared, can't be set, or can't be seen.
        """
        place = self._place(dependency)
        toxic = _toxic("latency", {"latency": round(1000 * seconds), "jitter": 0}, "downstream")

        def see() -> str:
            found = place.probe.ask(2 * seconds + HEALTHY)
            late = found.answer is Answer.ANSWERED and found.seconds >= 0.95 * seconds
            return str(found) if late else ""

        with self._toxic(place, f"latency of {seconds:g} s on {dependency}", toxic, see, lease) as fault:
            yield fault

    @contextmanager
    def hang(self, dependency: str, *, lease: float | None = None) -> Iterator[Fault]:
        """Connections stand, new ones too, and nothing is ever answered.

        Args:
            dependency: As in `latency`.
            lease: As in `latency`.

        Raises:
            CouldNotRun: As in `latency`.
        """
        place = self._place(dependency)

        def see() -> str:
            found = place.probe.ask(SILENCE)
            return str(found) if found.answer is Answer.SILENT else ""

        toxic = _toxic("timeout", {"timeout": 0}, "upstream")
        with self._toxic(place, f"hang of {dependency}", toxic, see, lease) as fault:
            yield fault

    @contextmanager
    def loss(self, dependency: str, share: float, *, lease: float | None = None) -> Iterator[Fault]:
        """A share of connections is reset: those that stand now and new ones, each drawn once.

        Packets can't be lost from where a proxy stands; what a service sees of a bad network is late data (`latency`)
        and lost connections.

        Args:
            dependency: As in `latency`.
            share: Of connections, above 0 and at most 1.
            lease: As in `latency`.

        Raises:
            CouldNotRun: As in `latency`.
        """
        if not 0 < share <= 1:
            raise ValueError(f"a share of connections is above 0 and at most 1, not {share:g}")
        place = self._place(dependency)

        def see() -> str:
            lost = 0
            for tried in range(1, DRAWS + 1):
                lost += place.probe.ask(HEALTHY).answer is Answer.LOST
                if lost and (share == 1 or lost < tried):
                    return f"{lost} of {tried} connections lost"
            return ""

        toxic = _toxic("reset_peer", {"timeout": 0}, "downstream", share)
        with self._toxic(place, f"loss of {share:.0%} of connections to {dependency}", toxic, see, lease) as fault:
            yield fault

    @contextmanager
    def refuse(self, dependency: str, *, lease: float | None = None) -> Iterator[Fault]:
        """Connections are refused, and those that stood are ended.

        Args:
            dependency: As in `latency`.
            lease: As in `latency`.

        Raises:
            CouldNotRun: As in `latency`.
        """
        place = self._place(dependency)

        def see() -> str:
            found = place.probe.ask(HEALTHY)
            return str(found) if found.answer is Answer.REFUSED else ""

        on, off = place.api.enable(place.proxy, False), place.api.enable(place.proxy, True)
        what = f"refusal by {dependency}"
        with self._fault(place, what, lambda: place.api.do(on), back=[off], see=see, lease=self._lease(lease)) as fault:
            yield fault

    @contextmanager
    def restart(self, dependency: str, *, within: float = 60.0) -> Iterator[Fault]:
        """Restart the dependency, or with ``"http"`` the service itself, by the command that audit.yaml names.

        The block begins when a connection that stood has ended. At its end the command has ended well, and the
        dependency answers.

        Args:
            dependency: As in `latency`; ``"http"`` for the service (targets.http.restart).
            within: Seconds that the command may take, and the dependency to answer again.

        Raises:
            CouldNotRun: As in `latency`; there is no command; it failed; or nothing was seen of a restart.
        """
        from pytest_backend_audit.targets.faults.restarting import restarting  # noqa: PLC0415 - used here only

        command, probe = self._of_service() if dependency == SERVICE else self._restartable(dependency)
        what = f"restart of {'the service' if dependency == SERVICE else dependency}"
        before = self._healthy(probe, dependency)
        fault, id_ = Fault(what, before), secrets.token_hex(4)
        file = self._folder / FILE
        append(file, {"id": id_, "event": "setting", "what": f"{what} by {shlex.join(command)}", "undo": []})
        self._runtime.recorder.faults_on.add(id_)
        try:
            with restarting(command, probe, self._runtime.repository, within) as seen:
                fault.seen, fault.since = seen, time.monotonic()
                append(file, {"id": id_, "event": "seen", "seen": seen})
                with self._in_effect():
                    yield fault
            after = self._back(probe, dependency, within)
        finally:
            self._runtime.recorder.faults_on.discard(id_)
        append(file, {"id": id_, "event": "undone", "by": "the command"})
        self._record(fault, f"by {shlex.join(command)}", after)

    @contextmanager
    def rerouted(self, dependency: str, lead: Callable[[str, Probe], tuple[str, Callable[[], str]]]) -> Iterator[Fault]:
        """Lead the dependency's connections elsewhere; those that stand are ended. What `audit_downstream` uses.

        Args:
            dependency: As in `latency`.
            lead: Told where they went (``host:port``) and how the audit gets there, it gives where they are to go, and
                what sees that they do.

        Raises:
            CouldNotRun: As in `latency`.
        """
        place = self._place(dependency)
        there, see = lead(place.upstream, place.probe)
        back = [place.api.point(place.proxy, place.upstream)]

        def put() -> None:
            place.api.do(place.api.point(place.proxy, there))

        what = f"{dependency} led to the audit's listener"
        with self._fault(place, what, put, back=back, see=see, lease=self._lease(None)) as fault:
            yield fault

    # --- how a fault comes and goes

    @contextmanager
    def _toxic(
        self, place: _Place, what: str, toxic: dict[str, Any], see: Callable[[], str], lease: float | None
    ) -> Iterator[Fault]:
        seconds = self._lease(lease)
        # Our own proxy takes a lease, and undoes the toxic by its own timer; toxiproxy passes over it.
        wanted = {**toxic, "lease": seconds}

        def put() -> None:
            place.api.do(place.api.add(place.proxy, wanted))
            place.api.has(place.proxy, toxic)

        back = [place.api.remove(place.proxy, toxic["name"])]
        with self._fault(place, what, put, back=back, see=see, lease=seconds) as fault:
            yield fault

    @contextmanager
    def _fault(
        self,
        place: _Place,
        what: str,
        put: Callable[[], object],
        *,
        back: Sequence[Call],
        see: Callable[[], str],
        lease: float,
    ) -> Iterator[Fault]:
        before = self._healthy(place.probe, place.name)
        fault, id_ = Fault(what, before), secrets.token_hex(4)
        recorder, file = self._runtime.recorder, self._folder / FILE
        append(file, {"id": id_, "event": "setting", "what": what, "undo": [dict(c) for c in back], "lease": lease})
        with Keeper(file, id_, lease, back) as keeper:
            recorder.faults_on.add(id_)
            try:
                put()
                fault.seen = _seen(see, what)
                fault.since = time.monotonic()
                append(file, {"id": id_, "event": "seen", "seen": fault.seen})
                with self._in_effect():
                    yield fault
                if keeper.over:
                    raise CouldNotRun(f"the lease of {lease:g} s passed while the check still ran, under {what}")
            finally:
                self._undo(keeper, file, id_, back)
                recorder.faults_on.discard(id_)
        lasted = time.monotonic() - fault.since
        after = self._back(place.probe, place.name, BACK)
        self._record(fault, f"through {place.api.url}, proxy {place.proxy}, lease {lease:g} s", after, lasted)

    @contextmanager
    def _in_effect(self) -> Iterator[None]:
        """A transport error of the service under a fault is its failure, also when it is judged after the fault."""
        try:
            yield
        except Exception as error:
            url = getattr(getattr(error, "_request", None), "url", None)
            if url is not None:
                self._runtime.recorder.answered.add(answer_key(url))
            raise

    def _undo(self, keeper: Keeper, file: Path, id_: str, back: Sequence[Call]) -> None:
        try:
            undo(back)
        except ApiError as error:
            # The keeper goes on trying after we have ended.
            keeper.leave()
            raise CouldNotRun(
                f"a fault could not be undone: {error}; `backend-audit revert {self._folder}` tries again"
            ) from None
        append(file, {"id": id_, "event": "undone", "by": "the check"})

    def _healthy(self, probe: Probe, name: str) -> Seen:
        found = probe.ask(HEALTHY)
        if found.answer is not Answer.ANSWERED:
            right = (
                f"targets.http.metrics right? ({origin_of(self._runtime, 'targets', SERVICE)})"
                if name == SERVICE
                else f"targets.faults.dependencies.{name}.speaks right? ({self._origin()})"
            )
            raise CouldNotRun(f"{name} does not answer at {probe.address} without any fault ({found}): is {right}")
        return found

    def _back(self, probe: Probe, name: str, within: float) -> Seen:
        until = time.monotonic() + within
        while (found := probe.ask(HEALTHY)).answer is not Answer.ANSWERED:
            if time.monotonic() > until:
                raise CouldNotRun(f"{name} does not answer at {probe.address} {within:g} s after its fault ({found})")
            time.sleep(0.1)
        return found

    def _record(self, fault: Fault, how: str, after: Seen, lasted: float | None = None) -> None:
        time_ = "" if lasted is None else f" after {lasted:.1f} s"
        body = f"before: {fault.before}\nwith it: {fault.seen}\nundone{time_}: {after}"
        self._runtime.recorder.record(EvidenceKind.LOAD, f"{fault.what} ({how})", body, target="faults")

    # --- where it is

    def _place(self, name: str) -> _Place:
        declared = self._declared(name)
        require(self._runtime, Need.FAULTS)
        url = self._url()
        if not url:
            raise CouldNotRun(
                f"targets.faults.url names no fault proxy, so only restarts are possible ({self._origin()})"
            )
        api = Api(url.rstrip("/"), self._origin())
        proxy = declared.proxy or name
        found = api.get(proxy)
        if not found.enabled or found.toxics:
            wrong = f"has toxics already: {', '.join(found.toxics)}" if found.toxics else "is not enabled"
            raise CouldNotRun(f"targets.faults: proxy {proxy} {wrong}; set it right first ({self._origin()})")
        probe = Probe(*(self._address(declared) or api.address(found)), self._speaks(name, declared))
        return _Place(name, api, proxy, found.upstream, probe)

    def _declared(self, name: str) -> Dependency:
        known: Mapping[str, Dependency] = settings_of(self._runtime, "faults").dependencies
        if name not in known:
            there = ", ".join(known) or "none"
            raise CouldNotRun(f"targets.faults.dependencies has no {name}; it has: {there} ({self._origin()})")
        return known[name]

    def _url(self) -> str:
        return settings_of(self._runtime, "faults").url or ""

    def _restartable(self, name: str) -> tuple[Sequence[str], Probe]:
        """The command that restarts a dependency, and the way on which that is seen."""
        declared = self._declared(name)
        if not declared.restart:
            raise CouldNotRun(f"targets.faults.dependencies.{name}.restart names no command ({self._origin()})")
        require(self._runtime, Need.FAULTS)
        return declared.restart, self._direct(name, declared) or self._place(name).probe

    def _of_service(self) -> tuple[Sequence[str], Probe]:
        settings = settings_of(self._runtime, SERVICE)
        instance = instance_of(settings)
        if not settings.restart or instance is None:
            raise CouldNotRun(
                f"targets.http.restart names no command that deploys the service anew "
                f"({origin_of(self._runtime, 'targets', SERVICE)})"
            )
        require(self._runtime, Need.FAULTS)
        return settings.restart, Probe(*instance)

    def _direct(self, name: str, declared: Dependency) -> Probe | None:
        """The way to it that no proxy or pooler is on, so that its own end is seen; None if there is none but these."""
        address = self._address(declared) or address_of(self._runtime, name)
        return Probe(*address, self._speaks(name, declared)) if address is not None else None

    @staticmethod
    def _address(declared: Dependency) -> tuple[str, int] | None:
        if declared.address is None:
            return None
        host, _, port = declared.address.rpartition(":")
        return host.strip("[]"), int(port)

    def _speaks(self, name: str, declared: Dependency) -> str:
        protocol = declared.speaks or _PROTOCOL_OF.get(name)
        if protocol is None:
            raise CouldNotRun(
                f"targets.faults.dependencies.{name}.speaks is not set, so no effect can be seen; it is one of "
                f"{', '.join(PROTOCOLS)} ({self._origin()})"
            )
        return protocol

    def _lease(self, given: float | None) -> float:
        lease: float = settings_of(self._runtime, "faults").lease if given is None else given
        if not 0 < lease <= LEASE_LIMIT:
            raise ValueError(f"a lease is above 0 and at most {LEASE_LIMIT:g} s, not {lease:g}")
        return lease

    def _origin(self) -> str:
        return origin_of(self._runtime, "targets", "faults")


def _toxic(kind: str, attributes: dict[str, int], stream: str, toxicity: float = 1.0) -> dict[str, Any]:
    name = f"backend_audit_{secrets.token_hex(4)}"
    return {"name": name, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}


def _seen(see: Callable[[], str], what: str) -> str:
    for _ in range(3):
        if found := see():
            return found
    raise CouldNotRun(f"{what} was set, and nothing of it was seen on a connection of the audit's own")
