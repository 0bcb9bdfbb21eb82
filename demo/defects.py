"""The switches: well-known defects that the reference stack can be given, one by one, and freed of again."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Where(StrEnum):
    """Which part of the stack a defect is in."""

    SERVICE = "service"
    DATABASE = "database"
    CONNECTIONS = "database connections"
    POOLER = "pooler"
    CACHE = "cache"
    BALANCER = "load balancer"
    FLEET = "number of instances"


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that is wrong."""

    name: str
    dimension: str
    criterion: str
    """The criterion whose check has to find it."""
    wrong: str
    """What is wrong, in one sentence."""
    where: Where
    sql: tuple[str, ...] = ()
    """Statements that bring it about (superuser, each by itself)."""
    undo: tuple[str, ...] = ()
    """Statements that put things right."""
    settings: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    """PostgreSQL setting -> value, what SHOW then answers, what it answers when sound."""
    pooler: Mapping[str, str | int] = field(default_factory=dict)
    """Options of `PgBouncer.restart`."""
    busy: bool = False
    """Whether it only shows under more traffic."""
    needs_pooler: bool = False
    note: str = ""


_CATALOGUE = (
    Defect(
        name="query-logging-off",
        dimension="4.1",
        criterion="query-logging",
        wrong="Slow statements are not logged: log_min_duration_statement is -1.",
        where=Where.DATABASE,
        settings={"log_min_duration_statement": ("-1", "-1", "200ms")},
    ),
    Defect(
        name="query-logging-hour",
        dimension="4.1",
        criterion="query-logging",
        wrong="Only statements that take an hour are logged.",
        where=Where.DATABASE,
        settings={"log_min_duration_statement": ("1h", "1h", "200ms")},
    ),
    Defect(
        name="foreign-key-indexes",
        dimension="4.1",
        criterion="foreign-key-indexes",
        wrong="orders.customer_id refers to customers, and no index begins with it.",
        where=Where.DATABASE,
        sql=("DROP INDEX orders_customer_id_idx",),
        undo=("CREATE INDEX orders_customer_id_idx ON orders (customer_id)",),
    ),
    Defect(
        name="index-hygiene-duplicate",
        dimension="4.1",
        criterion="index-hygiene",
        wrong="orders has two indexes on (tenant, id DESC).",
        where=Where.DATABASE,
        sql=("CREATE INDEX orders_tenant_recent_idx ON orders (tenant, id DESC)",),
        undo=("DROP INDEX orders_tenant_recent_idx",),
    ),
    Defect(
        name="index-hygiene-invalid",
        dimension="4.1",
        criterion="index-hygiene",
        wrong="A unique index on orders.status could not be built, and its invalid remains were left.",
        where=Where.DATABASE,
        # Fails on purpose, the way such an index comes about: duplicates are met while it is built concurrently.
        sql=("CREATE UNIQUE INDEX CONCURRENTLY orders_status_key ON orders (status)",),
        undo=("DROP INDEX orders_status_key",),
    ),
    Defect(
        name="index-hygiene-unused",
        dimension="4.1",
        criterion="index-hygiene",
        wrong="A large index on order_items serves no statement.",
        where=Where.DATABASE,
        sql=(
            "CREATE INDEX order_items_label_idx ON order_items ((lpad(order_id::text || '-' || line::text, 300, sku)))",
        ),
        undo=("DROP INDEX order_items_label_idx",),
        note="The demo's statistics are minutes old: it shows only if the criterion's minimum age is lowered.",
    ),
    Defect(
        name="headroom",
        dimension="4.2",
        criterion="headroom",
        wrong="A forgotten batch job holds four fifths of all connections.",
        where=Where.CONNECTIONS,
    ),
    Defect(
        name="connection-identity",
        dimension="4.2",
        criterion="connection-identity",
        wrong="The service doesn't tell the database its name.",
        where=Where.SERVICE,
    ),
    Defect(
        name="pooler-bypassed",
        dimension="4.2",
        criterion="pooler",
        wrong="The service connects past the pooler, directly to the database.",
        where=Where.SERVICE,
        needs_pooler=True,
    ),
    Defect(
        name="pooler-session-mode",
        dimension="4.2",
        criterion="pooler",
        wrong="The pooler keeps a server connection for each client: session mode.",
        where=Where.POOLER,
        pooler={"mode": "session"},
        needs_pooler=True,
    ),
    Defect(
        name="pooler-too-small",
        dimension="4.2",
        criterion="pooler",
        wrong="The pooler has one server connection, and clients queue for it.",
        where=Where.POOLER,
        pooler={"pool_size": 1},
        busy=True,
        needs_pooler=True,
    ),
    Defect(
        name="hit-rate-random-key",
        dimension="4.3",
        criterion="hit-rate",
        wrong="Cache keys have a random part: nothing is ever found again.",
        where=Where.SERVICE,
    ),
    Defect(
        name="hit-rate-short-ttl",
        dimension="4.3",
        criterion="hit-rate",
        wrong="Cache entries live one second, less than it takes until most are asked for again.",
        where=Where.SERVICE,
    ),
    Defect(
        name="explicit-ttls-none",
        dimension="4.3",
        criterion="explicit-ttls",
        wrong="Cache entries never expire.",
        where=Where.SERVICE,
    ),
    Defect(
        name="explicit-ttls-hour",
        dimension="4.3",
        criterion="explicit-ttls",
        wrong="Every cache entry lives for an hour, whatever is in it.",
        where=Where.SERVICE,
    ),
    Defect(
        name="eviction-policy",
        dimension="4.3",
        criterion="eviction-policy",
        wrong="The cache refuses writes when it is full: noeviction.",
        where=Where.CACHE,
    ),
    Defect(
        name="latency-tracked",
        dimension="4.4",
        criterion="latency-tracked",
        wrong="Nothing measures how long requests take.",
        where=Where.SERVICE,
    ),
    Defect(
        name="red-metrics",
        dimension="4.5",
        criterion="red-metrics",
        wrong="Requests that fail are not counted.",
        where=Where.SERVICE,
    ),
    Defect(
        name="idempotency-ignored",
        dimension="4.6",
        criterion="idempotency",
        wrong="The idempotency key is accepted and ignored: each replay makes another order.",
        where=Where.SERVICE,
    ),
    Defect(
        name="idempotency-race",
        dimension="4.6",
        criterion="idempotency",
        wrong="The key is looked up before and written after the order: replays at the same moment make several.",
        where=Where.SERVICE,
    ),
    Defect(
        name="authentication-open-path",
        dimension="4.7",
        criterion="authentication",
        wrong="GET /v1/admin/totals answers everybody.",
        where=Where.SERVICE,
    ),
    Defect(
        name="security-headers",
        dimension="4.7",
        criterion="security-headers",
        wrong="No security header is sent.",
        where=Where.SERVICE,
    ),
    Defect(
        name="multi-instance",
        dimension="4.8",
        criterion="multi-instance",
        wrong="A single instance serves everything.",
        where=Where.FLEET,
    ),
    Defect(
        name="no-affinity",
        dimension="4.8",
        criterion="no-affinity",
        wrong="The load balancer ties a client to one instance by its address.",
        where=Where.BALANCER,
    ),
)

CATALOGUE: Mapping[str, Defect] = {defect.name: defect for defect in _CATALOGUE}
"""Every defect by its name, in the standard's order."""

_ALTERNATIVES = (
    ("query-logging-off", "query-logging-hour"),
    ("hit-rate-random-key", "hit-rate-short-ttl"),
    ("hit-rate-short-ttl", "explicit-ttls-none", "explicit-ttls-hour"),
    ("idempotency-ignored", "idempotency-race"),
)
"""Defects that take each other's place."""

DEFAULT = (
    "foreign-key-indexes",
    "index-hygiene-duplicate",
    "eviction-policy",
    "idempotency-race",
    "authentication-open-path",
)
"""What the demo's service suffers from unless one asks otherwise."""


def parse(text: str) -> tuple[str, ...]:
    """The names in ``default``, ``none`` or ``name,name``.

    Raises:
        ValueError: A name that doesn't exist, or two that exclude each other; the message says which would do.
    """
    if text == "none":
        return ()
    if text == "default":
        return DEFAULT
    return checked(name.strip() for name in text.split(",") if name.strip())


def checked(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once, in the catalogue's order.

    Raises:
        ValueError: As for `parse`.
    """
    wanted = set(names)
    for name in sorted(wanted - CATALOGUE.keys()):
        close = difflib.get_close_matches(name, CATALOGUE, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(CATALOGUE)}"
        raise ValueError(f"no such defect: {name} ({hint})")
    for alternatives in _ALTERNATIVES:
        if len(both := [name for name in alternatives if name in wanted]) > 1:
            raise ValueError(f"{both[0]} and {both[1]} can't be on together")
    return tuple(name for name in CATALOGUE if name in wanted)
