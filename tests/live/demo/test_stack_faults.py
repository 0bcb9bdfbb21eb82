"""Faults, restarts and the listener on the reference stack, by the lines of the demo's own audit.yaml."""

from __future__ import annotations

from pathlib import Path

import httpx
import psycopg
import pytest

from pytest_backend_audit import demo
from pytest_backend_audit.demo.stack.process import wait_for
from pytest_backend_audit.model import Need
from pytest_backend_audit.targets.downstream import Downstream
from pytest_backend_audit.targets.faults import Faults
from pytest_backend_audit.testing import runtime_for

pytestmark = pytest.mark.live

PROJECT = Path(demo.__path__[0]) / "project"


@pytest.fixture
def audit(stack, tmp_path, monkeypatch):
    """The surroundings of an audit of the stack that may set faults."""
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    text = (PROJECT / "audit.yaml").read_text()
    made = runtime_for(text, folder=tmp_path, environ=stack.environment(), allowed=frozenset({Need.FAULTS}))
    made.repository = PROJECT
    return made


@pytest.mark.parametrize("dependency", ["redis", "pricing"])
@pytest.mark.parametrize("kind", ["refuse", "hang"])
def test_the_sound_service_does_without(audit, alice, tmp_path, kind, dependency):
    """Cache or price list away or hanging: orders are read all the same, and soon."""
    faults = Faults(audit, tmp_path)
    assert faults.dependencies == ("postgres", "redis", "pricing")
    with getattr(faults, kind)(dependency):
        answer = alice.get("/v1/orders/19999")
    assert (answer.status_code, answer.elapsed.total_seconds() < 1.5) == (200, True)


def test_a_slow_cache_is_no_slow_service(audit, alice, tmp_path):
    """Five seconds of latency on the cache."""
    with Faults(audit, tmp_path).latency("redis", 5):
        answer = alice.get("/v1/orders/19999")
    assert (answer.status_code, answer.elapsed.total_seconds() < 1.5) == (200, True)


def test_the_service_is_back_when_its_database_is(stack, audit, alice, tmp_path):
    """The server is another one after a restart; the block begins when it goes, and ends when it is there again."""

    def begun():
        with psycopg.connect(stack.dsn) as connection:
            return connection.execute("SELECT pg_postmaster_start_time()").fetchone()[0]

    before = begun()
    with Faults(audit, tmp_path).restart("postgres") as fault:
        assert fault.what == "restart of postgres"
    assert begun() > before
    ready = f"{stack.base_url}/readyz"
    wait_for(
        lambda: httpx.get(ready, trust_env=False, timeout=5).status_code == 200, "the service to be back", timeout=10
    )
    assert alice.get("/v1/orders").status_code == 200


def test_a_cache_that_was_restarted_is_empty_and_used_again(stack, audit, alice, tmp_path):
    """As one without persistence is."""
    with stack.valkey.connect() as client:
        client.set("orders:test:survivor", "1", ex=600)
    with Faults(audit, tmp_path).restart("redis"):
        pass
    with stack.valkey.connect() as client:
        assert client.get("orders:test:survivor") is None
    assert alice.get("/v1/orders/19999").status_code == 200


def test_what_the_service_asks_its_downstream(audit, alice, tmp_path):
    """The request arrives with its id, the answer comes from the real price list."""
    with Downstream(audit, tmp_path)() as heard:
        answer = alice.get("/v1/prices/SKU-0377", headers={"X-Request-Id": "asked-by-a-test"})
    assert answer.status_code == 200
    assert {a.target for a in heard.arrivals} >= {"/prices/SKU-0377"}
    [mine] = [a for a in heard.arrivals if a.target == "/prices/SKU-0377"]
    assert mine.header("X-Request-Id") == "asked-by-a-test"


def test_the_stack_refuses_to_restart_what_it_does_not_know(stack):
    """And says what there is."""
    answer = httpx.post(f"{stack.control.url}/restart/everything", trust_env=False)
    assert (answer.status_code, answer.text) == (404, "there is no such part; there are: postgres, redis, service\n")
