"""Evidence that reaches a check without its asking: that of an autouse fixture in a conftest or a plugin."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pytest


def unasked(item: pytest.Item, recorded: Collection[pytest.FixtureDef[Any]]) -> list[str]:
    """Fixtures that recorded evidence for a check, if it asks for none of them.

    Args:
        item: The check.
        recorded: Every fixture that has recorded something when it was set up.

    Returns:
        Their names. None where the check asks for one of them, itself or by another fixture, or where one is of its own
        class or module: who wrote the check put it there.
    """
    info = getattr(item, "_fixtureinfo", None)
    if info is None:
        return []
    # By ``request.getfixturevalue``, while the check ran: those are in no closure.
    ran: Mapping[str, Any] = getattr(getattr(item, "_request", None), "_fixture_defs", {})
    if any(name not in info.name2fixturedefs and definition in recorded for name, definition in ran.items()):
        return []
    asked = set(_asked(info, [*info.argnames, *_used(item)]))
    found = []
    for name, definitions in info.name2fixturedefs.items():
        there = [d for d in definitions if d in recorded]
        if there and (name in asked or any(".py" in d.baseid for d in there)):
            return []
        found += [name] if there else []
    return found


def _used(item: pytest.Item) -> Iterator[str]:
    for mark in item.iter_markers("usefixtures"):
        yield from map(str, mark.args)


def _asked(info: Any, names: list[str]) -> Iterator[str]:
    left, seen = list(names), set[str]()
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            yield name
            for definition in info.name2fixturedefs.get(name, ()):
                left.extend(definition.argnames)


__all__ = ["unasked"]
