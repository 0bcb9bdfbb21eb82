"""Alertmanager and HAProxy in the reference stack, where the machine has them."""

from __future__ import annotations

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
