"""Loads under way, so that whoever wants the same waits for the first one's result instead of loading it again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


class Flights:
    """Of one instance."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[Any]] = {}

    async def join(self, key: str, load: Callable[[], Awaitable[Any]]) -> Any:
        """The result of the load that is under way for a key, else of this one.

        A caller who goes away ends nobody else's load.
        """
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.ensure_future(load())
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(task)
