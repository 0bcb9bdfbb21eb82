"""Our load generator against vegeta on the same server, in turn: the rate that it holds, and the latencies it tells."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from pytest_backend_audit.analysis.load import LoadResult, percentile
from pytest_backend_audit.demo.stack.process import free_port
from pytest_backend_audit.targets.load import ours, vegeta
from pytest_backend_audit.targets.load.job import Job, Prepared

RATES = (50, 200, 500)
SECONDS = 5
SERVICE_TIME = 0.010
"""Seconds that the server takes for an answer, as a good cached read does."""


@dataclass(frozen=True)
class Compared:
    """One rate."""

    rate: float
    ours: list[LoadResult]
    theirs: list[LoadResult]

    def line(self) -> str:
        """Rate held, and our latencies over vegeta's: medians of the pairs.

        Both programs' latencies are read from when a request was sent, which is what ``vegeta report`` tells. From when
        it was due, vegeta's are longer by the half millisecond that its clock is late: Go rounds its sleeps up to
        whole milliseconds.
        """
        held = statistics.median(r.achieved for r in self.ours)
        pairs = list(zip(self.ours, self.theirs, strict=True))

        def ratio(q: float) -> float:
            return statistics.median(_from_sent(a, q) / _from_sent(b, q) for a, b in pairs)

        p50, p99 = (statistics.median(_from_sent(r, q) for r in self.ours) for q in (50, 99))
        late, theirs_late = (statistics.median(r.late_by(99) for r in of) for of in (self.ours, self.theirs))
        return (
            f"{self.rate:g}/s: held {held:.1f}/s; ours over vegeta: p50 {ratio(50):.3f} ({1000 * p50:.1f} ms), "
            f"p99 {ratio(99):.3f} ({1000 * p99:.1f} ms); late by {1000 * late:.2f} ms at p99, "
            f"vegeta by {1000 * theirs_late:.2f} ms; {len(pairs)} pairs"
        )


def _from_sent(result: LoadResult, q: float) -> float:
    return percentile(sorted(s.done - s.sent for s in result.samples), q)


def compare(runs: int) -> list[Compared]:
    """Run both at each rate, in turn.

    Raises:
        RuntimeError: vegeta is missing.
    """
    binary = vegeta.program()
    if binary is None:
        raise RuntimeError("vegeta is not on PATH: go install github.com/tsenart/vegeta/v12@v12.13.0")
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "benchmarks.load", str(port)], stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            server.stdout.readline()
            return [_at(rate, port, binary, runs) for rate in RATES]
        finally:
            server.terminate()


def _at(rate: float, port: int, binary: str, runs: int) -> Compared:
    url = f"http://127.0.0.1:{port}/"
    request = Prepared("GET", url, "/", "127.0.0.1", port, False, (("Host", f"127.0.0.1:{port}"),), b"")
    job = Job((request,), (0,), rate, round(rate * SECONDS), timeout=5.0, connections=512)

    def by_us() -> LoadResult:
        with ours.start(job) as running:
            return running.result(stop=False)

    def by_vegeta() -> LoadResult:
        with vegeta.start(job, binary) as running:
            return running.result(stop=False)

    def checked(run: Callable[[], LoadResult]) -> LoadResult:
        found = run()
        # vegeta leaves out what it has not come to when the time is over.
        assert found.statuses.get(200, 0) == found.sent >= 0.98 * job.count, (found.statuses, found.errors)
        return found

    checked(by_us)
    checked(by_vegeta)
    pairs = [(checked(by_us), checked(by_vegeta)) for _ in range(runs)]
    return Compared(rate, [a for a, _ in pairs], [b for _, b in pairs])


async def _serve(port: int) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(SERVICE_TIME)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port) as server:
        print("ready", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
