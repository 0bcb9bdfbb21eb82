"""The load balancer: whose turn it is, and what it does about an instance that is gone."""

from __future__ import annotations

import asyncio

import pytest

from pytest_backend_audit.demo.stack.balancer import Balancer
from pytest_backend_audit.demo.stack.process import free_port

BACKENDS = [("127.0.0.1", 1), ("127.0.0.1", 2), ("127.0.0.1", 3)]


def test_connections_take_turns() -> None:
    """Each new connection begins with the next instance, and would go on with those after it."""
    balancer = Balancer(BACKENDS)
    assert [balancer.order("10.0.0.1")[0][1] for _ in range(7)] == [1, 2, 3, 1, 2, 3, 1]
    assert balancer.order("10.0.0.1") == [BACKENDS[1], BACKENDS[2], BACKENDS[0]]


def test_sticky_connections_stay() -> None:
    """The seeded defect: one address, one instance."""
    balancer = Balancer(BACKENDS, sticky=True)
    assert len({balancer.order("10.0.0.1")[0] for _ in range(7)}) == 1
    assert len({balancer.order(f"10.0.0.{n}")[0] for n in range(50)}) == 3


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data.upper())
        await writer.drain()
    writer.close()
    await writer.wait_closed()


async def _conversation(backends: list[tuple[str, int]]) -> bytes:
    balancer = Balancer(backends)
    server = await asyncio.start_server(balancer.serve, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello")
        answer = await asyncio.wait_for(reader.read(100), 10)
        writer.close()
        await writer.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            _, left = await asyncio.wait(others, timeout=10)
            assert not left, "the balancer holds on to a connection that its client has closed"
    return answer


@pytest.mark.parametrize("dead", [0, 1])
def test_an_instance_that_refuses_is_passed_over(dead: int) -> None:
    """The connection goes to the next instance in turn."""

    async def scenario() -> bytes:
        upstream = await asyncio.start_server(_echo, "127.0.0.1", 0)
        async with upstream:
            return await _conversation([("127.0.0.1", free_port())] * dead + [upstream.sockets[0].getsockname()])

    assert asyncio.run(scenario()) == b"HELLO"


def test_without_any_instance_the_connection_is_closed() -> None:
    """Nothing is answered in the service's place."""
    assert asyncio.run(_conversation([("127.0.0.1", free_port())])) == b""
