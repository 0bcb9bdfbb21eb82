"""What an audit.yaml that is there says: how an audit is asked for, by which gate, and which keys are stated."""

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
    """What a workflow has to say too, and what nobody has to fill in any more."""

    environment: str = ""
    """The one that it asks for; empty where audit.yaml leaves no choice."""
    others: tuple[str, ...] = ()
    """The other ones of audit.yaml, where it does."""
    variables: tuple[str, ...] = ()
    """Those that its targets and identities are read from, there."""
    stated: frozenset[str] = frozenset()
    """Its keys that say something, `targets` also where an environment has them."""
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
        environment=names[0] if several else "",
        others=tuple(names[1:]) if several else (),
        variables=tuple(variables),
        stated=frozenset(_stated(document.data)),
        gate=_gate(path, document.data),
    )


def _stated(data: Mapping[str, Any]) -> Iterator[str]:
    """The keys with a value; an empty list is one, as it says that there are none."""
    blocks = data.get("environments")
    inner = blocks.values() if isinstance(blocks, dict) else ()
    if any(isinstance(block, dict) and block.get("targets") for block in inner):
        yield "targets"
    yield from (key for key, value in data.items() if value or isinstance(value, list))


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
