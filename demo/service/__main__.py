"""Run one instance: ``python -m orders``, configured by ``ORDERS_*`` variables."""

from __future__ import annotations

import asyncio
import os
import sys

import uvicorn

from . import logs
from .app import create
from .resources import Resources
from .settings import CONNECTIONS, Settings, SettingsError

DRAIN = 10
"""Seconds that requests in flight get to finish after SIGTERM."""


async def _serve(settings: Settings) -> None:
    config = uvicorn.Config(
        create(settings, Resources.make(settings)),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN,
        timeout_keep_alive=30,
        limit_concurrency=CONNECTIONS,
    )
    await uvicorn.Server(config).serve()


def main() -> int:
    """Serve until told to stop."""
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"orders: {error}\n")
        return 2
    logs.set_up(settings.instance)
    asyncio.run(_serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
