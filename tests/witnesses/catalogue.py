"""Which defect turns which check red, by which words: the witnesses of every bundled criterion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Witness:
    """One defect of one row, seen by one check."""

    row: str
    """Row of the standard: dimension/criterion/level."""
    defect: str
    """The defect, in the row's words; empty for one that the row doesn't list."""
    switch: str
    """The reference stack's name for it."""
    check: str
    """The check that has to see it, below ``pytest_backend_audit.suites``."""
    says: tuple[str, ...]
    """What its message must hold."""
    also: tuple[str, ...] = ()
    """Other checks that the defect must turn red too, since it is in their way as well."""
    maybe: tuple[str, ...] = ()
    """Other checks that it may turn red."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Settings of the audit, where the reference stack is too young for the standard's."""

    def __str__(self) -> str:
        return f"{self.switch}-{self.row.rpartition('/')[2]}"


QUERY_LOGGING = "query_performance.query_logging::test_slow_statements_are_logged"
FOREIGN_KEYS = "query_performance.foreign_key_indexes::test_every_foreign_key_leads_an_index"
INDEXES = "query_performance.index_hygiene::test_no_index_is_invalid_double_or_idle"
HEADROOM = "connections.headroom::test_connections_leave_headroom"
IDENTITY = "connections.connection_identity::test_every_connection_names_its_application"
POOLER = "connections.pooler::test_the_service_comes_through_a_pooler"
HIT_RATE_3 = "caching.hit_rate::test_the_cache_was_built_to_be_hit"
HIT_RATE_4 = "caching.hit_rate::test_the_cache_is_tuned"
LIFETIMES = "caching.explicit_ttls::test_every_kind_of_key_has_a_chosen_lifetime"
EVICTION = "caching.eviction_policy::test_eviction_is_as_declared"
LATENCY = "latency.latency_tracked::test_every_instance_measures_latency"
RED = "observability.red_metrics::test_rate_errors_and_duration_are_exported"
REPLAYS = "reliability.idempotency::test_replays_in_a_row_make_one_row"
RACES = "reliability.idempotency::test_replays_at_once_make_one_row"
READS = "security.authentication::test_reads_ask_for_credentials"
OPERATIONS = "security.authentication::test_every_operation_asks_for_credentials"
HEADERS = "security.security_headers::test_answers_carry_security_headers"
SPREAD = "scalability.no_affinity::test_requests_spread_over_instances"

WITNESSES = (
    Witness(
        "4.1/query-logging/L2",
        "log_min_duration_statement is -1",
        "query-logging-off",
        QUERY_LOGGING,
        ("log_min_duration_statement is -1 for everybody", "at most 1 s (standard)"),
    ),
    Witness(
        "4.1/query-logging/L2",
        "log_min_duration_statement is one hour",
        "query-logging-hour",
        QUERY_LOGGING,
        ("log_min_duration_statement is 1h for everybody",),
    ),
    Witness(
        "4.1/foreign-key-indexes/L3",
        "a foreign key's column has no index",
        "foreign-key-indexes",
        FOREIGN_KEYS,
        (
            "1 of 3 foreign keys without an index",
            "orders_customer_id_fkey on public.orders (customer_id)",
            "CREATE INDEX CONCURRENTLY ON public.orders (customer_id);",
            "foreign-key-indexes:public.orders.customer_id",
        ),
    ),
    Witness(
        "4.1/index-hygiene/L3",
        "an index exists twice",
        "index-hygiene-duplicate",
        INDEXES,
        ("public.orders_tenant_recent_idx on public.orders equals public.orders_tenant_id_idx",),
    ),
    Witness(
        "4.1/index-hygiene/L3",
        "an index is invalid",
        "index-hygiene-invalid",
        INDEXES,
        ("public.orders_status_key on public.orders is invalid",),
    ),
    Witness(
        "4.1/index-hygiene/L3",
        "",
        "index-hygiene-unused",
        INDEXES,
        ("public.order_items_label_idx on public.order_items was never used and takes 13.",),
        thresholds={"unused-index-days": 0},
    ),
    Witness(
        "4.2/headroom/L3",
        "max_connections is nearly used up",
        "headroom",
        HEADROOM,
        ("of 80 connections are in use", "the limit is 0.8 (standard)", "batch-import: 65"),
    ),
    Witness(
        "4.2/connection-identity/L3",
        "application_name is empty",
        "connection-identity",
        IDENTITY,
        ("client connections have no application_name; by role: orders_app",),
    ),
    Witness(
        "4.2/pooler/L4",
        "the service connects directly",
        "pooler-bypassed",
        POOLER,
        ("sessions did not come through PgBouncer: orders_app@orders-1:", "pooler:orders_app@orders-2"),
    ),
    Witness(
        "4.2/pooler/L4",
        "the pooler is in session mode",
        "pooler-session-mode",
        POOLER,
        ("1 of 1 pools are not in transaction mode: orders/orders_app (session)",),
    ),
    Witness(
        "4.2/pooler/L4",
        "the pooler's pool is too small",
        "pooler-too-small",
        POOLER,
        ("clients waited for a server connection", "at most 0 clients (standard) may"),
        maybe=(HIT_RATE_3, HIT_RATE_4),
    ),
    Witness(
        "4.3/hit-rate/L3",
        "the key has a random part",
        "hit-rate-random-key",
        HIT_RATE_3,
        ("0 % of", "lookups hit the cache; it should be at least 0.6 (standard)"),
        also=(HIT_RATE_4,),
    ),
    Witness(
        "4.3/hit-rate/L4",
        "entries live for one second",
        "hit-rate-short-ttl",
        HIT_RATE_4,
        ("lookups hit the cache; it should be more than 0.8 (standard)",),
        maybe=(HIT_RATE_3,),
    ),
    Witness(
        "4.3/explicit-ttls/L3",
        "keys never expire",
        "explicit-ttls-none",
        LIFETIMES,
        (
            "3 of 3 kinds of key have no lifetime that was chosen for them",
            "- orders:v*:*:price:*: ",
            "keys never expire, declared is at most 132 s",
            "explicit-ttls:orders:v*:*:price:*",
        ),
    ),
    Witness(
        "4.3/explicit-ttls/L3",
        "every key lives for one hour",
        "explicit-ttls-hour",
        LIFETIMES,
        ("all 3 kinds that expire live alike, for up to 3", "s, declared is at most 330 s", "audit.yaml:"),
    ),
    Witness(
        "4.3/eviction-policy/L4",
        "the policy is noeviction",
        "eviction-policy",
        EVICTION,
        ("maxmemory-policy is noeviction, declared is allkeys-lru", "audit.yaml:"),
    ),
    Witness(
        "4.4/latency-tracked/L2",
        "the metric is removed",
        "latency-tracked",
        LATENCY,
        ("2 of 2 instances don't measure latency", "has no histogram or summary of request durations"),
        also=(RED,),
    ),
    Witness(
        "4.5/red-metrics/L3",
        "errors are not counted",
        "red-metrics",
        RED,
        ("5 requests that ended in an error (502 to 502) were not counted on 2 metrics pages: errors rose by 0",),
    ),
    Witness(
        "4.6/idempotency/L3",
        "the key is ignored",
        "idempotency-ignored",
        REPLAYS,
        ("sent in a row: POST /v1/orders: 5 requests (standard) with one key made 5 rows; there should be one",),
        also=(RACES,),
    ),
    Witness(
        "4.6/idempotency/L3",
        "concurrent requests race past the key",
        "idempotency-race",
        RACES,
        ("sent at once", "POST /v1/orders: 5 requests (standard) with one key made"),
    ),
    Witness(
        "4.7/authentication/L2",
        "one path is open",
        "authentication-open-path",
        READS,
        ("1 of 5 protected operations don't ask for credentials - GET /v1/admin/totals answered 200",),
        also=(OPERATIONS,),
    ),
    Witness(
        "4.7/security-headers/L3",
        "the headers are removed",
        "security-headers",
        HEADERS,
        (
            "faults in security headers (least max-age is 15768000 s (standard))",
            "Strict-Transport-Security is missing: 20 of 20 answers",
            "Permissions-Policy is missing",
        ),
    ),
    Witness(
        "4.8/no-affinity/L3",
        "callers stick to an instance",
        "no-affinity",
        SPREAD,
        ("40 requests on new connections were answered by 1 of 2 instances", "two at least, each with 15 % or more"),
    ),
)
"""In the standard's order."""
