"""Incidents that plugins tell of, by the hook ``pytest_audit_incidents``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_backend_audit.errors import AuditUsageError, ConfigError
from pytest_backend_audit.hooks import asking
from pytest_backend_audit.model import Incident, Policy
from pytest_backend_audit.standard.model import Standard

HOOK = "pytest_audit_incidents"
LIMIT = 1 << 20
"""Characters of the longest answer, as JSON."""
_FIELDS = ("id", "severity", "opened", "resolved", "dimensions", "reference")


def with_reported(
    policy: Policy, config: pytest.Config, service: str, standard: Standard | None
) -> tuple[Policy, tuple[str, ...]]:
    """The policy with the incidents of every plugin, and a sentence for each that is told more than once.

    Args:
        policy: What counts of audit.yaml.
        config: pytest's.
        service: Name of the audited service.
        standard: The standard whose dimensions incidents map to; None where there is none.

    Raises:
        AuditUsageError: A plugin failed, or its answer is not of the documented form; the message names it.
    """
    if not getattr(config.hook, HOOK).get_hookimpls():
        return policy, ()
    from pytest_backend_audit.config.incidents import joined  # noqa: PLC0415 - pydantic loads with it

    told = list(_told(config, service, standard))
    if not told:
        return policy, ()
    incidents, doubles = joined([*(policy.incidents or ()), *(i for group in told for i in group)])
    return replace(policy, incidents=incidents), doubles


def _told(config: pytest.Config, service: str, standard: Standard | None) -> Iterator[tuple[Incident, ...]]:
    """The answer of each plugin that has one."""
    manager = config.pluginmanager
    plugins = [impl.plugin for impl in getattr(config.hook, HOOK).get_hookimpls()]
    for plugin in plugins:
        others = [p for p in plugins if p is not plugin]
        with asking(HOOK):
            answers = manager.subset_hook_caller(HOOK, others)(config=config, service=service)
        for answer in answers:
            yield _read(answer, _name(str(manager.get_name(plugin) or type(plugin).__name__), config), standard)


def _name(name: str, config: pytest.Config) -> str:
    """A conftest by its path from rootdir, anything else as it was registered."""
    path = Path(name)
    if not path.is_absolute():
        return f"plugin {name}"
    return path.relative_to(config.rootpath).as_posix() if path.is_relative_to(config.rootpath) else path.name


def _read(answer: object, name: str, standard: Standard | None) -> tuple[Incident, ...]:
    from pytest_backend_audit.config.incident_file import of_entries  # noqa: PLC0415 - pydantic loads with it

    where = f"{HOOK} of {name}"
    if not isinstance(answer, list | tuple):
        raise AuditUsageError(f"{where}: returned {type(answer).__name__}; allowed: a list of incidents, or None")
    entries = [_plain(entry) for entry in answer]
    try:
        size = len(json.dumps(entries))
    except (TypeError, ValueError, RecursionError) as error:
        raise AuditUsageError(f"{where}: an incident holds what has no form in JSON: {error}") from None
    if size > LIMIT:
        raise AuditUsageError(f"{where}: more than {LIMIT:,} characters; tell of those that are open or recent")
    try:
        return of_entries(entries, where, name, datetime.now(UTC).date(), standard)
    except ConfigError as error:
        raise AuditUsageError(str(error)) from None


def _plain(entry: object) -> Any:
    """An incident as audit.yaml would have it."""
    if isinstance(entry, Incident):
        entry = {field: getattr(entry, field) for field in _FIELDS}
    if not isinstance(entry, Mapping):
        return entry
    return {str(key): _value(value) for key, value in entry.items()}


def _value(value: object) -> object:
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
