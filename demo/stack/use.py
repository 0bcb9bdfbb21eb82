"""When a stack counts as in use: requests come through, and every instance has something to tell about them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx

from pytest_backend_audit.demo.stack import ask
from pytest_backend_audit.demo.stack.pgbouncer import PgBouncer
from pytest_backend_audit.demo.stack.process import wait_for
from pytest_backend_audit.demo.stack.service import FrontDoor, Instance

ERROR_PATH = "/v1/prices/SKU-OUTAGE"
"""Asks the service for what its downstream can't give: a true 502."""
WARM_LOOKUPS = 40
"""Cache lookups that each instance has to have made."""
BURST = 12
"""Requests at once that open the pooler's connections to the server."""
CALM = 3_000.0
"""Microseconds of waiting, as the pooler averages it, under which it counts as calm: a third of what an audit takes."""
QUEUE = 100_000.0
"""Microseconds of waiting over which clients are seen to queue: ten times what an audit takes."""


def await_use(
    serving: Sequence[Instance], front: FrontDoor, pooler: PgBouncer | None, token: str, defects: Collection[str]
) -> None:
    """Wait until every instance has counted lookups, answers and an error, and the pooler is as it will stay.

    Args:
        serving: The instances that the front door knows.
        front: The front door.
        pooler: The pooler, where there is one.
        token: Bearer token of a user.
        defects: Names of the defects that are on; what they make impossible is not waited for.

    Raises:
        StackError: It takes too long.
    """
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{front.url}/v1/orders"
    wait_for(lambda: _get(url, headers).is_success, "the service to answer at its front door", process=front.process)
    if pooler is not None and "pooler-too-small" not in defects:
        # A burst opens the connections that a later one would have to wait for; that wait is let go by, below.
        with ThreadPoolExecutor(max_workers=BURST) as pool:
            list(pool.map(lambda _: _get(url, headers), range(BURST)))
    for instance in serving:
        with contextlib.suppress(httpx.TransportError):  # the error that every instance has to have counted
            _get(f"{instance.url}{ERROR_PATH}", headers)
        if "no-affinity" not in defects:  # with it, one of them gets no traffic
            wait_for(partial(_is_warm, instance.url), f"traffic at {instance.name}", process=instance.process)
    if pooler is None:
        return
    if "pooler-too-small" in defects:
        wait_for(lambda: pooler.average_wait() > QUEUE, "clients to queue at the pooler", process=pooler.process)
    else:
        wait_for(lambda: pooler.average_wait() < CALM, "the pooler to get calm", process=pooler.process)


def _get(url: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return ask.get(url, headers=headers, timeout=5)


def _is_warm(url: str) -> bool:
    lines = _get(f"{url}/metrics").raise_for_status().text.splitlines()
    lookups = (float(line.rpartition(" ")[2]) for line in lines if line.startswith("cache_lookups_total{"))
    return sum(lookups) >= WARM_LOOKUPS
