"""Hot keys, and how the keys spread over their prefixes, are known.

A bounded scan tells how the keys spread over their kinds. Which of them are hot the server tells only under an LFU
policy, which counts how often each is used (OBJECT FREQ); under another one, the service has to tell it, by a metric of
its own on one of its pages (targets.http.metrics) whose name speaks of hot keys.

Impact: One key that everybody reads is served by one core of one server, whatever the cluster's size; nobody sees that
coming, and nobody can say which one it was.

Remediation: Let the server count (CONFIG SET maxmemory-policy allkeys-lfu, or volatile-lfu where some keys must stay,
and the same in redis.conf and in audit.yaml), and look at the hottest keys regularly (redis-cli --hotkeys); or count in
the service, on a sample of lookups, and export the hottest.

Verification: redis-cli --hotkeys lists keys instead of an error.

Effort: S
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pytest_backend_audit import CouldNotRun, audit
from pytest_backend_audit.analysis.hot_keys import counting, hottest, telling
from pytest_backend_audit.analysis.lifetimes import Naming
from pytest_backend_audit.suites.caching._asking import (
    is_refusal,
    key_text,
    must_be_seen,
    sampled_keys,
    whole_cache,
)

LIFETIMES, POLICY = "targets.redis.declared.lifetimes", "targets.redis.declared.maxmemory_policy"
PAGES = "targets.http.metrics"


@audit(dimension="4.3", criterion="hot-keys", level=5)
def test_hot_keys_are_known(
    audit_redis: Any, audit_http: Any, audit_declared: Any, audit_settings: Any, audit_evidence: Any
) -> None:
    """Hot keys, and how the keys spread over their prefixes, are known."""
    sample = audit_settings.value("key-sample")
    cache = whole_cache(audit_redis)
    keys = sampled_keys(cache, int(sample.number))
    named = Naming(audit_declared(LIFETIMES, default={}))
    kinds = [named.kind(key_text(key)) for key in keys]
    spread = "\n".join(f"{kind}: {count}" for kind, count in Counter(kinds).most_common())
    audit_evidence.command(f"how {len(keys)} of {cache.dbsize()} keys spread over their kinds", spread)

    policy = str(cache.info("memory")["maxmemory_policy"])
    if policy.endswith("lfu"):
        asking = cache.pipeline()
        for key in keys:
            asking.object("FREQ", key)
        replies = asking.execute(raise_on_error=False)
        uses = [use if isinstance(use, int) else 0 for use in replies]
        if not any(uses):
            raise CouldNotRun(f"the server tells of none of {len(keys)} keys how often it is used (OBJECT FREQ)")
        audit_evidence.command("the hottest of them by kind (OBJECT FREQ, a logarithm)", hottest(kinds, uses))
        must_be_seen(sum(map(is_refusal, replies)), len(keys))
        return
    declared = str(audit_declared(POLICY, default=""))
    found = [name for url in audit_declared(PAGES, ()) for name in telling(audit_http.get(url).text)]
    assert found, (
        f"nothing tells which keys are hot: maxmemory-policy is {policy}, under which the server counts no uses, and "
        f"no metric of {len(audit_declared(PAGES, ()))} pages speaks of hot keys: "
        f"CONFIG SET maxmemory-policy {counting(policy, declared)} ({len(keys)} keys were looked at, at most {sample})"
    )
