"""Every statement that the service sends to its database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from .logs import REQUEST_ID
from .settings import Settings
from .traced import RoutedCursor, TracedCursor
from .untested import Untested

Connection = AsyncConnection[DictRow]
Pool = AsyncConnectionPool[Connection]

ORDER = "id, customer_id, reference, status, total_cents, created_at"
"""Columns of an order."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an order with its price."""

    sku: str
    quantity: int
    unit_price_cents: int


def make_pool(settings: Settings) -> Pool:
    """A pool that is closed still.

    Connections are checked when they are handed out, and end of old age, so that a restart of the database or of
    the pooler costs no request. Statements are prepared where the way to the database lets them: before 1.21 PgBouncer
    doesn't, in transaction mode.
    """
    prepare = settings.prepare and not settings.has("prepared-statements")
    kwargs: dict[str, Any] = {
        "autocommit": True,
        "prepare_threshold": 0 if prepare else None,
        "row_factory": dict_row,
    }
    if settings.application_name:
        kwargs["application_name"] = settings.application_name
    if not settings.has("statement-tracing"):
        kwargs["cursor_factory"] = RoutedCursor if prepare else TracedCursor
    limits: dict[str, Any] = {"max_lifetime": settings.pool_max_lifetime, "max_idle": settings.pool_max_idle}
    if settings.has("pool-lifetimes"):
        limits = {}  # what the library takes instead: an hour
    if settings.has("churn"):
        limits["max_lifetime"] = 0.001
    size: dict[str, Any] = (
        {} if settings.has("pool-size") else {"min_size": settings.pool_min, "max_size": settings.pool_max}
    )
    if settings.has("pool-formula-size"):
        size["max_size"] = settings.pool_max + settings.pool_max // 2
    if settings.has("load-validated"):
        size = {"min_size": 1, "max_size": 1}
    kind = Untested if settings.has("failover") else AsyncConnectionPool
    return kind(
        settings.database_url,
        connection_class=Connection,
        kwargs=kwargs,
        timeout=2.0,
        max_waiting=64,
        check=AsyncConnectionPool.check_connection,
        name=settings.instance,
        open=False,
        **size,
        **limits,
    )


async def ping(connection: Connection) -> None:
    """Raise if the database doesn't answer."""
    await connection.execute("SELECT 1")


async def scans(connection: Connection) -> list[DictRow]:
    """How often each table was scanned from beginning to end, and how many rows that read, as the server counts."""
    return await (
        await connection.execute("SELECT relname, seq_scan, seq_tup_read FROM pg_stat_user_tables ORDER BY relname")
    ).fetchall()


async def order(connection: Connection, tenant: str, order_id: int) -> dict[str, Any] | None:
    """One order of the tenant with its lines, ready for JSON."""
    row = await (
        await connection.execute(f"SELECT {ORDER} FROM orders WHERE id = %s AND tenant = %s", (order_id, tenant))  # noqa: S608 - a constant
    ).fetchone()
    return (await with_items(connection, [row]))[0] if row else None


async def order_rows(connection: Connection, tenant: str, limit: int, before: int | None) -> list[DictRow]:
    """A page of the tenant's orders, newest first, without their lines."""
    query = f"SELECT {ORDER} FROM orders WHERE tenant = %s AND id < %s ORDER BY id DESC LIMIT %s"  # noqa: S608 - a constant
    return await (await connection.execute(query, (tenant, before or 2**63 - 1, limit))).fetchall()


async def orders(connection: Connection, tenant: str, limit: int, before: int | None) -> list[dict[str, Any]]:
    """A page of the tenant's orders, newest first; two statements, however many orders."""
    return await with_items(connection, await order_rows(connection, tenant, limit, before))


async def orders_by_id(connection: Connection, tenant: str, ids: Sequence[int]) -> list[dict[str, Any]]:
    """The tenant's orders with these numbers; two statements, however many."""
    query = f"SELECT {ORDER} FROM orders WHERE tenant = %s AND id = ANY(%s)"  # noqa: S608 - a constant
    return await with_items(connection, await (await connection.execute(query, (tenant, list(ids)))).fetchall())


async def orders_of_reference(
    connection: Connection, tenant: str, reference: str, limit: int, before: int | None
) -> list[dict[str, Any]]:
    """A page of the tenant's orders that the client gave this name, newest first."""
    query = (
        f"SELECT {ORDER} FROM orders WHERE tenant = %s AND reference = %s AND id < %s"  # noqa: S608 - a constant
        " ORDER BY id DESC LIMIT %s"
    )
    rows = await (await connection.execute(query, (tenant, reference, before or 2**63 - 1, limit))).fetchall()
    return await with_items(connection, rows)


async def set_status(connection: Connection, tenant: str, order_id: int, status: str) -> bool:
    """Whether there was such an order to change."""
    done = await connection.execute(
        "UPDATE orders SET status = %s WHERE id = %s AND tenant = %s", (status, order_id, tenant)
    )
    return done.rowcount == 1


async def customer(connection: Connection, tenant: str, customer_id: int) -> dict[str, Any] | None:
    """One customer of the tenant."""
    return await (
        await connection.execute(
            "SELECT id, name, email FROM customers WHERE id = %s AND tenant = %s", (customer_id, tenant)
        )
    ).fetchone()


async def customers_by_id(connection: Connection, tenant: str, ids: Sequence[int]) -> list[DictRow]:
    """The tenant's customers with these numbers."""
    query = "SELECT id, name, email FROM customers WHERE tenant = %s AND id = ANY(%s)"
    return await (await connection.execute(query, (tenant, list(ids)))).fetchall()


async def hot(connection: Connection) -> list[tuple[str, str, str]]:
    """Kind, tenant and identifier of what instances have noted as hot, each once."""
    rows = await (await connection.execute("SELECT entries FROM hot_entries ORDER BY instance")).fetchall()
    return list(dict.fromkeys((kind, tenant, name) for row in rows for kind, tenant, name in row["entries"]))


async def note_hot(connection: Connection, instance: str, entries: Sequence[tuple[str, str, str]]) -> None:
    """Note what was hot in an instance; it replaces what that one noted before."""
    await connection.execute(
        "INSERT INTO hot_entries (instance, entries) VALUES (%s, %s)"
        " ON CONFLICT (instance) DO UPDATE SET entries = excluded.entries, noted_at = now()",
        (instance, Jsonb(entries)),
    )


async def order_count(connection: Connection, tenant: str, customer_id: int) -> int | None:
    """How many orders a customer of the tenant has placed; None if there is no such customer."""
    row = await (
        await connection.execute(
            "SELECT (SELECT count(*) FROM orders WHERE customer_id = customers.id) AS orders"
            " FROM customers WHERE id = %s AND tenant = %s",
            (customer_id, tenant),
        )
    ).fetchone()
    return int(row["orders"]) if row else None


async def totals(connection: Connection) -> list[dict[str, Any]]:
    """Orders and amounts by tenant and state: reads the whole table, for administrators only."""
    return await (
        await connection.execute(
            "SELECT tenant, status, count(*) AS orders, sum(total_cents)::bigint AS total_cents"
            " FROM orders GROUP BY tenant, status ORDER BY tenant, status"
        )
    ).fetchall()


async def add_order(
    connection: Connection, tenant: str, customer_id: int, reference: str, lines: Sequence[Line]
) -> dict[str, Any]:
    """Insert an order with its lines; inside a transaction of the caller's."""
    total = sum(line.quantity * line.unit_price_cents for line in lines)
    row = await (
        await connection.execute(
            "INSERT INTO orders (tenant, customer_id, reference, total_cents)"  # noqa: S608 - a constant
            f" VALUES (%s, %s, %s, %s) RETURNING {ORDER}",
            (tenant, customer_id, reference, total),
        )
    ).fetchone()
    assert row is not None
    await connection.execute(
        "INSERT INTO order_items (order_id, line, sku, quantity, unit_price_cents)"
        " SELECT %s, * FROM unnest(%s::smallint[], %s::text[], %s::integer[], %s::bigint[])",
        (
            row["id"],
            list(range(1, len(lines) + 1)),
            [line.sku for line in lines],
            [line.quantity for line in lines],
            [line.unit_price_cents for line in lines],
        ),
    )
    return (await with_items(connection, [row]))[0]


async def put_out(connection: Connection, tenant: str, order_id: int, event: str) -> None:
    """Put a message into the outbox; inside the transaction of what it tells of."""
    await connection.execute(
        "INSERT INTO outbox (tenant, order_id, event, request_id) VALUES (%s, %s, %s, %s)",
        (tenant, order_id, event, REQUEST_ID.get()),
    )


async def claim_out(connection: Connection, most: int) -> list[DictRow]:
    """The oldest messages of the outbox that nobody else has, locked until the caller's transaction ends."""
    return await (
        await connection.execute(
            "SELECT id, tenant, order_id, event, request_id FROM outbox ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED",
            (most,),
        )
    ).fetchall()


async def drop_out(connection: Connection, ids: Sequence[int]) -> None:
    """Remove messages that were told."""
    await connection.execute("DELETE FROM outbox WHERE id = ANY(%s)", (list(ids),))


async def outbox(connection: Connection) -> tuple[int, float]:
    """How many messages wait, and for how many seconds the oldest has; 0 for none."""
    row = await (
        await connection.execute("SELECT count(*) AS messages, now() - min(created_at) AS age FROM outbox")
    ).fetchone()
    assert row is not None
    return row["messages"], row["age"].total_seconds() if row["age"] else 0.0


async def claim_key(connection: Connection, tenant: str, key: str, request_hash: str) -> bool:
    """Take an idempotency key for this transaction.

    A second transaction with the same key waits here for the first one's end, and is then told False; that the
    primary key says so, and not a look before the leap, is what makes it safe.
    """
    done = await connection.execute(
        "INSERT INTO idempotency_keys (tenant, key, request_hash) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (tenant, key, request_hash),
    )
    return done.rowcount == 1


async def stored_answer(connection: Connection, tenant: str, key: str) -> tuple[str, Any] | None:
    """Hash of the request and the answer that are stored under a key."""
    row = await (
        await connection.execute(
            "SELECT request_hash, response FROM idempotency_keys WHERE tenant = %s AND key = %s", (tenant, key)
        )
    ).fetchone()
    return (row["request_hash"], row["response"]) if row else None


async def store_answer(connection: Connection, tenant: str, key: str, order_id: int, answer: object) -> None:
    """Store the answer that replays of the key will get."""
    await connection.execute(
        "UPDATE idempotency_keys SET order_id = %s, response = %s WHERE tenant = %s AND key = %s",
        (order_id, Jsonb(answer), tenant, key),
    )


async def with_items(connection: Connection, rows: Sequence[DictRow]) -> list[dict[str, Any]]:
    """The orders with their lines, ready for JSON; one statement, however many."""
    if not rows:
        return []
    found = await (
        await connection.execute(
            "SELECT order_id, sku, quantity, unit_price_cents FROM order_items"
            " WHERE order_id = ANY(%s) ORDER BY order_id, line",
            ([row["id"] for row in rows],),
        )
    ).fetchall()
    items: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    for item in found:
        items[item.pop("order_id")].append(item)
    return [{**row, "created_at": row["created_at"].isoformat(), "items": items[row["id"]]} for row in rows]
