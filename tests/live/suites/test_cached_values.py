"""The forms of values on a real server: every type, and a user who may not read everything."""

from __future__ import annotations

import lzma
import pickle
import zlib
from contextlib import contextmanager

import pytest
import redis

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.caching.explicit_ttls import (
    test_every_kind_of_key_has_a_chosen_lifetime as lifetimes,
)
from pytest_backend_audit.suites.caching.safe_serialization import test_no_value_is_a_pickle as check
from pytest_backend_audit.targets.common import settings_of
from pytest_backend_audit.targets.evidence import ByHand
from pytest_backend_audit.targets.redis import open_redis
from pytest_backend_audit.testing import run_check, runtime_for
from pytest_backend_audit.testing.audits import Surroundings

pytestmark = pytest.mark.live

SECRET = "the-customer-is-Ada"
PICKLE = pickle.dumps({"name": SECRET})


@contextmanager
def opened(cache_server, tmp_path, user: str = ""):
    """An audit whose Redis is read as a user."""
    url = cache_server.url % (f"{user}:look-but-do-not-touch@" if user else "")
    text = "version: 1\nenvironment: local\ntargets:\n  redis: {url: '${URL}'}\n"
    audit = runtime_for(text, folder=tmp_path, environ={"URL": url})
    yield audit
    for closer in audit.closers:
        closer.close()


def judge(cache_server, tmp_path, user: str = ""):
    """The check, as a user."""
    with opened(cache_server, tmp_path, user) as audit:
        around = Surroundings(audit)
        return run_check(
            check, on=audit.recorder, audit_redis=open_redis(audit, settings_of(audit, "redis")),
            audit_declared=around.declared, audit_settings=around.settings, audit_acknowledged=around.acknowledged,
            audit_evidence=ByHand(audit),
        )  # fmt: skip


def test_pickles_are_found_in_every_type_and_never_shown(cache_server, tmp_path) -> None:
    """By kind of key; of a value nothing is kept but its form."""
    cache_server.admin.set("text:1", "plain")
    cache_server.admin.set("order:1", PICKLE)
    cache_server.admin.set("order:2", b'{"id": 2}')
    cache_server.admin.hset("job:1", mapping={"data": zlib.compress(PICKLE), "created_at": "2026-01-01"})
    cache_server.admin.rpush("queue:1", b"1", PICKLE)
    cache_server.admin.sadd("set:1", PICKLE)
    cache_server.admin.zadd("ranked:1", {PICKLE: 1.0})
    cache_server.admin.xadd("stream:1", {"event": PICKLE})
    ran = judge(cache_server, tmp_path)
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines()[:7] == [
        "6 of 7 kinds of key hold pickles",
        "  - job:*: 1 of 2 values (1 pickle (zlib))",
        "  - order:*: 1 of 2 values (1 pickle)",
        "  - queue:*: 1 of 2 values (1 pickle)",
        "  - ranked:*: 1 of 1 values (1 pickle)",
        "  - set:*: 1 of 1 values (1 pickle)",
        "  - stream:*: 1 of 1 values (1 pickle)",
    ]
    kept = "".join(evidence.title + evidence.body for evidence in ran.evidence)
    assert (SECRET in kept, "plain" in kept, "text:*: 1 text" in kept) == (False, False, True)


def test_what_can_not_be_unpacked_proves_nothing(cache_server, tmp_path) -> None:
    """Zstandard and LZ4 around a pickle, which the audit doesn't read; xz, which it does."""
    cache_server.admin.set("cart:1", b"\x28\xb5\x2f\xfd" + PICKLE)
    cache_server.admin.set("order:1", b"\x04\x22\x4d\x18" + PICKLE)
    cache_server.admin.set("text:1", "plain")
    ran = judge(cache_server, tmp_path)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "values that can't be looked into may be pickles: cart:*: 1 Zstandard, not unpacked; order:*: 1 LZ4, not "
        "unpacked; to acknowledge: safe-serialization:cart:*, "
        "safe-serialization:order:*",
    )
    cache_server.admin.set("job:1", lzma.compress(PICKLE, preset=4))
    ran = judge(cache_server, tmp_path)
    assert (ran.status, ran.reason.splitlines()[1]) == (Status.FAILED, "  - job:*: 1 of 1 values (1 pickle (xz))")


def test_large_collections_are_left_alone(cache_server, tmp_path) -> None:
    """One member could be all of it."""
    cache_server.admin.hset("big:1", "field", PICKLE + bytes(2**21))
    cache_server.admin.set("small:1", "plain")
    ran = judge(cache_server, tmp_path)
    assert (ran.status, ran.evidence[-1].body) == (Status.PASSED, "small:*: 1 text")


def test_keys_that_the_user_may_not_read_are_told(cache_server, tmp_path) -> None:
    """Nothing is proven by the rest, as of a Redis whose sessions the audit may not see; what is wrong there is."""
    cache_server.admin.set("session:ada", PICKLE)
    cache_server.admin.acl_setuser(
        "half", enabled=True, reset=True, passwords=["+look-but-do-not-touch"], keys=["cache:*"],
        commands=["+@read", "+ping", "+hello", "+auth", "+select", "+client", "+info",
                  "+command", "+memory|usage", "-keys"],
    )  # fmt: skip

    def told(refused: int, keys: int) -> str:
        return (
            f"{refused} of {keys} keys could not be looked into, and nothing is wrong with the rest: the audit's user "
            "needs +@read on ~*, as in the ACL that `backend-audit init` writes"
        )

    ran = judge(cache_server, tmp_path, "half")
    assert (ran.status, ran.reason) == (Status.COULD_NOT_RUN, told(1, 1))
    cache_server.admin.set("cache:1", "plain")
    ran = judge(cache_server, tmp_path, "half")
    assert (ran.status, ran.reason) == (Status.COULD_NOT_RUN, told(1, 2))
    cache_server.admin.set("cache:2", PICKLE)
    ran = judge(cache_server, tmp_path, "half")
    assert (ran.status, ran.reason.splitlines()[0]) == (Status.FAILED, "1 of 1 kinds of key hold pickles")


def test_lifetimes_that_the_user_may_not_read_are_told_without_a_key(cache_server, tmp_path) -> None:
    """A session's id stood in the reason of an audit whose user was limited to the cache's keys."""
    cache_server.admin.set("session:5f3c9d", "x")
    cache_server.admin.acl_setuser(
        "half", enabled=True, reset=True, passwords=["+look-but-do-not-touch"], keys=["cache:*"],
        commands=["+@read", "+ping", "+hello", "+auth", "+select", "+client", "+info", "+command", "-keys"],
    )  # fmt: skip
    with opened(cache_server, tmp_path, "half") as audit:
        around = Surroundings(audit)
        cache = open_redis(audit, settings_of(audit, "redis"))
        given = {
            "audit_redis": cache, "audit_declared": around.declared, "audit_settings": around.settings,
            "audit_acknowledged": around.acknowledged,
        }  # fmt: skip
        ran = run_check(lifetimes, on=audit.recorder, **given)
        assert ran.status is Status.COULD_NOT_RUN
        assert ran.reason.startswith("1 of 1 keys could not be looked into, and nothing is wrong with the rest")
        with pytest.raises(redis.exceptions.NoPermissionError) as refused:
            cache.pipeline().ttl("session:5f3c9d").execute()
    assert str(refused.value).startswith("command 1 of a pipeline, TTL: ")
    assert "5f3c9d" not in str(refused.value)


def test_an_empty_cache_shows_nothing(cache_server, tmp_path) -> None:
    """It is no proof."""
    assert judge(cache_server, tmp_path).reason == "the cache holds no keys: audit while the service is used"
