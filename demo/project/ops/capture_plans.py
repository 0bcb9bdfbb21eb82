"""Writes what the database makes of the service's statements: python ops/capture_plans.py plans.json.

The service's own functions are called on a database with our seed data, and auto_explain tells each plan to the client.
PLANS_DSN is a superuser's, of an empty database.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import psycopg
from psycopg.rows import dict_row

sys.path.insert(0, str(Path(__file__).parents[1]))

from orders import seed, store  # type: ignore[import-not-found]  # its folder lies beside this one

TELLING = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_format = json",
    "SET auto_explain.log_verbose = on",
    "SET client_min_messages = log",
)


async def capture(dsn: str) -> list[dict[str, object]]:
    """Statement and plan, in the order of the calls."""
    told: list[dict[str, object]] = []

    def keep(notice: psycopg.errors.Diagnostic) -> None:
        _, _, plan = (notice.message_primary or "").partition("plan:\n")
        if plan:
            told.append(json.loads(plan))

    tenant = seed.TENANTS[0]
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        for statement in TELLING:
            await connection.execute(statement)
        connection.add_notice_handler(keep)
        await store.orders(connection, tenant, 20, None)
        await store.orders_of_reference(connection, tenant, "seed-1", 20, None)
        await store.order(connection, tenant, seed.ORDERS - 1)
        await store.customer(connection, tenant, seed.CUSTOMERS)
        await store.order_count(connection, tenant, seed.CUSTOMERS)
        await store.set_status(connection, tenant, seed.ORDERS - 1, "paid")
        await store.totals(connection)
    return told


def main(target: str) -> None:
    """Fill the database, and write the file."""
    dsn = os.environ["PLANS_DSN"]
    with psycopg.connect(dsn, autocommit=True) as connection:
        seed.create_schema(connection)
        seed.fill(connection)
    plans = asyncio.run(capture(dsn))
    Path(target).write_text(json.dumps(plans, indent=1), "utf-8")
    print(f"{len(plans)} plans in {target}")  # noqa: T201 - for CI's log


if __name__ == "__main__":
    main(sys.argv[1])
