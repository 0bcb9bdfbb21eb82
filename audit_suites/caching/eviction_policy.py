"""The memory limit and the eviction policy were set on purpose, and equal what is declared.

What the server does is compared with targets.redis.declared in audit.yaml; a policy that nobody declared was not
chosen. One that evicts only what expires (volatile-*) does nothing while no key expires.

Impact: With noeviction the cache refuses writes once it is full; without a limit it grows until the machine kills it;
with a policy that nobody chose it throws away what is hot.

Remediation: Choose maxmemory and maxmemory-policy (allkeys-lru or allkeys-lfu for a cache, volatile-* where some keys
must stay), declare both in audit.yaml (targets.redis.declared), run the commands that the message gives, and write the
same into redis.conf.

Verification: INFO memory shows maxmemory and maxmemory_policy as declared.

Effort: S
"""

from __future__ import annotations

from typing import Any

from pytest_backend_audit import audit
from pytest_backend_audit.analysis.cache import eviction_faults

POLICY, LIMIT = "targets.redis.declared.maxmemory_policy", "targets.redis.declared.maxmemory"


@audit(dimension="4.3", criterion="eviction-policy", level=4)
def test_eviction_is_as_declared(audit_redis: Any, audit_declared: Any) -> None:
    """The memory limit and the eviction policy were set on purpose, and equal what is declared."""
    policy, limit = audit_declared(POLICY, default=None), audit_declared(LIMIT, default=None)
    faults = eviction_faults(audit_redis.info("memory"), policy, limit, audit_redis.info("keyspace"))
    assert not faults, f"{'; '.join(faults)} ({POLICY}, {audit_declared.origin(POLICY)})"
