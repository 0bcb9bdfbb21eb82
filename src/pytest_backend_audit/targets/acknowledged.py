"""Known items, accepted for a while: taken out of a check's result, in the open."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pytest_backend_audit.model import Acknowledged as Entry
    from pytest_backend_audit.runtime import Runtime

T = TypeVar("T")
Key = str | int | Callable[[Any], object] | None
NAMED = 20
"""Items that `Left.names` spells out."""


class Left(list[T]):
    """The items that nobody acknowledged; a list, with the names under which they could be."""

    def __init__(self, items: Iterable[T], identities: Iterable[str]) -> None:
        super().__init__(items)
        self._identities = tuple(identities)

    @property
    def names(self) -> str:
        """``criterion:item`` of each, ready to be pasted into audit.yaml's ``acknowledged``."""
        more = f" and {len(self._identities) - NAMED} more" if len(self._identities) > NAMED else ""
        return ", ".join(self._identities[:NAMED]) + more


class Acknowledging:
    """Takes acknowledged items out: ``audit_acknowledged(rows, key="constraint")``."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __call__(self, items: Iterable[T], key: Key = None) -> Left[T]:
        """The items that are left.

        Args:
            items: Rows, mappings, objects or texts.
            key: What names an item: a column, key or attribute, a position, or a function; by default the item itself.
        """
        criteria = dict.fromkeys(check.ladder for check in self._runtime.checks) or [""]
        valid = {e.item for e in self._entries() if e.expires >= self._runtime.instant[:10]}
        left: list[T] = []
        identities: list[str] = []
        for item in items:
            named = [f"{criterion}:{_name(item, key)}" for criterion in criteria]
            # One function may prove several criteria: what is accepted for one of them is not yet for the others.
            if missing := [identity for identity in named if identity not in valid]:
                left.append(item)
                identities += missing
            else:
                for identity in named:
                    self._runtime.recorder.acknowledge(identity)
        return Left(left, identities)

    def _entries(self) -> tuple[Entry, ...]:
        return self._runtime.config.policy().acknowledged if self._runtime.config is not None else ()


def _name(item: Any, key: Key) -> object:
    if key is None:
        return item
    if callable(key):
        return key(item)
    if isinstance(key, int) or isinstance(item, Mapping):
        return item[key]
    return getattr(item, key)
