"""What those see who run the shop."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


class Pool(Collector):
    """The pool of database connections of this process."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As the pool counts at this moment."""
        stats = connection.pool.get_stats()
        idle = stats.get("pool_available", 0)
        states = {"active": stats.get("pool_size", 0) - idle, "idle": idle, "waiting": stats.get("requests_waiting", 0)}
        told = "Connections, and requests that wait for one."
        family = GaugeMetricFamily("shop_db_pool_connections", told, labels=["pool", "state"])
        for state, count in states.items():
            family.add_metric(["shop", state], count)
        yield family


REGISTRY = CollectorRegistry()
REGISTRY.register(Pool())


def healthz(_: HttpRequest) -> JsonResponse:
    """The process lives."""
    return JsonResponse({"status": "ok"})


def readyz(_: HttpRequest) -> JsonResponse:
    """It reaches its database."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except OperationalError:
        return JsonResponse({"status": "the database can't be reached"}, status=503)
    return JsonResponse({"status": "ready"})


def version(_: HttpRequest) -> JsonResponse:
    """The commit that this was built from."""
    return JsonResponse({"sha": settings.REVISION})


def metrics(_: HttpRequest) -> HttpResponse:
    """Its series."""
    return HttpResponse(generate_latest(REGISTRY), content_type="text/plain; version=0.0.4")
