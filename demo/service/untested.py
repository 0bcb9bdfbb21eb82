"""A pool that never tests its connections: the seeded defect ``failover``."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg_pool import AsyncConnectionPool

NOTICED = 15.0
"""Seconds after which somebody looks after a connection that is broken: the defect is to be seen, not to last."""


class Untested(AsyncConnectionPool[Any]):
    """Hands the connections out again that were used before, whether they live or not."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: list[tuple[Any, float]] = []

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[Any]:
        """A connection that was used before, if there is one."""
        connection, broken = self._kept.pop() if self._kept else (await self.getconn(timeout), 0.0)
        try:
            yield connection
        finally:
            if connection.closed:
                broken = broken or time.monotonic()
            if broken and time.monotonic() - broken > NOTICED:
                await self.putconn(connection)
            else:
                self._kept.append((connection, broken))
