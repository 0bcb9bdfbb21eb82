"""What audit.yaml says of the systems to be read, and of the identities to read them as."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from pytest_backend_audit.config.values import (
    Dsn,
    HostPort,
    Items,
    KeyPattern,
    Lifetime,
    Location,
    Milliseconds,
    Pointer,
    RedisUrl,
    Seconds,
    Strict,
    Text,
    Url,
    UrlPath,
    senseless,
)

EvictionPolicy = Literal[
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
]


class Postgres(Strict):
    """A PostgreSQL server, read as the monitoring role."""

    dsn: Dsn
    """Connection string of the monitoring role, usually `${AUDIT_POSTGRES_DSN}`."""


class Pgbouncer(Strict):
    """The administration console of PgBouncer."""

    dsn: Dsn
    """Connection string of the console (database `pgbouncer`), as a user of `stats_users`."""


class KeyLifetime(Strict):
    """How long keys of one kind may live, and why."""

    at_most: Lifetime | None = None
    """Longest lifetime, in seconds, jitter included; left out where such keys rightly stay for ever."""
    reason: Text
    """Why that is right for what they hold."""


class RedisDeclared(Strict):
    """What the team has decided about its cache, to be compared with what the server says."""

    maxmemory_policy: EvictionPolicy | None = None
    """Eviction policy that was chosen."""
    maxmemory: Text | None = None
    """Memory limit that was chosen, as redis.conf writes it: `512mb`."""
    round_trip: Milliseconds | None = None
    """Bound of the median round trip, in milliseconds, where it is more than a local one."""
    lifetimes: dict[KeyPattern, KeyLifetime] = Field(default_factory=dict)
    """How long keys live, by kind: a pattern with `*` and `?`, of which the most particular that matches counts."""


class Redis(Strict):
    """A Redis or Valkey server, read as the audit's own user."""

    url: RedisUrl
    """URL of the server, usually `${AUDIT_REDIS_URL}`."""
    declared: RedisDeclared = RedisDeclared()
    """What the team has decided about it."""


class Instance(Strict):
    """How an answer tells which instance gave it."""

    url: Location
    """Path below `base_url`."""
    pointer: Pointer = ""
    """JSON pointer to the instance's name in the answer; empty for the whole body."""


class Http(Strict):
    """The audited service itself."""

    base_url: Url
    """Where clients of the service reach it."""
    openapi: Text | None = None
    """OpenAPI document: a path that the service answers (starts with `/`), a URL, or a file in the tree."""
    hosts: Items[Text] = ()
    """Further hosts that a request may be led to; all others are refused."""
    public: Items[UrlPath] = ()
    """Paths that are meant to answer without credentials."""
    health: UrlPath | None = None
    """Liveness path."""
    ready: UrlPath | None = None
    """Readiness path."""
    metrics: Items[Url] = ()
    """Metrics pages, one URL for each instance."""
    instance: Instance | None = None
    """How an answer tells which instance gave it."""
    error_path: UrlPath | None = None
    """A path whose handler fails on purpose, to see what an error leaves behind."""
    restart: Items[Text] = ()
    """Command that deploys all instances anew: program and arguments, run without a shell."""
    ca_file: Text | None = None
    """Certificates to trust instead of the system's (PEM file)."""


class _Credentials(Strict):
    token: Text | None = None
    """Bearer token."""
    username: Text | None = None
    """User name, with `password`."""
    password: Text | None = None
    """Password, with `username`."""
    headers: dict[str, Text] = Field(default_factory=dict)
    """Headers sent with each request."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise senseless("username and password belong together; one of them is missing")
        if self.token is not None and self.username is not None:
            raise senseless("give a token, or username and password, not both")
        return self


class Prometheus(_Credentials):
    """The Prometheus server, or one that speaks its API, that watches the service."""

    url: Url
    """Base URL of its API."""
    selector: dict[str, Text] = Field(default_factory=dict)
    """Labels that pick the service's series: `{job: orders}`."""
    ca_file: Text | None = None
    """Certificates to trust instead of the system's (PEM file)."""


class Identity(_Credentials):
    """A test identity of the service."""

    roles: Items[Text] = ()
    """What it may do, in the service's own words; `admin` marks an administrator."""
    tenant: Text | None = None
    """Whose data it may see, in the service's own words."""

    @model_validator(mode="after")
    def _some_way(self) -> Self:
        if self.token is None and self.username is None and not self.headers:
            raise senseless("found no credentials; allowed: token, username with password, headers")
        return self


class Dependency(Strict):
    """Something that the service depends on, and how a fault is set on the way to it."""

    proxy: Text | None = None
    """The fault proxy's name for the way to it; by default its own name."""
    speaks: Literal["postgres", "redis", "http", "tls"] | None = None
    """Its protocol, by which the audit sees a fault; by default that of the target of its name."""
    address: HostPort | None = None
    """`HOST:PORT` where the audit reaches it through the proxy, where that is not what the proxy says."""
    restart: Items[Text] = ()
    """Command that restarts it: program and arguments, run without a shell."""


class Faults(Strict):
    """The proxy between the service and its dependencies by which faults are set."""

    url: Url | None = None
    """API of toxiproxy, or of the proxy that comes with this package."""
    dependencies: Annotated[dict[str, Dependency], Field(min_length=1)]
    """By name: that of a target, or your own."""
    lease: Annotated[float, Field(gt=0, le=300)] = 120.0
    """Seconds after which a fault ends by itself."""


class Downstream(Strict):
    """A listener of the audit's own, in the place of something that the service calls over HTTP."""

    listen: HostPort | None = None
    """`HOST:PORT` where the service calls it; with `dependency`, where the fault proxy does (any free port)."""
    dependency: Text | None = None
    """Dependency of `targets.faults` whose proxy is led to the listener while a check asks for it."""
    forward: Url | None = None
    """Where requests go on to; with `dependency`, where they went before."""

    @model_validator(mode="after")
    def _some_way(self) -> Self:
        if self.listen is None and self.dependency is None:
            raise senseless("found no way to the listener; allowed: listen, dependency, or both")
        return self


class QueueTable(Strict):
    """A queue that is a table of `targets.postgres`, such as an outbox."""

    table: Text
    """The table, `schema.table` or `table`."""
    created: Text = "created_at"
    """Column that says when a message was put there."""
    done: Text | None = None
    """Column that is null for as long as a message waits; left out where messages that are done are removed."""


class Queues(Strict):
    """Queues between parts of the service."""

    tables: Annotated[dict[str, QueueTable], Field(min_length=1)]
    """Those that are tables of the database, by name."""


class Timeouts(Strict):
    """Deadlines of what the audit asks of the systems. Seconds."""

    connect: Seconds = 5.0
    """Opening a connection."""
    statement: Seconds = 30.0
    """One SQL statement, or one Redis command."""
    lock: Seconds = 2.0
    """Waiting for a lock in a SQL statement."""
    request: Seconds = 10.0
    """One HTTP request."""
    command: Seconds = 60.0
    """One command line, where the check doesn't say."""


class Targets(Strict):
    """Systems to be read, by name. Names that other plugins bring hold whatever those plugins ask for."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, dict[str, Any]] = Field(init=False)

    postgres: Postgres | None = None
    """The service's PostgreSQL."""
    replica: Postgres | None = None
    """A read replica of it."""
    pgbouncer: Pgbouncer | None = None
    """The console of the PgBouncer in front of it."""
    redis: Redis | None = None
    """The service's Redis or Valkey."""
    http: Http | None = None
    """The service itself."""
    prometheus: Prometheus | None = None
    """What watches the service."""
    faults: Faults | None = None
    """The proxy by which faults are set."""
    downstream: Downstream | None = None
    """A listener in the place of something that the service calls."""
    queues: Queues | None = None
    """What parts of the service hand to each other later."""


BUILT_IN: tuple[str, ...] = tuple(Targets.model_fields)
"""Names of the targets that this package brings."""
