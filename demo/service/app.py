"""The application, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import ASGIApp

from . import errors, operations, routes
from .middleware import Authentication, RequestScope, SecurityHeaders
from .resources import Resources
from .settings import Settings


def create(settings: Settings, held: Resources) -> ASGIApp:
    """The whole service as one ASGI application.

    The layers outside of the framework see every answer, those that the framework gives to errors too.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await held.open()
        yield
        await held.close()

    # The interactive pages would load scripts from other hosts, which our own headers forbid.
    api = FastAPI(title="Orders", version="1.0.0", docs_url=None, redoc_url=None, lifespan=lifespan)
    api.state.resources = held
    errors.install(api)
    api.include_router(operations.build())
    api.include_router(routes.build(settings))

    public = operations.PUBLIC
    if settings.has("authentication-open-path"):
        public = public | {routes.TOTALS_PATH}
    app: ASGIApp = Authentication(api, settings.identities, public)
    app = RequestScope(app, held.metrics)
    return app if settings.has("security-headers") else SecurityHeaders(app)
