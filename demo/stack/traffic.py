"""Bounded background traffic: what a quiet afternoon looks like to the service.

Run as ``python -m pytest_backend_audit.demo.stack.traffic BASE_URL normal|busy``; the tokens come as JSON
in ``TRAFFIC_TOKENS``.

``normal`` sends some 60 requests a second, most of them repeated reads of a few hot orders, with a share of lists,
writes, misses and failures, so that every counter has something to count. The rates are absolute: a faster machine gets
no more. A hot key is read three times a second, so that a cache lifetime of one second shows in the hit rate. Nobody
places orders, so that an audit can count those that it places itself.
``busy`` adds eight clients that ask for totals of the whole table, each as soon as its last answer came.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from pytest_backend_audit.demo.stack.ask import tls

HOT_ORDERS = 8
"""Per tenant."""
SESSION = 5.0
"""Seconds after which a client opens a new connection, so that every instance gets its share: some five a second."""
BUSY_CLIENTS = 8


@dataclass(slots=True)
class Client:
    """One kind of request of one tenant, on a connection of its own."""

    base_url: str
    token: str
    orders: list[dict[str, Any]] = field(default_factory=list)
    http: httpx.AsyncClient = field(init=False)
    _turn: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.http = _connection(self.base_url)

    async def reconnect(self) -> None:
        """Go on with a new connection."""
        await self.http.aclose()
        self.http = _connection(self.base_url)

    async def send(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """One request as this tenant."""
        headers = {"Authorization": f"Bearer {self.token}", **kwargs.pop("headers", {})}
        return await self.http.request(method, path, headers=headers, **kwargs)

    async def hot_read(self) -> None:
        """A hot order, each in its turn."""
        order = self.orders[next(self._turn) % len(self.orders)]
        await self.send("GET", f"/v1/orders/{order['id']}")

    async def customer(self) -> None:
        """A customer who orders much."""
        await self.send("GET", f"/v1/customers/{self.orders[0]['customer_id']}")

    async def listing(self) -> None:
        """The first page, which no cache serves."""
        await self.send("GET", "/v1/orders")

    async def lookup(self) -> None:
        """An order by the client's own name for it."""
        order = self.orders[next(self._turn) % len(self.orders)]
        await self.send("GET", "/v1/orders", params={"reference": order["reference"] or "none"})

    async def change(self) -> None:
        """Mark an order as paid: a write that empties a cache entry."""
        order = self.orders[next(self._turn) % len(self.orders)]
        await self.send("PATCH", f"/v1/orders/{order['id']}", json={"status": "paid"})

    async def price(self) -> None:
        """What a popular article costs."""
        await self.send("GET", "/v1/prices/SKU-0001")

    async def absent(self) -> None:
        """An order that isn't there: 404."""
        await self.send("GET", "/v1/orders/999999999")

    async def outage(self) -> None:
        """An article whose supplier is down: 502."""
        await self.send("GET", "/v1/prices/SKU-OUTAGE")

    async def stranger(self) -> None:
        """Somebody without a token: 401."""
        await self.http.get("/v1/orders")


RATES: Sequence[tuple[Callable[[Client], Coroutine[Any, Any, None]], float]] = (
    *[(Client.hot_read, 6.0)] * 4,
    (Client.customer, 2.0),
    (Client.listing, 5.0),
    (Client.lookup, 1.0),
    (Client.change, 0.25),
    (Client.price, 0.5),
    (Client.absent, 0.5),
    (Client.outage, 0.25),
    (Client.stranger, 0.25),
)
"""Requests a second, for each tenant."""


def _connection(base_url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base_url, timeout=5, trust_env=False, verify=tls())


async def _hot_orders(base_url: str, token: str) -> list[dict[str, Any]]:
    """The tenant's newest orders, as soon as the service tells them."""
    while True:
        with contextlib.suppress(httpx.HTTPError):
            async with _connection(base_url) as http:
                headers = {"Authorization": f"Bearer {token}"}
                answer = await http.get("/v1/orders", params={"limit": HOT_ORDERS}, headers=headers)
                orders: list[dict[str, Any]] = answer.raise_for_status().json()["orders"]
                return orders
        await asyncio.sleep(0.1)


async def _every(rate: float, client: Client, request: Callable[[Client], Coroutine[Any, Any, None]]) -> None:
    """Send at a constant rate, whatever the answers; a request that fails is the service's matter, not ours."""
    loop = asyncio.get_running_loop()
    due = loop.time() + random.random() / rate  # noqa: S311 - spreads the beginnings
    session = max(1, round(rate * SESSION))
    for number in itertools.count(1):
        await asyncio.sleep(max(0.0, due - loop.time()))
        with contextlib.suppress(httpx.HTTPError):
            await request(client)
        if number % session == 0:
            await client.reconnect()
        # Requests that fell due while one was slow are dropped, not caught up with: the traffic stays bounded.
        due = max(due + 1 / rate, loop.time())


async def _totals(client: Client) -> None:
    while True:
        try:
            await client.send("GET", "/v1/admin/totals")
        except httpx.HTTPError:
            await asyncio.sleep(0.1)


async def _run(base_url: str, profile: str, tokens: dict[str, str]) -> None:
    work = []
    for token in (tokens["alice"], tokens["bob"]):
        orders = await _hot_orders(base_url, token)
        work += [_every(rate, Client(base_url, token, orders), request) for request, rate in RATES]
    if profile == "busy":
        work += [_totals(Client(base_url, tokens["admin"])) for _ in range(BUSY_CLIENTS)]
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(job) for job in work]
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: [task.cancel() for task in tasks])
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks)


def main(argv: Sequence[str]) -> int:
    """Send until told to stop."""
    base_url, profile = argv
    asyncio.run(_run(base_url, profile, json.loads(os.environ["TRAFFIC_TOKENS"])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
