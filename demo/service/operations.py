"""Routes for those who run the service: health, readiness, build, instance, metrics. All public."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import psycopg
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from psycopg_pool import PoolTimeout

from . import store
from .errors import error_response
from .metrics import CONTENT_TYPE
from .models import Caller, Version
from .resources import Held

PUBLIC = frozenset({"/healthz", "/readyz", "/version", "/metrics", "/openapi.json", "/v1/whoami"})
TABLES_TIMEOUT = 0.2
"""Seconds that the metrics page waits for the database's counts; without, it tells those of before."""
READY_TIMEOUT = 1.0
"""Seconds that the database may take to say that it is there."""


def build() -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        """The process lives; says nothing of its dependencies, so that their outage restarts nobody."""
        return {"status": "ok"}

    @router.get("/readyz", response_model=None)
    async def readyz(held: Held) -> JSONResponse:
        """The instance can do its work: it has loaded what is hot, and reaches the database. It needs no cache."""
        if held.warm_up.under_way:
            return error_response(503, "not_ready", "What is hot is being loaded into the cache.")
        try:
            async with asyncio.timeout(READY_TIMEOUT), held.pool.connection(READY_TIMEOUT) as connection:
                await store.ping(connection)
        except (TimeoutError, PoolTimeout, psycopg.Error):
            return error_response(503, "not_ready", "The database can't be reached.")
        return JSONResponse({"status": "ready"})

    @router.get("/version")
    async def version(held: Held) -> Version:
        """The commit that this instance was built from."""
        return Version(sha=held.settings.revision)

    @router.get("/v1/whoami")
    async def whoami(request: Request, held: Held) -> Caller:
        """Which instance answered, and whom it takes the caller for."""
        identity = request.scope.get("state", {}).get("identity")
        return Caller(instance=held.settings.instance, identity=identity.name if identity else None)

    @router.get("/metrics", include_in_schema=False)
    async def metrics(held: Held) -> Response:
        """All series of this instance, and how the database reads its tables, if it tells at once."""
        with suppress(TimeoutError, PoolTimeout, psycopg.Error):
            async with asyncio.timeout(TABLES_TIMEOUT), held.pool.connection(TABLES_TIMEOUT) as connection:
                held.metrics.observe_tables(await store.scans(connection))
        return Response(held.metrics.exposition(), media_type=CONTENT_TYPE)

    return router
