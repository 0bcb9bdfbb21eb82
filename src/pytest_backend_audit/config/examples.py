"""What a bundled check may ask audit.yaml for: of each key a line to begin with, and what it tells.

No schema: that is in `model` and `targets`. A test loads every line by it; another holds the keys to what checks read.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """One declaration."""

    line: str
    """Its last key with a value that would do, as it stands below the keys around it."""
    meaning: str
    """What it tells, in a few words, small enough for a comment."""
    told: str = ""
    """What a message says instead of the line, where redaction would take the line's value for a secret."""


EXAMPLES: dict[str, Example] = {
    "targets.postgres": Example('postgres: {dsn: "${AUDIT_POSTGRES_DSN}"}', "the service's PostgreSQL"),
    "targets.replica": Example('replica: {dsn: "${AUDIT_REPLICA_DSN}"}', "a read replica of it"),
    "targets.pgbouncer": Example('pgbouncer: {dsn: "${AUDIT_PGBOUNCER_DSN}"}', "the console of its pooler"),
    "targets.redis": Example('redis: {url: "${AUDIT_REDIS_URL}"}', "the service's Redis or Valkey"),
    "targets.redis.declared.maxmemory_policy": Example(
        "maxmemory_policy: allkeys-lru", "the eviction policy you chose"
    ),
    "targets.redis.declared.maxmemory": Example("maxmemory: 512mb", "the memory limit you chose"),
    "targets.redis.declared.round_trip": Example(
        "round_trip: 2", "milliseconds to the cache, where it is not next to the audit"
    ),
    "targets.redis.declared.lifetimes": Example(
        'lifetimes: {"price:*": {at_most: 132, reason: two minutes are fine}}', "how long keys may live, in seconds"
    ),
    "targets.http": Example('http: {base_url: "http://127.0.0.1:8000"}', "the service itself"),
    "targets.http.openapi": Example("openapi: /openapi.json", "a path that it answers, or a file in the tree"),
    "targets.http.public": Example("public: [/healthz]", "answers without credentials, on purpose"),
    "targets.http.ready": Example("ready: /readyz", "answers 200 as soon as an instance can serve"),
    "targets.http.metrics": Example('metrics: ["http://127.0.0.1:8000/metrics"]', "one for each instance"),
    "targets.http.instance": Example(
        "instance: {url: /v1/whoami, pointer: /instance}", "an answer that tells which instance gave it"
    ),
    "targets.http.error_path": Example("error_path: /v1/error", "a path whose handler fails on purpose"),
    "targets.http.restart": Example(
        "restart: [kubectl, rollout, restart, deployment/orders]", "a command that deploys all instances anew"
    ),
    "targets.prometheus": Example('prometheus: {url: "http://127.0.0.1:9090"}', "what watches the service"),
    "targets.prometheus.selector": Example("selector: {job: orders}", "labels that pick the service's series"),
    "targets.faults": Example(
        'faults: {url: "http://127.0.0.1:8474", dependencies: {postgres: {}, redis: {}}}',
        "the proxy (toxiproxy) on the way to what the service needs",
    ),
    "targets.downstream": Example(
        'downstream: {listen: "127.0.0.1:9191", forward: "http://127.0.0.1:9192"}',
        "where the audit listens in the place of something that the service calls",
    ),
    "targets.queues": Example(
        "queues: {tables: {outbox: {table: public.outbox, done: sent_at}}}", "queues that are tables of the database"
    ),
    "identities": Example(
        'identities: {alice: {token: "${ALICE_TOKEN}", tenant: acme}}',
        "test identities, to call the service as",
        'identities: {alice: {...}} with what she signs in by, as "What to declare" in the docs shows',
    ),
    "endpoints": Example(
        "endpoints: [{path: /v1/orders, class: read-cacheable, identity: alice, budget: 3}]",
        "what operations are for, and may cost in statements",
    ),
    "endpoints[].class": Example("class: read-cacheable", "what the operation is for: a class of the reference SLOs"),
    "endpoints[].budget": Example("budget: 3", "most SQL statements that one request may cause"),
    "endpoints[].shared": Example("shared: true", "all tenants rightly get the same answer"),
    "endpoints[].bodies": Example(
        "bodies: [{status: open}, {status: paid}]", "bodies of a write, each of which changes what a read then shows"
    ),
    "endpoints[].shows_at": Example("shows_at: /v1/orders/{order_id}", "the read that shows what this write changes"),
    "endpoints[].cold": Example(
        "cold: {order_id: {first: 1, last: 99999, step: 2}}", "values that exist, and that a cache rarely has"
    ),
    "endpoints[].hot": Example("hot: {order_id: {first: 1, last: 9}}", "values that are asked for most"),
    "endpoints[].idempotency": Example(
        "idempotency: {header: Idempotency-Key, table: public.orders}", "replays of one request have one effect there"
    ),
    "pools": Example(
        "pools: {orders: {size: 8, instances: 2, workers: 4, threads: 2, max_lifetime: 1800, idle_timeout: 600}}",
        "connection pools, as the service's configuration has them",
    ),
    "load": Example("load: {rate: 20, seconds: 30}", "an ordinary peak: requests a second over all endpoints"),
    "attestations": Example(
        "attestations: [{criterion: invalidation, kind: document, reference: docs/cache.md, title: Caches, "
        "date: 2026-01-01, who: Ann}]",
        "what only people can know, with its proof",
    ),
}
"""Dotted key -> its example, in the order in which audit.yaml has them."""


def example_of(key: str) -> Example | None:
    """The example of a key, or of the key around it: none for what lies anywhere in a target, or is no such key."""
    path = key.split(".")
    while key not in EXAMPLES and len(path) > 3:
        key = ".".join(path := path[:-1])
    return EXAMPLES.get(key)


def cure(key: str) -> str:
    """What a message about a missing key ends with: a line to paste, or nothing where there is none."""
    example = example_of(key)
    return f": declare it, for instance {example.told or example.line}" if example else ""
