"""Slow commands, memory and hot keys on real servers, as a user who may only look."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import httpx
import pytest
import redis
from live.servers import free_port, running
from live.suites.conftest import BusyWindows

from pytest_backend_audit.errors import CouldNotRun
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.caching import memory_health, slow_commands
from pytest_backend_audit.suites.caching.eviction_policy import test_eviction_is_as_declared as eviction
from pytest_backend_audit.suites.caching.hot_keys import test_hot_keys_are_known as hot
from pytest_backend_audit.suites.caching.memory_health import test_memory_stays_inside_its_bounds as memory
from pytest_backend_audit.suites.caching.slow_commands import test_no_hot_command_is_slow as slow
from pytest_backend_audit.targets.common import settings_of
from pytest_backend_audit.targets.evidence import ByHand
from pytest_backend_audit.targets.redis import open_redis
from pytest_backend_audit.targets.window import Windows
from pytest_backend_audit.testing import run_check, runtime_for, surroundings
from pytest_backend_audit.testing.audits import Surroundings

pytestmark = pytest.mark.live

LOOKS = "~* -@all +@read +ping +hello +auth +select +client +info +command +memory|usage +config|get +slowlog|get"
YAML = "version: 1\nenvironment: local\ntargets: {redis: {url: '${URL}'}}\n"


@pytest.fixture
def looking(cache_server, tmp_path, monkeypatch) -> Iterator[SimpleNamespace]:
    """What checks are given, of a user who may only look; windows are as short as their traffic lets them be."""
    monkeypatch.setattr(slow_commands, "LASTING", 0.0)
    monkeypatch.setattr(memory_health, "LASTING", 0.0)
    cache_server.admin.execute_command(
        "ACL", "SETUSER", "looker", "reset", "on", ">look-but-do-not-touch", *LOOKS.split()
    )
    url = cache_server.url % "looker:look-but-do-not-touch@"
    audit = runtime_for(YAML, folder=tmp_path, environ={"URL": url})
    around = Surroundings(audit)
    yield SimpleNamespace(
        runtime=audit, redis=open_redis(audit, settings_of(audit, "redis")), settings=around.settings,
        declared=around.declared, acknowledged=around.acknowledged, window=Windows(audit.recorder),
        evidence=ByHand(audit),
    )  # fmt: skip
    for closer in audit.closers:
        closer.close()
    cache_server.admin.config_set("maxmemory-policy", "noeviction")
    cache_server.admin.config_set("maxmemory", 0)
    cache_server.admin.config_set("slowlog-log-slower-than", 10000)


@contextmanager
def traffic(cache_server, *commands: tuple[object, ...]) -> Iterator[None]:
    """Somebody sends these, and lookups, again and again."""
    over = threading.Event()

    def send() -> None:
        with redis.Redis(connection_pool=cache_server.admin.connection_pool) as client:
            while not over.wait(0.001):
                client.get("shop:1")
                for command in commands:
                    client.execute_command(*command)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def judge_slow(looking, more: str = ""):
    """The check of slow commands."""
    return run_check(
        slow, on=looking.runtime.recorder, audit_redis=looking.redis, audit_window=looking.window,
        audit_settings=surroundings(more).settings, audit_acknowledged=looking.acknowledged,
    )  # fmt: skip


def test_fast_lookups_pass(cache_server, looking) -> None:
    """With a window and the slow log as evidence."""
    with traffic(cache_server):
        ran = judge_slow(looking)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert [evidence.title.partition(" of ")[0] for evidence in ran.evidence] == [
        "INFO server", "INFO replication", "CONFIG GET slowlog-*", "window", "SLOWLOG GET 1000",
        "INFO server",
    ]  # fmt: skip


def test_keys_among_the_lookups_fail(cache_server, looking) -> None:
    """However few keys there are yet."""
    with traffic(cache_server, ("KEYS", "*")):
        ran = judge_slow(looking)
    assert ran.status is Status.FAILED
    assert "- KEYS: walks over all keys, " in ran.reason


def test_commands_that_hold_the_server_up_are_found_in_its_log(cache_server, looking) -> None:
    """Those of which more than a hiccup was slow."""
    cache_server.admin.config_set("slowlog-log-slower-than", 0)
    cache_server.admin.rpush("shop:list", *range(5000))
    with traffic(cache_server, ("LRANGE", "shop:list", 0, -1)):
        ran = judge_slow(looking, "thresholds: {slow-command-threshold: 0.000005}")
    assert "- LRANGE: " in ran.reason
    assert " calls are in the slow log, the longest took " in ran.reason


def test_a_log_that_was_told_to_keep_fast_commands_for_a_while_is_no_fault(cache_server, looking) -> None:
    """Somebody looked closely; none of what it kept is slow."""
    cache_server.admin.config_set("slowlog-log-slower-than", 0)
    for _ in range(50):
        cache_server.admin.lrange("shop:list", 0, -1)
    cache_server.admin.config_set("slowlog-log-slower-than", 10000)
    assert cache_server.admin.slowlog_len() > 50
    with traffic(cache_server):
        ran = judge_slow(looking)
    assert (ran.status, ran.reason) == (Status.PASSED, "")


def test_a_log_that_is_used_up_by_fast_commands_tells_nothing(cache_server, looking, monkeypatch) -> None:
    """What was slow a moment ago is gone from it."""
    cache_server.admin.config_set("slowlog-log-slower-than", 0)
    monkeypatch.setattr(slow_commands, "LASTING", 3.0)
    with traffic(cache_server):
        ran = judge_slow(looking)
    assert ran.status is Status.COULD_NOT_RUN
    assert ran.reason.startswith("the slow log goes back 1 s: 1")
    assert ran.reason.endswith("and have driven out what was: CONFIG SET slowlog-log-slower-than 10000")


@pytest.fixture
def managed(cache_server, looking, server_folder) -> Iterator[SimpleNamespace]:
    """A server of the same program that lacks CONFIG, as managed ones do."""
    program = cache_server.admin.info("server")["executable"]
    port = free_port()
    run = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--rename-command", "CONFIG", ""]
    with (
        redis.Redis("127.0.0.1", port) as admin,
        running("a managed cache", run, server_folder / "managed.log", admin.ping),
    ):
        audit = runtime_for(YAML, folder=server_folder, environ={"URL": f"redis://127.0.0.1:{port}/0"})
        looking.runtime, looking.redis = audit, open_redis(audit, settings_of(audit, "redis"))
        looking.window = Windows(audit.recorder)
        yield SimpleNamespace(admin=admin)
        for closer in audit.closers:
            closer.close()


def test_a_server_without_config_is_judged_as_far_as_can_be(managed, looking) -> None:
    """By what it counts, and what its log has; that the log has a useful threshold nobody can tell."""
    with traffic(managed):
        ran = judge_slow(looking)
    assert ran.status is Status.COULD_NOT_RUN
    assert "the server has no CONFIG, as where it is a managed one" in ran.reason
    with traffic(managed, ("KEYS", "*")):
        ran = judge_slow(looking)
    assert (ran.status, "- KEYS: walks over all keys, " in ran.reason) == (Status.FAILED, True)


def test_a_log_that_is_off_fails_with_the_command_that_mends_it(cache_server, looking) -> None:
    """Before any window is opened."""
    cache_server.admin.config_set("slowlog-log-slower-than", -1)
    ran = judge_slow(looking)
    assert ran.reason == (
        "the slow log is off (slowlog-log-slower-than is -1): CONFIG SET slowlog-log-slower-than 10000; the threshold "
        "should be at most 0.01 s (standard)"
    )


def judge_memory(cache_server, looking, kind: str = "local"):
    """The check of memory."""
    with traffic(cache_server):
        evicted = memory_health.evicted.__wrapped__(looking.redis, looking.window, looking.settings)
    run = SimpleNamespace(environment_kind=kind)
    sizes = memory_health.sizes.__wrapped__(looking.redis, looking.settings, run, looking.evidence)
    return run_check(
        memory, on=looking.runtime.recorder, audit_redis=looking.redis, evicted=evicted, sizes=sizes,
        audit_settings=looking.settings, audit_acknowledged=looking.acknowledged,
    )  # fmt: skip


def test_what_only_looks_into_the_cache_is_no_traffic(cache_server, looking) -> None:
    """Of a cache that nobody uses no evictions mean nothing, however many audits look at its keys."""
    cache_server.admin.set("shop:1", "x")

    def look() -> None:
        for _ in range(2000):
            cache_server.admin.ttl("shop:1")

    with pytest.raises(CouldNotRun, match="too little traffic"):
        memory_health.evicted.__wrapped__(looking.redis, BusyWindows(look), looking.settings)


def test_a_large_key_is_named(cache_server, looking) -> None:
    """In production by its kind only."""
    cache_server.admin.set("shop:1", "x")
    assert judge_memory(cache_server, looking).status is Status.PASSED
    cache_server.admin.execute_command("SETRANGE", "shop:ada@example.org", 2**21 - 1, "x")
    first, second = judge_memory(cache_server, looking).reason.splitlines()[:2]
    assert first == "1 things about the cache's memory are out of bounds"
    assert second.startswith("  - shop:ada@example.org: takes 2.")  # the allocator rounds
    assert judge_memory(cache_server, looking, "prod").reason.splitlines()[1].startswith("  - shop:*: takes 2.")


def test_a_cache_that_is_full_as_it_is_meant_to_be_passes(cache_server, looking) -> None:
    """It evicts; one that can't, and is as full, is about to refuse writes."""
    fill(cache_server, "allkeys-lru", ex=600)
    assert cache_server.admin.info("stats")["evicted_keys"] > 0
    ran = judge_memory(cache_server, looking)
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    cache_server.admin.config_set("maxmemory-policy", "noeviction")
    assert judge_memory(cache_server, looking).reason.splitlines()[1].endswith(" % of maxmemory")


def test_a_policy_without_anything_to_evict_fails(cache_server, looking) -> None:
    """None of the keys expires: the server refuses writes, as without a policy."""
    with pytest.raises(redis.exceptions.OutOfMemoryError):
        fill(cache_server, "volatile-lru", ex=None)

    def judged():
        declared = surroundings("targets: {redis: {url: redis://cache, declared: {maxmemory_policy: volatile-lru}}}\n")
        return run_check(
            eviction, on=looking.runtime.recorder, audit_redis=looking.redis, audit_declared=declared.declared
        )

    assert "maxmemory-policy is volatile-lru, and none of " in judged().reason
    cache_server.admin.config_set("maxmemory", 2**30)  # else the first key that expires is the first to go
    cache_server.admin.expire("shop:1", 600)
    assert judged().status is Status.PASSED


def fill(cache_server, policy: str, ex: int | None) -> None:
    """Write more than there is room for."""
    admin = cache_server.admin
    admin.config_set("maxmemory", admin.info("memory")["used_memory"] + 2**22)
    admin.config_set("maxmemory-policy", policy)
    admin.set("shop:1", "x", ex=ex)
    with admin.pipeline(transaction=False) as writing:
        for number in range(6000):
            writing.set(f"cart:{number}", "x" * 1000, ex=ex)
        writing.execute()


def judge_hot(looking, page: str = ""):
    """The check of hot keys."""
    pages = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text=page)))

    def declared(key: str, default: object = None) -> object:
        return ("http://a/metrics",) if key == "targets.http.metrics" else default

    return run_check(
        hot, on=looking.runtime.recorder, audit_redis=looking.redis, audit_http=pages, audit_declared=declared,
        audit_settings=looking.settings, audit_evidence=looking.evidence,
    )  # fmt: skip


def test_a_server_that_counts_uses_tells_hot_keys(cache_server, looking) -> None:
    """And how keys spread over their kinds."""
    cache_server.admin.config_set("maxmemory-policy", "allkeys-lfu")
    cache_server.admin.mset({"shop:1": "x", "cart:1": "y", "cart:2": "z"})
    ran = judge_hot(looking)
    assert ran.status is Status.PASSED
    bodies = {evidence.title: evidence.body for evidence in ran.evidence}
    assert bodies["how 3 of 3 keys spread over their kinds"] == "cart:*: 2\nshop:*: 1"
    assert len(bodies["the hottest of them by kind (OBJECT FREQ, a logarithm)"].splitlines()) == 3


def test_a_server_that_counts_none_needs_a_service_that_does(cache_server, looking) -> None:
    """By a metric that speaks of hot keys."""
    cache_server.admin.config_set("maxmemory-policy", "allkeys-lru")
    cache_server.admin.set("shop:1", "x")
    assert judge_hot(looking, "cache_hot_keys 3\n").status is Status.PASSED
    assert judge_hot(looking).reason.startswith("nothing tells which keys are hot: maxmemory-policy is allkeys-lru")
