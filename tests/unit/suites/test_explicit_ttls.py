"""The check of lifetimes, of caches that differ from the reference one."""

from __future__ import annotations

import pytest

from pytest_backend_audit.model import Status
from pytest_backend_audit.suites.caching.explicit_ttls import test_every_kind_of_key_has_a_chosen_lifetime as check
from pytest_backend_audit.testing import LiteralRedis, Ran, run_check, surroundings

DECLARED = """\
targets:
  redis:
    url: redis://cache
    declared:
      lifetimes:
        "shop:price:*": {at_most: 120, reason: prices change}
        "shop:flags": {reason: written at each deploy}
"""
SOUND = {**{f"shop:price:{n}": n for n in range(1, 121)}, "shop:flags": None}


# As Redis 7 tells it: db 3 has one key that never expires.
KEYSPACE = {
    "db0": {"keys": 121, "expires": 120, "avg_ttl": 60500},
    "db2": {"keys": 7, "expires": 7, "avg_ttl": 100},
    "db3": {"keys": 2, "expires": 1, "avg_ttl": 100},
}


def judge(
    keys: dict[str, float | None],
    audit_yaml: str = DECLARED,
    expired: tuple[str, ...] = (),
    *,
    keyspace: dict[str, dict[str, int]] | None = None,
) -> Ran:
    """The check, of a cache with these keys."""
    around = surroundings(audit_yaml)
    return run_check(
        check,
        audit_redis=LiteralRedis({"INFO keyspace": keyspace or {}}, keys=keys, expired=expired),
        audit_declared=around.declared,
        audit_settings=around.settings,
        audit_acknowledged=around.acknowledged,
    )


def test_declared_lifetimes_pass_and_no_value_is_read() -> None:
    """Keys that were declared to stay do no harm; what expires while one looks is left out."""
    ran = judge(SOUND, expired=("shop:cart:1",))
    assert (ran.status, ran.reason) == (Status.PASSED, "")
    assert [evidence.title for evidence in ran.evidence] == ["SCAN 0 COUNT 500", "pipeline of 122 TTL", "INFO keyspace"]
    assert ran.evidence[1].body.splitlines()[-2:] == ["TTL shop:flags: -1", "TTL shop:cart:1: -2"]


def test_each_kind_is_named_once_with_its_numbers_and_the_way_out() -> None:
    """Numbers and identifiers are left out of the names."""
    ran = judge({**SOUND, "shop:price:999": 121, "cart:17": None, "cart:18": 60, "session:ab12cd34ef": 118})
    assert ran.status is Status.FAILED
    assert ran.reason.splitlines() == [
        "3 of 4 kinds of key have no lifetime that was chosen for them",
        "  - cart:*: 1 of 2 keys never expire",
        "  - session:*: keys live for up to 118 s, and no reason for that is declared",
        "  - shop:price:*: keys live for up to 121 s, declared is at most 120 s",
        "  looked at: 125 keys, at most 1000 keys (standard); each kind needs a declared reason: yes (standard)",
        "  to declare one: targets.redis.declared.lifetimes (audit.yaml:7); "
        "to acknowledge: explicit-ttls:cart:*, explicit-ttls:session:*, explicit-ttls:shop:price:*",
    ]


def test_one_lifetime_for_everything_is_told() -> None:
    """Whatever the kinds are."""
    ran = judge({"cart:1": 3600, "shop:price:1": 3598, "user:1": 3595})
    assert ran.reason.startswith(
        "3 of 3 kinds of key have no lifetime that was chosen for them; "
        "all 3 kinds that expire live alike, for up to 3600 s\n"
    )


@pytest.mark.parametrize(
    "more",
    [
        "thresholds: {ttl-reasons: false}\n",
        "acknowledged: [{item: 'explicit-ttls:cart:*', reason: new, who: Ada, ticket: T-1, expires: 2026-02-01}]\n",
    ],
)
def test_a_team_may_ask_for_less_in_the_open(more: str) -> None:
    """By a setting for all kinds, or by an acknowledged one."""
    assert judge({**SOUND, "cart:1": 60}).status is Status.FAILED
    assert judge({**SOUND, "cart:1": 60}, DECLARED + more).status is Status.PASSED


def test_no_more_keys_than_the_sample_are_looked_at() -> None:
    """Of a million keys a thousand tell what kinds there are."""
    ran = judge(SOUND, DECLARED + "thresholds: {key-sample: 30}\n")
    assert [evidence.title for evidence in ran.evidence] == ["SCAN 0 COUNT 30", "pipeline of 30 TTL", "INFO keyspace"]


@pytest.mark.parametrize("expired", [(), ("shop:price:1",)])
def test_an_empty_cache_shows_nothing(expired: tuple[str, ...]) -> None:
    """Nor does one whose last key has just gone."""
    ran = judge({}, expired=expired)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "the cache holds no keys: audit while the service is used",
    )


def test_keys_of_other_databases_that_never_expire_leave_it_open() -> None:
    """Nobody has looked at what they are; acknowledged, they do no harm."""
    ran = judge(SOUND, keyspace=KEYSPACE)
    assert (ran.status, ran.reason) == (
        Status.COULD_NOT_RUN,
        "1 keys of databases that were not looked at never expire: db3: 1; looked at is db0, by targets.redis.url; to "
        "acknowledge: explicit-ttls:db3",
    )
    known = "acknowledged: [{item: 'explicit-ttls:db3', reason: queue, who: A, ticket: T-1, expires: 2026-02-01}]\n"
    assert judge(SOUND, DECLARED + known, keyspace=KEYSPACE).status is Status.PASSED
    assert judge({**SOUND, "cart:1": None}, keyspace=KEYSPACE).status is Status.FAILED
