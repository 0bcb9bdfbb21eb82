"""Where the parts of a stack are: what an audit of it, and tests of it, are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_backend_audit.demo.stack import pgbouncer, prometheus
from pytest_backend_audit.demo.stack.alertmanager import Alertmanager
from pytest_backend_audit.demo.stack.control import Control
from pytest_backend_audit.demo.stack.pgbouncer import PgBouncer
from pytest_backend_audit.demo.stack.postgres import Postgres
from pytest_backend_audit.demo.stack.prometheus import Prometheus
from pytest_backend_audit.demo.stack.proxy import FaultProxy
from pytest_backend_audit.demo.stack.replica import Replica
from pytest_backend_audit.demo.stack.service import Downstream, FrontDoor, Identities, Instance, Traffic, Worker
from pytest_backend_audit.demo.stack.valkey import Valkey


class Addresses:
    """The parts of a running stack, and where they are reached."""

    postgres: Postgres
    replica: Replica
    valkey: Valkey
    downstream: Downstream
    pooler: PgBouncer | None
    prometheus: Prometheus | None
    alertmanager: Alertmanager | None
    proxy: FaultProxy
    control: Control
    front: FrontDoor
    traffic: Traffic
    instances: list[Instance]
    worker: Worker
    identities: Identities
    defects: tuple[str, ...]
    """Names of the defects that are on."""

    @property
    def lacks(self) -> frozenset[str]:
        """Programs without which a part of it is not there."""
        parts = {"pgbouncer": self.pooler, "prometheus": self.prometheus, "prometheus-alertmanager": self.alertmanager}
        return frozenset(name for name, part in parts.items() if part is None)

    @property
    def dsn(self) -> str:
        """The database, for the monitoring role: pg_monitor, SELECT on the service's tables, read-only."""
        return self.postgres.dsn("audit_monitor")

    @property
    def replica_dsn(self) -> str:
        """The read replica, for the monitoring role."""
        return self.replica.dsn("audit_monitor")

    @property
    def admin_dsn(self) -> str:
        """The database, for its superuser. For tests that seed; an audit is never given it."""
        return self.postgres.admin_dsn

    @property
    def redis_url(self) -> str:
        """The cache, for a user who may read keys and look at the server."""
        return self.valkey.url("audit")

    @property
    def redis_admin_url(self) -> str:
        """The cache, for a user who may do everything."""
        return self.valkey.url("default")

    @property
    def pgbouncer_dsn(self) -> str | None:
        """The pooler's console, for a user of ``stats_users``; None where the machine has no PgBouncer."""
        return self.pooler.console_dsn if self.pooler else None

    @property
    def prometheus_url(self) -> str | None:
        """Prometheus; None where the machine has none."""
        return self.prometheus.url if self.prometheus else None

    @property
    def base_url(self) -> str:
        """The front door of the service."""
        return self.front.url

    @property
    def metrics_urls(self) -> list[str]:
        """``/metrics`` of each instance that serves."""
        return [f"{instance.url}/metrics" for instance in self.serving]

    @property
    def tokens(self) -> Mapping[str, str]:
        """Bearer tokens of alice (tenant acme), bob (tenant globex) and admin."""
        return self.identities.tokens

    @property
    def serving(self) -> list[Instance]:
        """The instances that the front door knows."""
        return self.instances[:1] if "multi-instance" in self.defects else self.instances

    def environment(self) -> dict[str, str]:
        """Everything above as the variables that the demo's audit.yaml asks for."""
        found = {
            "AUDIT_POSTGRES_DSN": self.dsn,
            "AUDIT_REPLICA_DSN": self.replica_dsn,
            # The way that the service goes, so that what it meets there is met by the audit too.
            "AUDIT_REDIS_URL": self.valkey.url("audit", port=self.proxy.ports["redis"]),
            "AUDIT_PGBOUNCER_DSN": self.pgbouncer_dsn or "",
            "AUDIT_PROMETHEUS_URL": self.prometheus_url or "",
            "AUDIT_BASE_URL": self.base_url,
            "AUDIT_FAULTS_URL": self.proxy.url,
            "STACK_CONTROL_URL": self.control.url,
            **{f"AUDIT_METRICS_{n}": f"{i.url}/metrics" for n, i in enumerate(self.serving, 1)},
        }
        tokens = {f"{name.upper()}_TOKEN": token for name, token in self.tokens.items()}
        return {name: value for name, value in {**found, **tokens}.items() if value}


def absent_variables(defects: Iterable[str] = ()) -> set[str]:
    """Variables of `Addresses.environment` that a stack with two instances does not give on this machine."""
    absent = {
        "AUDIT_PGBOUNCER_DSN": pgbouncer.program() is None,
        "AUDIT_PROMETHEUS_URL": prometheus.program() is None,
        "AUDIT_METRICS_2": "multi-instance" in set(defects),
    }
    return {name for name, missing in absent.items() if missing}
