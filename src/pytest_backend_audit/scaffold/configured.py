"""What an audit.yaml that is there says of how an audit is asked for: where, with which variables, by which gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_backend_audit import standard, yamlnodes
from pytest_backend_audit.config.audit_config import standard_source
from pytest_backend_audit.config.variables import fill
from pytest_backend_audit.errors import StandardError

if TYPE_CHECKING:
    from pathlib import Path

GATE = "significant-technical-debt"
"""The lowest disposition of the default standard that a run can be held to."""
_OURS = frozenset({"default", "bundled", "none"})
"""Values of the key ``standard`` that name none of the team's own."""
_OF_PRODUCTION = frozenset({"prod", "canary"})


@dataclass(frozen=True, slots=True)
class Configured:
    """What a workflow has to say too."""

    environment: str = ""
    """The one that it asks for; empty where audit.yaml leaves no choice."""
    others: tuple[str, ...] = ()
    """The other ones of audit.yaml, where it does."""
    variables: tuple[str, ...] = ()
    """Those that its targets and identities are read from, there."""
    gate: str = GATE
    """The lowest disposition that a run can be held to, by the standard that audit.yaml names."""


def read(path: Path) -> Configured | None:
    """Look into an audit.yaml; None where there is none, or it can't be read: the audit says what is wrong with it."""
    try:
        document = yamlnodes.read(path)
    except (OSError, yamlnodes.YamlError):
        return None
    if not isinstance(document.data, dict):
        return None
    blocks = document.data.get("environments")
    names = list(_in_order(blocks)) if isinstance(blocks, dict) else []
    filled = fill(document, {}, environment=names[0] if names else None, formal=False)
    variables = dict.fromkeys(name for found in filled.unset.values() for name in found)
    several = len(names) > 1
    return Configured(
        names[0] if several else "", tuple(names[1:]) if several else (), tuple(variables), _gate(path, document.data)
    )


def _gate(path: Path, data: Mapping[str, Any]) -> str:
    """The lowest disposition of audit.yaml's standard for which no sign-off is needed, and that a run may miss.

    That of the default standard where none of its own is named, or it can't be read, as one that a plugin brings.
    """
    named = data.get("standard")
    if not isinstance(named, str) or named in _OURS:
        return GATE
    try:
        dispositions = standard.load(standard_source(path, named)).dispositions
    except (OSError, StandardError):
        return GATE
    return next((d.id for d in reversed(dispositions) if not d.needs_sign_off and d.floor is not None), GATE)


def _in_order(blocks: Mapping[str, Any]) -> Iterator[str]:
    """The names of environments: those of production, in which nothing should be tried out, last."""

    def of_production(name: str) -> bool:
        block = blocks[name]
        return isinstance(block, dict) and block.get("kind") in _OF_PRODUCTION

    yield from sorted(blocks, key=of_production)
