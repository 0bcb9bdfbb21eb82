"""audit.yaml as pydantic models: the keys, their types, and what each means.

The models are the single source of the errors, the JSON Schema and the reference page.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from pytest_backend_audit.config.targets import Identity, Targets, Timeouts
from pytest_backend_audit.config.values import (
    Commit,
    Day,
    Item,
    Items,
    LevelNumber,
    Location,
    Milliseconds,
    Moment,
    Pointer,
    Regex,
    Scalar,
    Seconds,
    Severity,
    Sha256,
    Strict,
    Suites,
    Text,
    TreePath,
    UrlPath,
    Weight,
)

EnvironmentKind = Literal["prod", "stage", "canary", "local"]
NeedName = Literal["load", "writes", "faults", "probes"]
Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
Kind = Literal["output", "dashboard", "postmortem", "load", "code", "document", "verbal"]
Share = Annotated[float, Field(gt=0, le=1)]


class Build(Strict):
    """How the service tells which build it runs."""

    url: Location
    """Path below `targets.http.base_url`."""
    pointer: Pointer = ""
    """JSON pointer to the commit's SHA in the answer; empty for the whole body."""
    samples: Annotated[int, Field(ge=1, le=100)] = 5
    """How often it is asked: behind a load balancer each answer may come from another instance."""


class Objectives(Strict):
    """Objectives of one endpoint, where they differ from those of its class."""

    p50: Milliseconds | None = None
    """Median latency, milliseconds."""
    p95: Milliseconds | None = None
    """95th percentile, milliseconds."""
    p99: Milliseconds | None = None
    """99th percentile, milliseconds."""
    availability: Share | None = None
    """Share of requests that succeed, such as 0.999."""


class Idempotency(Strict):
    """How to see that a replayed request had one effect."""

    header: Text = "Idempotency-Key"
    """Header that carries the key."""
    table: Text
    """Table whose rows are counted, `schema.table` or `table`; a text of the body has `{key}` to tell them by."""


class Values(Strict):
    """Values of a parameter that exist: a range of numbers."""

    first: int
    """The lowest of them."""
    last: int
    """None of them is higher."""
    step: Annotated[int, Field(ge=1)] = 1
    """From each to the next."""


class Endpoint(Strict):
    """An operation of the service: what it is for, and what is promised of it."""

    path: UrlPath
    """Path or path template, as in the OpenAPI document."""
    method: Method = "GET"
    """HTTP method."""
    class_: Annotated[Text | None, Field(alias="class")] = None
    """Class of the reference SLOs, such as `read-uncached`."""
    budget: Annotated[int, Field(ge=0)] | None = None
    """Most SQL statements that one request may cause."""
    objectives: Objectives = Objectives()
    """Where they differ from those of the class."""
    identity: Text | None = None
    """Name of the identity that calls it."""
    query: dict[str, Scalar] = Field(default_factory=dict)
    """Query parameters of an ordinary request."""
    parameters: dict[str, Scalar] = Field(default_factory=dict)
    """Values for the path template."""
    body: Any = None
    """JSON body of an ordinary request."""
    bodies: Items[Any] = ()
    """JSON bodies of a write that are sent in turn, two or more, so that each changes what a read then shows."""
    shows_at: UrlPath | None = None
    """Path of the GET that shows what this write changes, with the same parameters; its own path, if left out."""
    shared: bool = False
    """Whether all tenants rightly get the same answer."""
    cold: dict[str, Values] = Field(default_factory=dict)
    """Values for the path template that exist, and of which the cache rarely has one, by parameter."""
    hot: dict[str, Values] = Field(default_factory=dict)
    """Values for the path template that are asked for most, by parameter; those of `parameters`, if left out."""
    idempotency: Idempotency | None = None
    """Set where replays of one request must have one effect."""


class Pool(Strict):
    """A connection pool of the service, as its configuration declares it."""

    target: Text = "postgres"
    """The target that it connects to."""
    size: Annotated[int, Field(ge=1)]
    """Most connections of one process."""
    processes: Annotated[int, Field(ge=1)] = 1
    """Processes of one instance, each with a pool of its own."""
    instances: Annotated[int, Field(ge=1)] = 1
    """Instances of the service."""
    workers: Annotated[int, Field(ge=1)] | None = None
    """Factor of the formula workers x threads x factor."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Factor of the formula workers x threads x factor."""
    factor: Annotated[float, Field(gt=0)] | None = None
    """Factor of the formula workers x threads x factor."""
    application_name: Text | None = None
    """How its connections name themselves: `orders`, or `orders-*`; left out where all of the target's are its."""
    max_lifetime: Seconds | None = None
    """Oldest age of a connection, seconds."""
    idle_timeout: Seconds | None = None
    """Longest idleness of a connection, seconds."""
    drain: Seconds | None = None
    """Time over which a deploy lets an instance give its connections back, seconds."""


class Load(Strict):
    """The load under which the service is judged."""

    rate: Annotated[float, Field(gt=0)]
    """Requests per second of an ordinary peak, over all endpoints."""
    seconds: Seconds = 30.0
    """How long a run under load lasts."""
    at_most: Annotated[float, Field(gt=0)] | None = None
    """Requests per second that the audit never exceeds; 200 unless set."""
    shares: dict[str, Share] = Field(default_factory=dict)
    """Path -> share of the rate; what is left is spread evenly."""


class AttestationEntry(Strict):
    """What only people can know, with its proof."""

    criterion: Text
    """Criterion that it is about."""
    kind: Kind
    """Kind of evidence, as in the hierarchy of evidence."""
    reference: Text
    """A path in the tree, a URL, or a ticket."""
    title: Text
    """What it is."""
    date: Day
    """Day that it was made or last confirmed."""
    who: Text
    """Who vouches for it."""
    sha256: Sha256 | None = None
    """Digest of the document behind a URL, so that it can be checked later."""
    commit: Commit | None = None
    """Commit that a dashboard is filtered to."""


class IncidentEntry(Strict):
    """An incident of the service."""

    id: Text
    """Its number or name."""
    severity: Severity
    """P0, the gravest, to P5."""
    opened: Moment
    """When it began: a day (UTC), or an instant with its zone, such as `2026-11-20T08:30:00Z`."""
    resolved: Moment | None = None
    """When it ended; absent while it is open."""
    dimensions: Items[Text] = ()
    """Dimensions that it maps to."""
    reference: str = ""
    """Where it is written up."""


class NotApplicableEntry(Strict):
    """A criterion that the service has no use for."""

    criterion: Text
    """The criterion."""
    reason: Text
    """Why."""
    who: Text
    """Who decided it."""
    since: Day
    """Day of the decision."""
    expires: Day
    """Last day that it holds: at most 180 days after `since`."""


class AcknowledgedEntry(Strict):
    """One known item of one check, accepted for a while."""

    item: Item
    """`criterion:item`, as the failure message prints it."""
    reason: Text
    """Why it is accepted."""
    who: Text
    """Who accepted it."""
    ticket: Text
    """Where it is followed up."""
    expires: Day
    """Last day that it holds."""


class SignOffSettings(Strict):
    """Whose sign-off counts, for levels of 4 and 5."""

    allowed_signers: TreePath = "audits/allowed_signers"
    """The reviewers' SSH keys, in ssh-keygen's format; read at the audited commit, never from the work tree."""
    allow_author: bool = False
    """Whether who made the audited commit may be its second reviewer."""


class EvidenceSettings(Strict):
    """How far answers are kept, and what is hidden in them."""

    keep_rows: bool | None = None
    """Whether rows and bodies of own statements are kept as they are; by default not in prod and canary."""
    patterns: Items[Regex] = ()
    """Regular expressions of further texts to be hidden."""


class Environment(Strict):
    """One of several environments."""

    kind: EnvironmentKind
    """What it is; only these four are understood."""
    formerly: Text | None = None
    """Its name in audits that were filed before, where it had another one: it is compared with those, and what they
    found is open in it."""
    targets: Targets = Targets()
    """Systems to be read, by name."""
    identities: dict[str, Identity] = Field(default_factory=dict)
    """Test identities of the service."""
    endpoints: Items[Endpoint] | None = None
    """Instead of the file's own."""
    pools: dict[str, Pool] | None = None
    """Instead of the file's own."""
    load: Load | None = None
    """Instead of the file's own."""
    build: Build | None = None
    """Instead of the file's own."""
    allow: Items[NeedName] | None = None
    """Instead of the file's own."""


class AuditFile(Strict):
    """The whole of audit.yaml."""

    version: Literal[1]
    """Version of this format."""
    service: str = ""
    """Name of the service."""
    environment: EnvironmentKind | None = None
    """What is audited, where there is one environment."""
    environments: Annotated[dict[str, Environment], Field(min_length=1)] | None = None
    """By name, where there are several (`--audit-env=NAME`)."""
    repository: Text = "."
    """The audited repository, relative to this file."""
    lead_auditor: str = ""
    """Who leads the audit."""
    second_reviewer: str = ""
    """Who reviews levels of 4 and 5."""
    distribution: str = ""
    """Who gets the scorecard."""
    prior_audit: str = ""
    """Reference of the audit before."""
    runbook: str = ""
    """Where the service's runbook is."""
    owners: dict[str, Text] = Field(default_factory=dict)
    """Dimension -> who owns its findings."""
    build: Build | None = None
    """How the service tells which build it runs."""
    standard: Text = "default"
    """`default`; `bundled`, the part of it that has bundled checks so far, which the card says; `none`; or the path of
    another standard's folder or file, relative to this file."""
    suites: Suites = "all"
    """Bundled suites to run: `all`, `none`, or a list of dimensions."""
    targets: Targets = Targets()
    """Systems to be read, by name."""
    endpoints: Items[Endpoint] = ()
    """Operations of the service, beside those of its OpenAPI document."""
    identities: dict[str, Identity] = Field(default_factory=dict)
    """Test identities of the service."""
    pools: dict[str, Pool] = Field(default_factory=dict)
    """Connection pools as the service's configuration declares them."""
    load: Load | None = None
    """The load under which the service is judged."""
    criteria: dict[str, Text] = Field(default_factory=dict)
    """Criteria of your own, beside the standard's -> what each is about."""
    sought: dict[str, LevelNumber] = Field(default_factory=dict)
    """Dimension -> highest level that is sought."""
    weights: dict[str, Weight] = Field(default_factory=dict)
    """Dimension -> weight in the total; 1 unless set."""
    thresholds: dict[str, Scalar] = Field(default_factory=dict)
    """Setting of the standard -> value instead of its default."""
    gate: Text | None = None
    """Least disposition for which a whole formal run exits with 0."""
    allow: Items[NeedName] = ()
    """What checks may do in prod and canary, where the command line allows it as well."""
    attestations: Items[AttestationEntry] = ()
    """What only people can know, with its proof."""
    incidents: Items[IncidentEntry] | None = None
    """Incidents of the service; an empty list says that there were none."""
    incidents_file: Text | None = None
    """A YAML or JSON file with more of them, relative to this file: a list, or a mapping with the key `incidents`."""
    not_applicable: Items[NotApplicableEntry] = ()
    """Criteria that the service has no use for."""
    acknowledged: Items[AcknowledgedEntry] = ()
    """Known items, accepted for a while."""
    leave_out: dict[str, Text] = Field(default_factory=dict)
    """Criterion whose bundled check is left out -> reason."""
    sign_off: SignOffSettings = SignOffSettings()
    """The second reviewer's sign-off: which keys count, and who may not."""
    evidence: EvidenceSettings = EvidenceSettings()
    """What is kept of what the systems answer."""
    timeouts: Timeouts = Timeouts()
    """Deadlines, in seconds."""
