"""The hit rate on real servers, while audits look into the cache and nobody, or somebody, uses it."""

from __future__ import annotations

import itertools

import pytest
from live.suites.conftest import BusyWindows

from pytest_backend_audit import CouldNotRun
from pytest_backend_audit.analysis.cache import Lookups
from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.caching import _asking, hit_rate
from pytest_backend_audit.suites.caching.explicit_ttls import test_every_kind_of_key_has_a_chosen_lifetime as lifetimes
from pytest_backend_audit.suites.caching.safe_serialization import test_no_value_is_a_pickle as forms
from pytest_backend_audit.targets.common import settings_of
from pytest_backend_audit.targets.evidence import ByHand
from pytest_backend_audit.targets.redis import open_redis
from pytest_backend_audit.targets.window import Windows
from pytest_backend_audit.testing import recorder, run_check, runtime_for
from pytest_backend_audit.testing.audits import Surroundings

pytestmark = pytest.mark.live


@pytest.fixture
def audit(cache_server, tmp_path):
    """An audit as a user with the rights that init writes, of a cache with values of every type."""
    cache_server.admin.acl_setuser(
        "looking", enabled=True, reset=True, passwords=["+look-but-do-not-touch"], keys=["*"],
        commands=["+@read", "-@dangerous", "-@blocking", "+ping", "+hello", "+auth", "+select", "+client|setname",
                  "+info", "+command", "+memory|usage"],
    )  # fmt: skip
    for number in range(200):
        cache_server.admin.set(f"order:{number}", "x", ex=60)
    for number in range(20):
        cache_server.admin.rpush(f"queue:{number}", *"abcdef")
        cache_server.admin.hset(f"job:{number}", "field", "value")
        cache_server.admin.sadd(f"set:{number}", "a", "b")
        cache_server.admin.zadd(f"ranked:{number}", {"a": 1.0})
        cache_server.admin.xadd(f"stream:{number}", {"event": "a"})
    made = runtime_for(
        "version: 1\nenvironment: local\ntargets:\n  redis: {url: '${URL}'}\n", folder=tmp_path,
        environ={"URL": cache_server.url % "looking:look-but-do-not-touch@"},
    )  # fmt: skip
    yield made
    for closer in made.closers:
        closer.close()


def measure(audit, work) -> Lookups:
    """What a window sees while this is done."""
    around, client = Surroundings(audit), open_redis(audit, settings_of(audit, "redis"))
    return hit_rate.seen.__wrapped__(audit_redis=client, audit_window=BusyWindows(work), audit_settings=around.settings)


def look(audit) -> None:
    """What the other checks of a cache send."""
    around, client = Surroundings(audit), open_redis(audit, settings_of(audit, "redis"))
    shared = {"audit_redis": client, "audit_declared": around.declared, "audit_settings": around.settings}
    ran = run_check(lifetimes, on=audit.recorder, audit_acknowledged=around.acknowledged, **shared)
    assert ran.status is Status.FAILED
    ran = run_check(
        forms, on=audit.recorder, audit_acknowledged=around.acknowledged, audit_evidence=ByHand(audit), **shared
    )
    assert ran.status is Status.PASSED


def test_audits_that_look_into_a_cache_are_no_traffic(audit) -> None:
    """Hundreds of hits, and none of somebody who uses it."""
    with pytest.raises(CouldNotRun, match=r"too little traffic to judge: 0 of 100 \(lookups\) within [12] s"):
        measure(audit, lambda: look(audit))


def test_what_the_service_finds_is_counted_beside_them(audit, cache_server) -> None:
    """Half of its lookups are hits, also while an audit looks."""

    def work() -> None:
        look(audit)
        for number in range(100):
            cache_server.admin.get(f"order:{number}")
            cache_server.admin.get(f"absent:{number}")

    seen = measure(audit, work)
    assert (seen.total, seen.least) == (200, 0.5)
    assert seen.inspections == 980  # 300 TTL, 300 TYPE, 200 GETRANGE, 100 LINDEX, and 80 for the other types


def test_what_was_missed_at_first_only_does_not_decide(audit, cache_server) -> None:
    """As after a start: the longer window that follows does, where enough lookups come for it."""

    def work() -> None:
        cold = next(rounds)
        for number in range(300):
            cache_server.admin.get(f"absent:{number}" if cold else f"order:{number % 100}")

    rounds = iter([True, False])
    seen = measure(audit, work)
    assert (seen.total, seen.least) == (300, 1.0)
    assert list(rounds) == []


def test_a_request_for_many_keys_does_not_decide(audit, cache_server, monkeypatch) -> None:
    """A hundred that were found at once, in the first of five seconds; what came in the others was missed."""
    monkeypatch.setattr(_asking, "LASTING", 5.0)
    seconds = itertools.count()

    def now() -> float:
        second = next(seconds)
        cache_server.admin.mget([f"order:{n}" if second == 1 else f"absent:{n}" for n in range(100)])
        return float(second)

    around, client = Surroundings(audit), open_redis(audit, settings_of(audit, "redis"))
    seen = hit_rate.seen.__wrapped__(
        audit_redis=client, audit_window=Windows(recorder(), now), audit_settings=around.settings
    )
    assert (seen.total, seen.most) == (400, 0)


def judge(check, seen: Lookups, audit_yaml):
    """One of the levels."""
    return run_check(check, seen=seen, audit_settings=audit_yaml().settings)


@pytest.mark.parametrize(
    ("seen", "deliberate", "tuned"),
    [
        (Lookups(81, 19), Status.PASSED, Status.PASSED),
        (Lookups(80, 20), Status.PASSED, Status.FAILED),
        (Lookups(59, 41), Status.FAILED, Status.FAILED),
        (Lookups(1081, 19, 1000), Status.PASSED, Status.PASSED),
        (Lookups(1070, 30, 1000), Status.PASSED, Status.COULD_NOT_RUN),
        (Lookups(1050, 50, 1000), Status.COULD_NOT_RUN, Status.COULD_NOT_RUN),
        (Lookups(59, 141, 100), Status.FAILED, Status.FAILED),
    ],
)
def test_a_rate_is_judged_where_inspections_do_not_decide(audit_yaml, seen, deliberate: Status, tuned: Status) -> None:
    """Each may have been a hit or a miss."""
    assert judge(hit_rate.test_the_cache_was_built_to_be_hit, seen, audit_yaml).status is deliberate
    assert judge(hit_rate.test_the_cache_is_tuned, seen, audit_yaml).status is tuned


def test_the_bounds_are_told(audit_yaml) -> None:
    """With what is between them."""
    ran = judge(hit_rate.test_the_cache_is_tuned, Lookups(1070, 30, 1000), audit_yaml)
    assert ran.reason == (
        "between 70 % and 100 % of 100 lookups hit the cache: 1000 more only looked into it (TTL, TYPE ...), and the "
        "server counts them alike; audit while nobody else does"
    )
