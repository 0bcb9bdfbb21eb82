"""The ``audit_*`` fixtures: thin doors to the targets, which load on first use."""

# ruff: noqa: PLC0415 - each fixture loads what it hands out, so that a check pays for nothing else

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit import asked
from pytest_backend_audit.runtime import runtime

if TYPE_CHECKING:
    import httpx
    import psycopg
    import redis

    from pytest_backend_audit.baseline import Baseline
    from pytest_backend_audit.runtime import Runtime
    from pytest_backend_audit.targets.acknowledged import Acknowledging
    from pytest_backend_audit.targets.attestation import Attestations
    from pytest_backend_audit.targets.budget import QueryBudget
    from pytest_backend_audit.targets.command import Command
    from pytest_backend_audit.targets.declared import Declared
    from pytest_backend_audit.targets.downstream import Downstream
    from pytest_backend_audit.targets.endpoints import Endpoints
    from pytest_backend_audit.targets.evidence import ByHand, RunView
    from pytest_backend_audit.targets.faults import Faults
    from pytest_backend_audit.targets.load import Load
    from pytest_backend_audit.targets.prometheus import Prometheus
    from pytest_backend_audit.targets.queues import Queues
    from pytest_backend_audit.targets.settings import Settings
    from pytest_backend_audit.targets.source import Source
    from pytest_backend_audit.targets.window import Windows


class Fixtures:
    """The fixtures of one run, registered as a plugin: an instance of a subclass that knows the run's configuration.

    They are methods and ask for no fixture of pytest's: one that asks for ``pytestconfig`` asks for ``request``, and
    pytest makes that anew, signature and all, for each test, also where the fixture itself is the session's. They are
    the class's, as pytest wants no instance behind a fixture that outlives a test.
    """

    _config: pytest.Config
    """Knows the audit once one is on."""

    @classmethod
    def of(cls, config: pytest.Config) -> Fixtures:
        """Those of the run with this configuration."""
        made: Fixtures = type(cls.__name__, (cls,), {"_config": config})()
        return made

    @classmethod
    def _runtime(cls) -> Runtime:
        return runtime(cls._config)

    @pytest.fixture
    @classmethod
    def audit_postgres(cls) -> psycopg.Connection[Any]:
        """A psycopg connection to targets.postgres that records; autocommit and read-only.

        ``audit_postgres.execute("SHOW max_connections").fetchone()``
        """
        from pytest_backend_audit.targets import open_target

        made: psycopg.Connection[Any] = open_target(cls._config, "postgres")
        return made

    @pytest.fixture
    @classmethod
    def audit_postgres_connect(cls) -> Iterator[Callable[..., psycopg.Connection[Any]]]:
        """More psycopg connections: ``audit_postgres_connect(target="replica")``; closed at the check's end.

        With ``read_only=False`` the check must be marked ``needs=("writes",)``.
        """
        opened: list[psycopg.Connection[Any]] = []

        def connect(target: str = "postgres", **kwargs: Any) -> psycopg.Connection[Any]:
            from pytest_backend_audit.targets import postgres

            made = postgres.connect(cls._runtime(), target, **kwargs)
            opened.append(made)
            return made

        yield connect
        for connection in opened:
            connection.close()

    @pytest.fixture
    @classmethod
    def audit_pgbouncer(cls) -> psycopg.Connection[Any]:
        """PgBouncer's console: ``audit_pgbouncer.execute("SHOW POOLS").fetchall()``."""
        from pytest_backend_audit.targets import open_target

        made: psycopg.Connection[Any] = open_target(cls._config, "pgbouncer")
        return made

    @pytest.fixture(scope="session")
    @classmethod
    def audit_redis(cls) -> redis.Redis:
        """A redis.Redis on targets.redis that records, and sends reads only: ``audit_redis.info("stats")``."""
        from pytest_backend_audit.targets import open_target

        made: redis.Redis = open_target(cls._config, "redis")
        return made

    @pytest.fixture
    @classmethod
    def audit_http(cls) -> Iterator[httpx.Client]:
        """An httpx.Client on targets.http.base_url that records: ``audit_http.get("/healthz").status_code``."""
        from pytest_backend_audit.targets import open_target

        with open_target(cls._config, "http") as client:
            yield client

    @pytest.fixture
    @classmethod
    def audit_identity(cls) -> Iterator[Callable[[str], httpx.Client]]:
        """A client as a declared test identity: ``audit_identity("alice").get("/v1/orders")``."""
        clients: list[httpx.Client] = []

        def identity(name: str) -> httpx.Client:
            from pytest_backend_audit.targets.common import settings_of
            from pytest_backend_audit.targets.http import open_identity

            audit = cls._runtime()
            made = open_identity(audit, settings_of(audit, "http"), name)
            clients.append(made)
            return made

        yield identity
        for client in clients:
            client.close()

    @pytest.fixture
    @classmethod
    def audit_prometheus(cls) -> Prometheus:
        """Reads targets.prometheus: ``.query("up")``, ``.rules()``, ``.series_counts()``."""
        from pytest_backend_audit.targets import open_target

        made: Prometheus = open_target(cls._config, "prometheus")
        return made

    @pytest.fixture(scope="session")
    @classmethod
    def audit_endpoints(cls) -> Endpoints:
        """The service's operations, of its OpenAPI document and of audit.yaml.

        ``for endpoint in audit_endpoints: audit_http.request(endpoint.method, endpoint.url())``
        """
        from pytest_backend_audit.targets.endpoints import endpoints

        return endpoints(cls._runtime())

    @pytest.fixture(scope="session")
    @classmethod
    def audit_command(cls) -> Command:
        """Runs a tool without a shell: ``audit_command(["gitleaks", "git", "--no-banner"], timeout=120)``.

        A missing tool, a deadline that passed and endless output are "could not run"; other exit statuses are the
        check's to judge.
        """
        from pytest_backend_audit.targets.command import Command

        return Command(cls._runtime())

    @pytest.fixture(scope="session")
    @classmethod
    def audit_source(cls) -> Source:
        """The tree at the audited commit, from git objects.

        ``.files("**/*.sql")``, ``.read(path)``, ``.grep(regex, "**/*.py")``, ``.reference(path, 12)``,
        ``.export(paths, folder)``
        """
        from pytest_backend_audit.targets.source import Source

        return Source(cls._runtime())

    @pytest.fixture(scope="session")
    @classmethod
    def audit_window(cls) -> Windows:
        """Two readings of counters, with enough traffic between them.

        With ``read = lambda: audit_redis.info("stats")``:
        ``with audit_window(read, traffic=["keyspace_hits"], at_least=100) as window: ...``, and then
        ``window.delta["keyspace_hits"]``.
        """
        from pytest_backend_audit.targets.window import Windows

        runtime = cls._runtime()
        return Windows(runtime.recorder, opened=runtime.opened)

    @pytest.fixture
    @classmethod
    def audit_query_budget(cls) -> QueryBudget:
        """Counts the statements that a block costs the database: by pg_stat_statements, or in this process.

        ``with audit_query_budget(limit=endpoint.budget, what=str(endpoint)): audit_http.get(endpoint.url())``; with
        ``of=django.db.connection`` or ``of=engine`` (SQLAlchemy) what that sends, and no database need be configured.
        """
        from pytest_backend_audit.targets import open_target
        from pytest_backend_audit.targets.budget import QueryBudget

        return QueryBudget(cls._runtime(), lambda: open_target(cls._config, "postgres"))

    @pytest.fixture(scope="session")
    @classmethod
    def audit_load(cls) -> Load:
        """Sends requests at a constant rate, each timed from when it was due; the check is marked ``needs=("load",)``.

        ``audit_load.run(endpoint, rate=20, seconds=10).p99`` in seconds,
        ``audit_load.burst(200, endpoint).concurrency``, and
        ``with audit_load.background(endpoint, 20, 30) as load: ...``, then ``load.done``.
        """
        from pytest_backend_audit.targets.load import Load

        return Load(cls._runtime())

    @pytest.fixture(scope="session")
    @classmethod
    def audit_faults(cls) -> Faults:
        """Sets faults on the way to what the service depends on; the check is marked ``needs=("faults",)``.

        ``with audit_faults.latency("redis", 5): ...``, ``.hang("redis")``, ``.refuse("postgres")``,
        ``.loss("pricing", 0.3)``, ``.restart("postgres")``; ``audit_faults.dependencies`` names them all.
        """
        from pytest_backend_audit.targets.faults import Faults

        return Faults(cls._runtime(), asked.report_folder(cls._config))

    @pytest.fixture(scope="session")
    @classmethod
    def audit_downstream(cls) -> Downstream:
        """A listener of the audit's own, in the place of something that the service calls.

        ``with audit_downstream() as heard: ...``, then ``heard.arrivals``, ``heard.connections``,
        ``heard.arrivals[0].header("traceparent")``; ``audit_downstream(status=503)`` answers so instead of handing on.
        Through the fault proxy of a dependency the check is marked ``needs=("faults",)``.
        """
        from pytest_backend_audit.targets.downstream import Downstream

        return Downstream(cls._runtime(), asked.report_folder(cls._config))

    @pytest.fixture(scope="session")
    @classmethod
    def audit_queues(cls) -> Queues:
        """What waits in the queues that audit.yaml declares (targets.queues), and for how long.

        ``audit_queues.read("outbox").depth``, ``.oldest`` in seconds; ``audit_queues.names`` has them all.
        """
        from pytest_backend_audit.targets import open_target
        from pytest_backend_audit.targets.queues import Queues

        return Queues(cls._runtime(), lambda: open_target(cls._config, "postgres"))

    @pytest.fixture(scope="session")
    @classmethod
    def audit_settings(cls) -> Settings:
        """Thresholds, each with its origin and its direction.

        ``limit = audit_settings.value("cache-hit-ratio")``, then ``limit.number``, and in a message ``{limit}``.
        """
        from pytest_backend_audit.targets.settings import Settings

        return Settings(cls._runtime())

    @pytest.fixture(scope="session")
    @classmethod
    def audit_declared(cls) -> Declared:
        """What audit.yaml says of a system, to be compared with what is seen.

        ``audit_declared("targets.http.metrics")``; nothing declared is "could not run", unless a default is given.
        ``audit_declared.origin("targets.http.metrics")`` is ``audit.yaml:LINE``.
        """
        from pytest_backend_audit.targets.declared import Declared

        return Declared(cls._runtime())

    @pytest.fixture(scope="session")
    @classmethod
    def audit_acknowledged(cls) -> Acknowledging:
        """Takes out what audit.yaml acknowledges.

        ``left = audit_acknowledged(rows, key="constraint")``; ``left.names`` can be pasted into audit.yaml.
        """
        from pytest_backend_audit.targets.acknowledged import Acknowledging

        return Acknowledging(cls._runtime())

    @pytest.fixture(scope="session")
    @classmethod
    def audit_attestation(cls) -> Attestations:
        """A validated record of audit.yaml; none is a failed check.

        ``audit_attestation("dr-drill", within=92).date``
        """
        from pytest_backend_audit.targets.attestation import Attestations

        return Attestations(cls._runtime())

    @pytest.fixture
    @classmethod
    def audit_baseline(cls) -> Baseline | None:
        """What the audit of ``--audit-prior`` recorded for this check, or None.

        A check keeps values for the next audit by ``audit_evidence.keep("latency", {"p99": 0.21})``, and finds them in
        ``audit_baseline.kept["latency"]``; ``audit_baseline.source`` is for messages.
        """
        audit = cls._runtime()
        if audit.baselines is None or audit.check is None:
            return None
        return audit.baselines.of(audit.check.id)

    @pytest.fixture(scope="session")
    @classmethod
    def audit_evidence(cls) -> ByHand:
        """Evidence by hand, for what no other fixture sees.

        ``audit_evidence.command("ss -s", output)``, ``.query``, ``.dashboard``, ``.postmortem``, ``.load``, ``.code``,
        ``.document``, ``.verbal``; and for the next audit to compare with, ``.keep(name, value)``
        """
        from pytest_backend_audit.targets.evidence import ByHand

        return ByHand(cls._runtime())

    @pytest.fixture(scope="session")
    @classmethod
    def audit_run(cls) -> RunView:
        """The run, read-only: ``audit_run.commit``, ``.instant``, ``.environment_kind``, ``.document``."""
        from pytest_backend_audit.targets.evidence import run_view

        return run_view(cls._runtime())
