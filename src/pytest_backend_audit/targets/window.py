"""Counters over a window: two readings, with enough traffic between them to say something."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from pytest_backend_audit.deadline import STOPS, DeadlinePassed
from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import EvidenceKind

if TYPE_CHECKING:
    from pytest_backend_audit.recorder import Recorder

Reading = Mapping[str, object]
Opened = dict[str, tuple[float, dict[str, float]]]
"""Name of a window -> second and values of its first reading, taken before the check that closes it began."""
POLL = 0.25
"""Seconds between two looks at whether there was enough traffic."""
PATIENCE = 1 / 3
"""Share of the time after which a counter that has not risen at all is waited for no longer."""


@dataclass(slots=True)
class Window:
    """What a window showed; filled in when its block has ended."""

    before: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def delta(self) -> dict[str, float]:
        """Counter -> how much it rose."""
        return {name: value - self.before.get(name, 0) for name, value in self.after.items()}

    def rate(self, name: str) -> float:
        """How much a counter rose, a second."""
        return self.delta[name] / self.seconds if self.seconds else 0.0


class Windows:
    """Opens windows: ``with audit_window(lambda: audit_redis.info("stats"), traffic=["keyspace_hits"]) as w: ...``."""

    def __init__(
        self, recorder: Recorder, clock: Callable[[], float] = time.monotonic, opened: Opened | None = None
    ) -> None:
        self._recorder = recorder
        self._clock = clock
        self._opened: Opened = {} if opened is None else opened
        self._names: set[str] = set()

    def ahead(self, name: str, read: Callable[[], Reading], *, traffic: Sequence[str]) -> None:
        """Take the first reading of a window that a check to come closes, by ``opened=name``.

        The bundled checks that watch come one after the other, before all others. Windows that were opened together
        let traffic pass once for all of them; when another check begins, whose own requests would be in them, they are
        dropped. A name is opened once a run: a check that runs again opens a window of its own. What can't be read is
        left to the check, which then says why.

        Args:
            name: Of the window.
            read: Gives the counters.
            traffic: Counters that must be there.

        Raises:
            DeadlinePassed: Reading took what the check that opens has for all of its work.
        """
        if name in self._names:
            return
        self._names.add(name)
        try:
            self._opened[name] = self._clock(), self._read(read, traffic)
        except (DeadlinePassed, *STOPS):
            raise
        except (Exception, CouldNotRun):  # noqa: BLE001 - whatever it is, the check that closes the window meets it too
            return

    @contextmanager
    def __call__(
        self,
        read: Callable[[], Reading],
        *,
        traffic: Sequence[str],
        at_least: float = 1,
        within: float = 30.0,
        lasting: float = 0.0,
        complete: Callable[[Mapping[str, float]], bool] | None = None,
        what: str = "",
        opened: str = "",
        rising: Sequence[str] = (),
    ) -> Iterator[Window]:
        """Read the counters, run the block, and read again once there was enough traffic.

        Args:
            read: Gives the counters; values that are no numbers are left out.
            traffic: Counters whose joint rise is the traffic.
            at_least: How much of it there must be.
            within: Seconds, from now on, in which it must come; the first of it in a third of them.
            lasting: Seconds that the window stays open at least, where all of it came at once: counters of what
                happens now and then need them.
            complete: Tells from how much each counter rose that nothing is left to come, so that it needn't last.
            what: What the counters are of, for evidence and messages.
            opened: Name under which `ahead` has taken the first reading; where it has not, it is taken now.
            rising: Further counters that fall only when somebody resets them.

        Raises:
            CouldNotRun: Too little traffic, counters that are missing, or that were reset in the window.
        """
        window = Window()
        asked, earlier = self._clock(), self._opened.pop(opened, None)
        begun, window.before = earlier or (asked, self._read(read, traffic))
        yield window
        named = what or " + ".join(traffic)
        while True:
            window.after = self._read(read, traffic)
            window.seconds = self._clock() - begun
            seen = sum(window.after[n] - window.before[n] for n in traffic)
            if any(window.after[n] < window.before[n] for n in (*traffic, *rising)):
                raise CouldNotRun(f"the counters were reset while the window was open: {named}")
            if seen >= at_least and (window.seconds >= lasting or (complete is not None and complete(window.delta))):
                break
            waited = self._clock() - asked
            if seen < at_least and waited >= (within if seen else PATIENCE * within):
                raise CouldNotRun(
                    f"too little traffic to judge: {seen:g} of {at_least:g} ({named}) within {window.seconds:.0f} s; "
                    "audit while the service is used, or let load be driven"
                )
            time.sleep(min(POLL, max(0.0, lasting - window.seconds if seen >= at_least else within - waited)))
        self._keep(window, named, traffic)

    def _read(self, read: Callable[[], Reading], traffic: Sequence[str]) -> dict[str, float]:
        # Many looks, one piece of evidence: the window's.
        with self._recorder.paused():
            given = read()
        # Decimal: what Postgres makes of sum() over bigint.
        numbers = {k: v for k, v in given.items() if isinstance(v, (int, float, Decimal)) and not isinstance(v, bool)}
        found = {str(k): float(v) for k, v in numbers.items()}
        missing = [n for n in traffic if n not in found]
        if missing:
            raise CouldNotRun(f"there is no counter {', '.join(missing)}")
        return found

    def _keep(self, window: Window, named: str, traffic: Sequence[str]) -> None:
        changed = {n: d for n, d in window.delta.items() if d or n in traffic}
        lines = [
            f"{n}: {window.before.get(n, 0):g} -> {window.after[n]:g} ({d:+g})" for n, d in sorted(changed.items())
        ]
        self._recorder.record(
            EvidenceKind.OUTPUT,
            f"window of {window.seconds:.1f} s: {named}",
            "\n".join(lines),
            duration=window.seconds,
            facts={"traffic": sum(window.delta[n] for n in traffic)},
        )
