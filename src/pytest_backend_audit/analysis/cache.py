"""What a cache's counters and settings say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.analysis.units import redis_bytes


@dataclass(frozen=True, slots=True)
class Lookups:
    """Lookups over a window."""

    hits: float
    misses: float

    @property
    def total(self) -> float:
        """Hits and misses."""
        return self.hits + self.misses

    @property
    def hit_rate(self) -> float:
        """Share of lookups that found something; 0 where there were none."""
        return self.hits / self.total if self.total else 0.0


def lookups(delta: Mapping[str, float]) -> Lookups:
    """Lookups from the rise of INFO's ``keyspace_hits`` and ``keyspace_misses``."""
    return Lookups(delta["keyspace_hits"], delta["keyspace_misses"])


def eviction_faults(memory: Mapping[str, Any], policy: str | None, limit: str | None) -> list[str]:
    """What is wrong with the memory limit and the eviction policy.

    Args:
        memory: INFO memory: ``maxmemory`` (bytes, 0 for none) and ``maxmemory_policy``.
        policy: The declared policy; None where none is.
        limit: The declared limit, as redis.conf writes it; None where none is.
    """
    found = []
    has_policy, has_limit = str(memory["maxmemory_policy"]), int(memory["maxmemory"])
    if has_limit == 0:
        found.append("maxmemory is 0: the cache grows until the machine has no memory left")
    if has_policy == "noeviction":
        found.append("maxmemory-policy is noeviction: once the memory is full, writes fail")
    if policy is None:
        found.append(f"no policy is declared that {has_policy} could be compared with")
    elif policy != has_policy:
        found.append(f"maxmemory-policy is {has_policy}, declared is {policy}: CONFIG SET maxmemory-policy {policy}")
    if limit is not None and redis_bytes(limit) != has_limit:
        found.append(f"maxmemory is {has_limit} bytes, declared is {limit}: CONFIG SET maxmemory {redis_bytes(limit)}")
    return found


def not_alone(server: Mapping[str, Any], replication: Mapping[str, Any]) -> str:
    """Why the server that is asked can't tell about the whole cache, or nothing.

    Args:
        server: INFO server: ``redis_mode``, or ``server_mode`` of Valkey.
        replication: INFO replication: ``role``.
    """
    mode = str(server.get("redis_mode") or server.get("server_mode") or "standalone")
    if mode == "sentinel":
        return "targets.redis is a sentinel, which holds no keys: name the server that it watches"
    if mode == "cluster":
        return "targets.redis is a node of a cluster, which knows of its own keys only; clusters aren't supported yet"
    if replication.get("role") == "slave":
        return "targets.redis is a replica, which counts its own lookups only: name its primary"
    return ""
