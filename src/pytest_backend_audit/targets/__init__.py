"""The systems that checks look at: one file each, the only place that imports its driver, loaded on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from pytest_backend_audit.runtime import runtime
from pytest_backend_audit.targets.common import settings_of

if TYPE_CHECKING:
    from pytest_backend_audit.runtime import Runtime

Factory = Callable[["Runtime", Any], Any]

TARGETS: Mapping[str, str] = {
    "postgres": "pytest_backend_audit.targets.postgres:open_postgres",
    "replica": "pytest_backend_audit.targets.postgres:open_replica",
    "pgbouncer": "pytest_backend_audit.targets.pgbouncer:open_pgbouncer",
    "redis": "pytest_backend_audit.targets.redis:open_redis",
    "http": "pytest_backend_audit.targets.http:open_http",
    "prometheus": "pytest_backend_audit.targets.prometheus:open_prometheus",
    "faults": "pytest_backend_audit.targets.faults.looking:look",
    "downstream": "pytest_backend_audit.targets.downstream.looking:look",
    "queues": "pytest_backend_audit.targets.queues:look",
}
"""Name in audit.yaml's ``targets`` -> ``module:function``, which takes the runtime and the target's settings."""


def open_target(config: pytest.Config, name: str) -> Any:
    """What the target's factory hands out, as the ``audit_*`` fixtures do; other plugins' targets included.

    Args:
        config: pytest's.
        name: The target's name in audit.yaml.

    Raises:
        CouldNotRun: audit.yaml doesn't name it, a variable of it is not set, or it can't be reached.
    """
    audit = runtime(config)
    settings = settings_of(audit, name)
    return _factory(config, name)(audit, settings)


def _factory(config: pytest.Config, name: str) -> Factory:
    if name in TARGETS:
        return _load(TARGETS[name])
    brought = {k: v for more in config.hook.pytest_audit_targets() for k, v in more.items()}
    found = brought[name]
    return _load(found) if isinstance(found, str) else found


def _load(path: str) -> Factory:
    module, _, function = path.partition(":")
    loaded: Factory = getattr(import_module(module), function)
    return loaded
