"""What the instance counts about itself, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from .settings import Settings

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 2.0, 5.0)
"""Seconds. They bracket the objectives of cached reads, plain reads and writes alike."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class PoolCounts(Collector):
    """What the pool itself counts since it was opened."""

    def __init__(self, stats: Callable[[], dict[str, int]]) -> None:
        self._stats = stats

    def collect(self) -> Iterable[Metric]:
        """Who asked for a connection, and how long all of them waited together."""
        told = self._stats()
        asked, waited = told.get("requests_num", 0), told.get("requests_wait_ms", 0) / 1000
        yield CounterMetricFamily("db_pool_requests", "Requests for a database connection.", value=asked)
        yield CounterMetricFamily("db_pool_wait_seconds", "Time that they waited for it, together.", value=waited)


class Metrics:
    """The series of one instance, in a registry of their own."""

    def __init__(self, settings: Settings) -> None:
        self._forget_errors = settings.has("red-metrics")
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter(
            "http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._duration: Histogram | None = None
        if not settings.has("latency-tracked"):
            self._duration = Histogram(
                "http_request_duration_seconds",
                "Time from the request's first byte to the answer's last.",
                ["method", "route", "status"],
                buckets=BUCKETS,
                registry=self.registry,
            )
        self.cache_lookups = Counter(
            "cache_lookups", "Lookups in the cache.", ["kind", "result"], registry=self.registry
        )
        self._scans = Gauge(
            "pg_stat_user_tables_seq_scan", "Sequential scans of a table.", ["relname"], registry=self.registry
        )
        self._scanned = Gauge(
            "pg_stat_user_tables_seq_tup_read", "Rows that they read.", ["relname"], registry=self.registry
        )
        self._forget_pool = settings.has("pool-metrics")
        if self._forget_pool:
            return
        self._pool = Gauge(
            "db_pool_connections", "Connections of the database pool, by state.", ["state"], registry=self.registry
        )
        self._waiting = Gauge(
            "db_pool_requests_waiting", "Requests that wait for a database connection.", registry=self.registry
        )
        self._maximum = Gauge("db_pool_max_connections", "Size of the database pool.", registry=self.registry)

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        if self._forget_errors and status >= 400:
            return
        labels = (method, route, str(status))
        self._requests.labels(*labels).inc()
        if self._duration is not None:
            self._duration.labels(*labels).observe(seconds)

    def watch_pool(self, stats: Callable[[], dict[str, int]]) -> None:
        """Read the pool's own numbers whenever somebody asks for the metrics."""
        if self._forget_pool:
            return
        self._pool.labels("idle").set_function(lambda: stats().get("pool_available", 0))
        self._pool.labels("active").set_function(lambda: stats().get("pool_size", 0) - stats().get("pool_available", 0))
        self._waiting.set_function(lambda: stats().get("requests_waiting", 0))
        self._maximum.set_function(lambda: stats().get("pool_max", 0))
        self.registry.register(PoolCounts(stats))

    def observe_tables(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Keep the database's own counts of how tables are read, under the names that postgres_exporter gives them."""
        for row in rows:
            self._scans.labels(row["relname"]).set(row["seq_scan"])
            self._scanned.labels(row["relname"]).set(row["seq_tup_read"])

    def exposition(self) -> bytes:
        """All series in the text format."""
        return generate_latest(self.registry)
