"""Load of the audit's own: bounded, on declared hosts only, each request timed from when it was due."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_backend_audit.analysis.load import NEVER, LoadResult, milliseconds
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind, Need
from pytest_backend_audit.targets.common import origin_of, require, settings_of, timeouts_of
from pytest_backend_audit.targets.endpoints import Endpoint
from pytest_backend_audit.targets.load import ours, vegeta
from pytest_backend_audit.targets.load.job import Job, Running, pattern_of

if TYPE_CHECKING:
    import httpx

    from pytest_backend_audit.runtime import Runtime

    Asked = Endpoint | str | httpx.Request

SECONDS_LIMIT = 300.0
"""Longest run."""
COUNT_LIMIT = 50_000
"""Most requests of one run."""
BURST_LIMIT = 1_000
"""Most requests at once."""
RATE_LIMIT = 200.0
"""Requests a second that are never exceeded where audit.yaml does not set load.at_most."""
CONNECTIONS = 512
"""Most connections at a time, as many as a busy browser farm's proxy holds to one server."""
LATE = 0.05
"""Seconds that the generator itself may be late, in 95 of 100 cases: more, and the latencies are its own."""


@dataclass(slots=True)
class Background:
    """A run that goes on while a block does its work; `result` is there when the block has ended."""

    result: LoadResult | None = None

    @property
    def done(self) -> LoadResult:
        """The result.

        Raises:
            RuntimeError: The block has not ended yet.
        """
        if self.result is None:
            raise RuntimeError("the load still runs: read its result after the with block")
        return self.result


class Load:
    """Sends requests at a constant rate, or at once: ``audit_load.run(endpoint, rate=20, seconds=10).p99``."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def run(
        self,
        endpoint: Asked | Sequence[Asked],
        rate: float,
        seconds: float,
        *,
        identity: str | None = None,
        shares: Sequence[float] = (),
    ) -> LoadResult:
        """Send requests at a constant rate, whatever becomes of those before.

        Args:
            endpoint: What to ask for: an endpoint of `audit_endpoints`, a path, a prepared request; or several.
            rate: Requests a second, over all of them.
            seconds: How long.
            identity: Whom to call as; by default the one that audit.yaml declares for the endpoint, else nobody.
            shares: Of several, how often each is asked for, relative to each other; equally, if not given.

        Raises:
            CouldNotRun: It is not allowed, more than the limits allow, no host of ours, all of it was refused for want
                of credentials, or this machine was too busy to keep the rate.
        """
        with self.background(endpoint, rate, seconds, identity=identity, shares=shares, whole=True) as running:
            pass
        return running.done

    @contextmanager
    def background(
        self,
        endpoint: Asked | Sequence[Asked],
        rate: float,
        seconds: float,
        *,
        identity: str | None = None,
        shares: Sequence[float] = (),
        whole: bool = False,
    ) -> Iterator[Background]:
        """The same while a block runs, in a process of its own: restart something in the block, read a counter.

        Args:
            endpoint: As in `run`.
            rate: As in `run`.
            seconds: How long at most.
            identity: As in `run`.
            shares: As in `run`.
            whole: Whether to wait at the block's end until `seconds` have passed; else the load ends with the block.

        Raises:
            CouldNotRun: As in `run`.
        """
        job = self._job(endpoint, identity, shares, rate=rate, seconds=seconds)
        found = Background()
        program = vegeta.program() if job.suits_vegeta else None
        with vegeta.start(job, program) if program else ours.start(job) as running:
            yield found
            found.result = self._kept(job, running, stop=not whole)

    def burst(
        self,
        n: int,
        request: Asked | Sequence[Asked],
        *,
        identity: str | None = None,
    ) -> LoadResult:
        """Send `n` requests at once, each on a connection of its own that stood before.

        `LoadResult.concurrency` says how many really were under way together.

        Args:
            n: How many.
            request: As in `run`; of several, each in its turn.
            identity: As in `run`.

        Raises:
            CouldNotRun: As in `run`.
        """
        job = self._job(request, identity, (), count=n)
        with ours.start(job) as running:
            return self._kept(job, running, stop=False)

    def _job(
        self,
        asked: Asked | Sequence[Asked],
        identity: str | None,
        shares: Sequence[float],
        *,
        rate: float = 0.0,
        seconds: float = 0.0,
        count: int = 0,
    ) -> Job:
        from pytest_backend_audit.targets.load.prepare import prepared  # noqa: PLC0415 - httpx loads with it

        settings = settings_of(self._runtime, "http")
        require(self._runtime, Need.LOAD)
        several = [asked] if not isinstance(asked, Sequence) or isinstance(asked, str) else list(asked)
        if not several:
            raise ValueError("there is nothing to ask for")
        if shares and len(shares) != len(several):
            raise ValueError(f"{len(several)} requests, but {len(shares)} shares")
        self._bound(rate, seconds, count)
        requests = tuple(prepared(self._runtime, settings, one, identity) for one in several)
        return Job(
            requests=requests,
            pattern=pattern_of(shares or [1.0] * len(several)),
            rate=rate,
            count=count or max(1, round(rate * seconds)),
            timeout=timeouts_of(self._runtime).request,
            connections=count or CONNECTIONS,
            ca_file=self._ca_file(settings),
        )

    def _ca_file(self, settings: Any) -> str | None:
        config = self._runtime.config
        return str(config.path.parent / settings.ca_file) if settings.ca_file and config is not None else None

    def _bound(self, rate: float, seconds: float, count: int) -> None:
        if count:
            if not 1 <= count <= BURST_LIMIT:
                raise CouldNotRun(f"a burst of {count} requests: a burst has 1 to {BURST_LIMIT}")
            return
        if not rate > 0 or not seconds > 0:
            raise ValueError(f"rate and seconds are above 0, not {rate:g} and {seconds:g}")
        declared = self._runtime.config.load if self._runtime.config is not None else None
        if declared is not None and declared.at_most is not None:
            most, origin = declared.at_most, f"load.at_most, {origin_of(self._runtime, 'load', 'at_most')}"
        else:
            most, origin = RATE_LIMIT, "the default; load.at_most of audit.yaml sets another"
        if rate > most:
            raise CouldNotRun(f"needs {rate:g} requests/s, the most is {most:g} ({origin})")
        if seconds > SECONDS_LIMIT or rate * seconds > COUNT_LIMIT:
            raise CouldNotRun(
                f"needs {rate * seconds:.0f} requests in {seconds:g} s; a run has at most {COUNT_LIMIT:,} requests and "
                f"{SECONDS_LIMIT:g} s"
            )

    def _kept(self, job: Job, running: Running, *, stop: bool) -> LoadResult:
        result = running.result(stop=stop)
        recorder = self._runtime.recorder
        recorder.record(
            EvidenceKind.LOAD,
            result.method,
            "\n".join(result.lines()),
            target=f"http {', '.join(dict.fromkeys(r.key for r in job.requests))}",
            duration=max((s.done for s in result.samples), default=0.0),
            facts=_facts(result),
        )
        if result.answered:
            recorder.answered.update(r.key for r in job.requests)
        if result.statuses and set(result.statuses) <= {401, 403}:
            raise CouldNotRun(
                f"all {result.answered} answers were {' or '.join(map(str, result.statuses))}: nothing was tested; "
                "declare an identity for the endpoint, or name one"
            )
        late = result.late_by(95)
        if result.rate and late > LATE:
            raise CouldNotRun(
                f"this machine was too busy to keep {result.rate:g} requests/s: the generator itself was late by "
                f"{milliseconds(late)} at p95 (at most {milliseconds(LATE)}); run it where there is room"
            )
        return result


def _facts(result: LoadResult) -> Mapping[str, str | int | float | bool | None]:
    facts: dict[str, str | int | float | bool | None] = {
        "sent": result.sent,
        "answered": result.answered,
        "concurrency": result.concurrency,
    }
    if result.samples:
        facts |= {f"p{q}": None if (p := result.percentile(q)) == NEVER else round(p, 6) for q in (50, 95, 99)}
    return facts
