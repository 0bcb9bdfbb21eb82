"""The client of the pricing service: short timeouts, one retry with jitter, and only of what may be repeated."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import httpx

from .errors import ApiError
from .logs import REQUEST_ID
from .settings import Settings

TIMEOUT = httpx.Timeout(1.0, connect=0.5, pool=0.5)
ATTEMPTS = 2


class Pricing:
    """Asks the pricing service what things cost."""

    def __init__(self, settings: Settings) -> None:
        self._base_url = settings.pricing_url
        self._client = self._make()
        self._client_a_call = settings.has("http-pools")
        self._leaks = settings.has("socket-health")
        self._left: list[httpx.AsyncClient] = []

    def _make(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=20, max_keepalive_connections=10)
        return httpx.AsyncClient(base_url=self._base_url, timeout=TIMEOUT, limits=limits, trust_env=False)

    async def price(self, sku: str) -> dict[str, Any] | None:
        """The price of an article, or None if there is no such article.

        Raises:
            ApiError: The pricing service gives no usable answer (502).
        """
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(random.uniform(0.02, 0.08))  # noqa: S311 - spreads retries, guards nothing
            try:
                answer = await self._ask(sku)
            except httpx.TransportError:
                continue
            if answer.status_code == 404:
                return None
            if answer.is_success:
                return {"sku": sku, "unit_price_cents": int(answer.json()["unit_price_cents"])}
        raise ApiError(502, "pricing_unavailable", "The pricing service gives no answer.")

    async def _ask(self, sku: str) -> httpx.Response:
        path, headers = f"/prices/{sku}", {"X-Request-Id": REQUEST_ID.get()}
        if self._leaks:
            self._left.append(self._make())
            return await self._left[-1].get(path, headers=headers)
        if self._client_a_call:
            async with self._make() as client:
                return await client.get(path, headers=headers)
        return await self._client.get(path, headers=headers)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()
