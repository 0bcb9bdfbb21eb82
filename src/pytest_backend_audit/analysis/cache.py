"""What a cache's counters and settings say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_backend_audit.analysis.attribution import Part
from pytest_backend_audit.analysis.units import redis_bytes

INSPECTING = frozenset(
    {"ttl", "pttl", "expiretime", "pexpiretime", "type", "object", "dump", "getrange", "substr", "lindex", "hscan",
     "sscan", "zscan", "srandmember", "xrange"}
)  # fmt: skip
"""Commands that look into a cache rather than use it, as audits do. The server counts each as one lookup."""


@dataclass(frozen=True, slots=True)
class Lookups:
    """Lookups over a window.

    The server counts what looks into the cache (`INSPECTING`) as well, mostly as hits, and does not say which lookups
    these were: the rate of the others lies between two bounds.
    """

    hits: float
    misses: float
    inspections: float = 0.0
    """Those of the hits and misses that only looked into the cache."""

    @property
    def total(self) -> float:
        """Hits and misses, without inspections."""
        return self.hits + self.misses - self.inspections

    @property
    def least(self) -> float:
        """The hit rate if each inspection was a hit; 0 where nothing was looked up."""
        return max(0.0, self.hits - self.inspections) / self.total if self.total > 0 else 0.0

    @property
    def most(self) -> float:
        """The hit rate if as many inspections as possible were misses; 0 where nothing was looked up."""
        return min(self.hits, self.total) / self.total if self.total > 0 else 0.0


def counters(info: Mapping[str, Any]) -> dict[str, float]:
    """What INFO tells of lookups: ``hits``, ``misses``, ``inspections``, and ``lookups`` that were none.

    Args:
        info: INFO all, read in one go, so that its counters fit each other.

    Raises:
        ValueError: The server does not tell its commands apart.
    """
    calls = {name.removeprefix("cmdstat_"): told["calls"] for name, told in info.items() if name.startswith("cmdstat_")}
    hits, misses = float(info["keyspace_hits"]), float(info["keyspace_misses"])
    if not calls and hits + misses > 0:  # a command is counted when it has ended: the first INFO of all shows none
        raise ValueError("INFO commandstats is empty")
    # From 7.0 on subcommands are counted by themselves: object|encoding.
    looked = float(sum(count for name, count in calls.items() if name.partition("|")[0].lower() in INSPECTING))
    return {"hits": hits, "misses": misses, "inspections": looked, "lookups": hits + misses - looked}


def lookups(delta: Mapping[str, float]) -> Lookups:
    """Lookups from the rise of `counters`."""
    return Lookups(delta["hits"], delta["misses"], delta["inspections"])


def without(requests: int, found: Iterable[Part]) -> int:
    """How many of our requests, at least, did not find what they asked for: they missed, or waited for another's load.

    Args:
        requests: How many there were.
        found: Our parts of ``hits`` and ``misses``.
    """
    by_name = {part.name: part for part in found}
    hits, misses = by_name.get("hits"), by_name.get("misses")
    unserved = requests - (hits.most if hits else 0.0)
    return min(requests, int(max(0.0, unserved, misses.least if misses else 0.0)))


def served(requests: int, found: Iterable[Part]) -> bool:
    """Whether most of our requests certainly found what they asked for, and missed nothing.

    Args:
        requests: How many there were.
        found: Our parts of ``hits`` and ``misses``.
    """
    by_name = {part.name: part for part in found}
    return by_name["hits"].least > requests / 2 > by_name["misses"].most


def evicts(policy: str, keyspace: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a server that has reached its limit makes room.

    Args:
        policy: Its eviction policy.
        keyspace: INFO keyspace: of each database that has any, its ``keys`` and those of them that expire.
    """
    some = any(int(told["expires"]) for told in keyspace.values())
    return policy.startswith("allkeys-") or (policy.startswith("volatile-") and some)


def eviction_faults(
    memory: Mapping[str, Any], policy: str | None, limit: str | None, keyspace: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """What is wrong with the memory limit and the eviction policy.

    Args:
        memory: INFO memory: ``maxmemory`` (bytes, 0 for none) and ``maxmemory_policy``.
        policy: The declared policy; None where none is.
        limit: The declared limit, as redis.conf writes it; None where none is.
        keyspace: INFO keyspace, as for `evicts`.
    """
    found = []
    has_policy, has_limit = str(memory["maxmemory_policy"]), int(memory["maxmemory"])
    if has_limit == 0:
        found.append("maxmemory is 0: the cache grows until the machine has no memory left")
    if has_policy == "noeviction":
        found.append("maxmemory-policy is noeviction: once the memory is full, writes fail")
    keys = sum(int(told["keys"]) for told in keyspace.values())
    if has_policy.startswith("volatile-") and keys and not evicts(has_policy, keyspace):
        found.append(
            f"maxmemory-policy is {has_policy}, and none of {keys} keys expires: nothing can be evicted, and once the "
            "memory is full, writes fail"
        )
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
