"""A service with a cache and a database that count, for the checks of caching."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import httpx
from unit.suites.stranger import Service

from pytest_backend_audit.targets.budget import QueryBudget
from pytest_backend_audit.targets.endpoints import Endpoint, Endpoints

ALONE = {"server": {"redis_mode": "standalone"}, "replication": {"role": "master"}}


class Cached:
    """A service whose answers, hits and statements a function tells.

    Args:
        answer: The answer to a request; it counts by `hit` and `statement`.
        beside: What others do each time that somebody looks at the database's counters.
        info: Sections of INFO that differ from those of a server that stands alone.
    """

    def __init__(
        self,
        answer: Callable[[Cached, httpx.Request], httpx.Response],
        *,
        beside: Callable[[Cached], object] = lambda _: None,
        info: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.hits = 0
        self.misses = 0
        self.looks = 0
        self.service = Service(lambda request: answer(self, request))
        self._beside = beside
        self._info = {**ALONE, **(info or {})}

    def hit(self, count: int = 1) -> None:
        """The cache had it."""
        self.hits += count

    def look(self) -> None:
        """Another audit looked at how long an entry lives."""
        self.hits += 1
        self.looks += 1

    def statement(self, *texts: str) -> None:
        """The database was asked."""
        self.calls.update(texts)

    def info(self, section: str) -> Mapping[str, Any]:
        """For ``audit_redis``."""
        stats = {"keyspace_hits": self.hits, "keyspace_misses": self.misses}
        looks = {"cmdstat_info": {"calls": 1}, "cmdstat_ttl": {"calls": self.looks}}
        return {"stats": stats, "all": {**stats, **looks}, **self._info}[section]

    def execute(self, query: str) -> SimpleNamespace:
        """For ``audit_query_budget``: pg_stat_statements."""
        if "pg_extension" in query:
            return SimpleNamespace(fetchall=lambda: [("public",)])
        self._beside(self)
        rows = [(text, text, calls) for text, calls in self.calls.items()]
        return SimpleNamespace(fetchall=lambda: rows)

    def budget(self, around: Any) -> QueryBudget:
        """``audit_query_budget``."""
        return QueryBudget(around.runtime, lambda: self)


def endpoints(*found: Endpoint) -> Endpoints:
    """``audit_endpoints``."""
    return Endpoints(found, "literal")


def cacheable(*paths: str, **more: Any) -> Endpoints:
    """``audit_endpoints`` of reads that the cache is for."""
    return endpoints(*(Endpoint("GET", path, class_="read-cacheable", origin="audit.yaml:9", **more) for path in paths))
