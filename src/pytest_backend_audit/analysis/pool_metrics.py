"""What a metrics page says of the connection pools of its process: active, idle, waiting, and the most there may be.

Pools are told by the names that client libraries give their series: Prometheus clients of psycopg, SQLAlchemy and pgx,
HikariCP through Micrometer, Agroal of Quarkus, Prisma, Go's database/sql, OpenTelemetry's conventions, and what a team
calls its own by these words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from prometheus_client import Metric
from prometheus_client.samples import Sample

ACTIVE, IDLE, WAITING, MOST = "active", "idle", "waiting", "maximum"
SIGNALS = (ACTIVE, IDLE, WAITING)
"""What has to be exported of each pool."""

_POOL = re.compile(
    r"pool|hikari|agroal|(?:^|_)(?:go_sql|db_client|sql_client|datasource)_|(?:^|_)(?:connections?|conns)(?:_|$)"
)
_NOT_A_POOL = re.compile(r"^(?:process|python|go_mem|go_gc|jvm|http_server|nodejs|pg_|pgbouncer_)|thread|executor")
_OTHERWISE = {"prisma_client_queries_wait": "prisma_pool_connections_wait"}
"""Series of a pool whose name does not tell that they are."""
_NOT_A_DATABASE = re.compile(
    r"redis|valkey|jedis|lettuce|cache|http|netty|grpc|thread|executor|kafka|amqp|rabbit|mongo|elastic", re.IGNORECASE
)
_NOT_A_STATE = re.compile(
    r"second|milli|duration|time(?!r)|closed|created|error|fail|lost|bad|lifetime|usage_?ms|bytes|destroy|ratio|percent|_ms$|_ns$"
)
_WORDS = {
    ACTIVE: {
        "active",
        "used",
        "in_use",
        "inuse",
        "busy",
        "acquired",
        "checked_out",
        "checkedout",
        "borrowed",
        "leased",
    },
    IDLE: {"idle", "available", "free", "checked_in", "checkedin"},
    WAITING: {"waiting", "wait", "waiters", "pending", "queued", "queue", "blocked", "awaiting", "empty_acquire"},
    MOST: {"max", "maximum", "limit", "capacity"},
}
_STATE = re.compile(r"(?:^|_)(?:state|status)$")
_NAME = re.compile(r"^(?:pool|pool_name|db_client_connections?_pool_name|db_name|datasource|data_source|pool_id)$")
_NOISE = {"connections", "connection", "conns", "conn", "requests", "request", "clients", "count", "open", "total"}
_NOISE |= {"current", "number", "num", "size", "in", "use", "checked", "out", "empty", "acquire"}

Pools = dict[str, dict[str, float]]
"""Name of a pool -> signal -> its value."""


def exported(families: Iterable[Metric]) -> Pools:
    """The pools that a page tells of.

    A pool's name is the value of a label that names pools, else what the series' names have in common.
    """
    found: Pools = {}
    for family in families:
        name = _OTHERWISE.get(family.name, family.name)
        if not is_of_a_pool(name) or _NOT_A_STATE.search(name):
            continue
        for sample in family.samples:
            if sample.name.endswith(("_created", "_bucket", "_sum")):
                continue
            signal = _signal(name, sample)
            if signal is not None:
                values = found.setdefault(pool_of(name, sample), {})
                values[signal] = values.get(signal, 0.0) + sample.value
    return found


def assigned(pools: Mapping[str, object], found: Pools) -> dict[str, dict[str, float]]:
    """What is told of each declared pool: of the one with its name, else of the only one left that tells most.

    Where several are left that tell as much, none is taken, nor one whose name is that of something else than a
    database's pool, such as a cache's or an HTTP client's.

    Args:
        pools: Declared pools of the database, by name.
        found: Of one page.
    """
    left = [name for name in found if name not in pools and not _NOT_A_DATABASE.search(name)]
    told = {name: found.get(name, {}) for name in pools}
    most = [name for name in left if _told(found[name]) == max(_told(found[other]) for other in left)]
    nameless = next((name for name in pools if name not in found), None)
    if nameless is not None and len(most) == 1:
        told[nameless] = found[most[0]]
    return told


def of_databases(found: Pools, declared: Mapping[str, bool]) -> Pools:
    """Those of a page's pools that lead to a database.

    Args:
        found: Of one page.
        declared: Name of a declared pool -> whether it does; others are told by their names.
    """
    return {n: told for n, told in found.items() if declared.get(n, not _NOT_A_DATABASE.search(n))}


def signal_of(name: str, labels: Mapping[str, str]) -> str | None:
    """Which signal of a pool a series is, if it is one of a pool.

    Args:
        name: Of the metric.
        labels: Known ones, such as those that a selector asks for.
    """
    family = _OTHERWISE.get(name, name.removesuffix("_total"))
    if not is_of_a_pool(family) or _NOT_A_STATE.search(family):
        return None
    return _signal(family, Sample(name, dict(labels), 0.0))


def is_of_a_pool(family: str) -> bool:
    """Whether a metric is about a pool of connections, by its name."""
    return bool(_POOL.search(family)) and not _NOT_A_POOL.search(family)


def pool_of(family: str, sample: Sample) -> str:
    """Which pool a series is of: by a label that names it, else by what is left of the name.

    Args:
        family: Name of the metric.
        sample: One of its samples.
    """
    for label, value in sample.labels.items():
        if _NAME.match(label.lower()) and value:
            return value
    words = {part for signal in _WORDS.values() for word in signal for part in word.split("_")} | _NOISE
    return "_".join(part for part in family.split("_") if part not in words) or family


def _told(values: Mapping[str, float]) -> int:
    return sum(signal in values for signal in SIGNALS)


def _signal(family: str, sample: Sample) -> str | None:
    for label, value in sample.labels.items():
        if _STATE.search(label.lower()):
            return next((s for s, words in _WORDS.items() if value.lower().replace("-", "_") in words), None)
    said = {signal for signal, words in _WORDS.items() if any(_holds(family, word) for word in words)}
    # db_client_connection_idle_max is a limit of its own, and no state.
    return said.pop() if len(said) == 1 else None


def _holds(name: str, word: str) -> bool:
    return re.search(rf"(?:^|_){word}(?:_|$)", name) is not None
