"""Alertmanager and HAProxy in the reference stack, where the machine has them."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from pytest_backend_audit.demo.stack import haproxy
from pytest_backend_audit.demo.stack.process import wait_for

pytestmark = pytest.mark.live


@pytest.mark.needs("prometheus-alertmanager", "prometheus")
def test_an_alert_becomes_a_page(stack) -> None:
    """From Prometheus's rules through Alertmanager's route to the pager."""
    always = "{alert: SomethingIsWrong, expr: vector(1), labels: {severity: page}}"
    stack.prometheus.have_rules({}, [always])
    try:
        wait_for(lambda: stack.control.pages, "the page to come")
    finally:
        stack.prometheus.have_rules({})
    [alert] = stack.control.pages[0]["alerts"]
    assert (stack.control.pages[0]["receiver"], alert["labels"]["alertname"]) == ("orders-team", "SomethingIsWrong")


@pytest.mark.needs("haproxy")
def test_haproxy_passes_over_an_instance_that_is_away(stack) -> None:
    """Each request goes to the next instance; one that has ended gets none."""
    assert haproxy.program() is not None

    def asked() -> set[str]:
        with httpx.Client(base_url=stack.base_url, trust_env=False, timeout=5) as client:
            return {client.get("/v1/whoami").json()["instance"] for _ in range(6)}

    assert asked() == {"orders-1", "orders-2"}
    second = stack.instances[1]
    second.stop()
    try:
        assert asked() == {"orders-1"}
    finally:
        second.launch(stack._configuration())
        second.wait_until_ready()
        wait_for(lambda: asked() == {"orders-1", "orders-2"}, "the instance to be used again")


async def _at_once(stack, path: str, number: int) -> set[str]:
    """The statuses of requests that are sent together, each on a connection of its own that stood before."""
    ways = [await asyncio.open_connection("127.0.0.1", stack.front.port) for _ in range(number)]
    request = f"GET {path} HTTP/1.1\r\nHost: orders\r\nAuthorization: Bearer {stack.tokens['alice']}\r\n\r\n".encode()
    for _, writer in ways:
        writer.write(request)
    lines = await asyncio.gather(*(reader.readline() for reader, _ in ways))
    for _, writer in ways:
        writer.close()
    return {line.decode().strip() for line in lines}


@pytest.mark.needs("haproxy")
def test_burst_after_burst_is_answered(stack) -> None:
    """What HAProxy keeps of one burst's connections leaves room for those of the next."""
    for _ in range(4):
        assert asyncio.run(_at_once(stack, "/v1/orders/19999", 200)) == {"HTTP/1.1 200 OK"}
