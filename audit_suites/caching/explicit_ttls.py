"""Keys expire, and the lifetime of each kind of key was chosen for it.

A bounded scan of the database that the URL names looks at keys and at how long each still lives, never at values. Keys
count by kind: by the pattern that the team declares in audit.yaml, under targets.redis.declared.lifetimes, with a
longest lifetime and the reason for it, else by what their names have in common. Kinds that may rightly stay are
declared without at_most. Of the server's other databases is told how many keys never expire: where there are any,
nothing is proven until somebody has acknowledged them.

Impact: An entry that never expires is served for as long as its source goes on changing, and memory fills with what
nobody asks for. One lifetime for everything is too long for what changes and too short for what doesn't.

Remediation: Give every write to the cache a lifetime (SET ... EX), chosen by how stale that kind of entry may be, with
some jitter; declare it with its reason.

Verification: SCAN, then TTL of each key: none answers -1, none more than what is declared for its kind.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.lifetimes import GONE, alike, faults, kinds, undying
from pytest_backend_audit.analysis.text import lines, listed
from pytest_backend_audit.suites.caching._asking import is_refusal, key_text, must_be_seen, sampled_keys

LIFETIMES = "targets.redis.declared.lifetimes"


@audit(dimension="4.3", criterion="explicit-ttls", level=3)
def test_every_kind_of_key_has_a_chosen_lifetime(
    audit_redis: Any, audit_declared: Any, audit_settings: Any, audit_acknowledged: Any
) -> None:
    """Keys expire, and the lifetime of each kind of key was chosen for it."""
    sample, reasons = audit_settings.value("key-sample"), audit_settings.value("ttl-reasons")
    keys = sampled_keys(audit_redis, int(sample.number))
    asking = audit_redis.pipeline()
    for key in keys:
        asking.ttl(key)
    replies = dict(zip(keys, asking.execute(raise_on_error=False), strict=True))
    lifetimes = [(key_text(key), ttl) for key, ttl in replies.items() if isinstance(ttl, int) and ttl != GONE]
    refused = sum(map(is_refusal, replies.values()))
    if not lifetimes:
        must_be_seen(refused, len(keys))
        raise CouldNotRun("the cache holds no keys: audit while the service is used")

    declared = {pattern: lifetime.at_most for pattern, lifetime in audit_declared(LIFETIMES, default={}).items()}
    found = kinds(lifetimes, declared)
    unchosen = audit_acknowledged(faults(found, reasons=bool(reasons.value)), key="kind")
    remark = f"; {said}" if (said := alike(found)) else ""
    assert not unchosen, (
        f"{len(unchosen)} of {len(found)} kinds of key have no lifetime that was chosen for them{remark}"
        f"{lines(unchosen)}\n"
        f"looked at: {len(lifetimes)} keys, at most {sample}; each kind needs a declared reason: {reasons}\n"
        f"to declare one: {LIFETIMES} ({audit_declared.origin(LIFETIMES)}); to acknowledge: {unchosen.names}"
    )
    must_be_seen(refused, len(keys))
    looked_at = f"db{audit_redis.connection_pool.connection_kwargs.get('db') or 0}"
    elsewhere = undying(audit_redis.info("keyspace"), looked_at)
    left = audit_acknowledged(elsewhere)
    if left:
        raise CouldNotRun(
            f"{sum(elsewhere[name] for name in left)} keys of databases that were not looked at never expire: "
            f"{listed(f'{name}: {elsewhere[name]}' for name in left)}; looked at is {looked_at}, by targets.redis.url; "
            f"to acknowledge: {left.names}"
        )
