"""A small load balancer: each new TCP connection goes to the next instance in turn.

Run as ``python -m pytest_backend_audit.demo.stack.balancer PORT round-robin|sticky HOST:PORT...``. A real front door
(HAProxy, nginx, a cloud's own) does the same and much more; this one makes the demo independent of what the machine
has. An instance that refuses a connection is passed over for it. ``sticky`` sends every client address to one
instance for good: the seeded defect ``no-affinity``.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from zlib import crc32

_CHUNK = 64 * 1024
_CONNECT_TIMEOUT = 2.0


@dataclass(slots=True)
class Balancer:
    """Chooses an instance for each connection, and carries bytes."""

    backends: Sequence[tuple[str, int]]
    sticky: bool = False
    _turn: int = field(default=0, init=False)

    def order(self, client: str) -> list[tuple[str, int]]:
        """Instances in the order in which to try them for a new connection from this address."""
        if self.sticky:
            first = crc32(client.encode()) % len(self.backends)
        else:
            first, self._turn = self._turn, (self._turn + 1) % len(self.backends)
        return [*self.backends[first:], *self.backends[:first]]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until one side closes it."""
        peer = writer.get_extra_info("peername")
        async with _closing(writer):
            upstream = await self._connect(str(peer[0]) if peer else "")
            if upstream is None:
                return
            async with _closing(upstream[1]):
                tasks = [
                    asyncio.ensure_future(_pump(reader, upstream[1])),
                    asyncio.ensure_future(_pump(upstream[0], writer)),
                ]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, client: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for host, port in self.order(client):
            with contextlib.suppress(OSError, TimeoutError):
                return await asyncio.wait_for(asyncio.open_connection(host, port), _CONNECT_TIMEOUT)
        return None


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


async def _main(port: int, balancer: Balancer) -> None:
    server = await asyncio.start_server(balancer.serve, "127.0.0.1", port)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with server:
        await stopped.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:  # connections that idle are no reason to stay
            task.cancel()


def main(argv: Sequence[str]) -> int:
    """Balance until told to stop."""
    port, policy, *backends = argv
    split = [(host, int(number)) for host, _, number in (backend.rpartition(":") for backend in backends)]
    asyncio.run(_main(int(port), Balancer(split, sticky=policy == "sticky")))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
