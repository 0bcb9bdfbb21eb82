"""Errors at the end of wider-scoped fixtures: they land on an innocent test, and carry no scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


class WiderEnds:
    """Remembers what the ends of wider-scoped fixtures raised, to tell it from what a test's own teardown did."""

    def __init__(self) -> None:
        self._raised: list[BaseException] = []

    def watch(self, fixturedef: pytest.FixtureDef[Any]) -> None:
        """Note errors of the fixture's end, whenever that comes."""
        if "addfinalizer" in vars(fixturedef):
            return
        add = fixturedef.addfinalizer

        def watched(finalizer: Callable[[], object]) -> None:
            def end() -> None:
                try:
                    finalizer()
                except BaseException as error:
                    self._raised.append(error)
                    raise

            add(end)

        fixturedef.addfinalizer = watched  # type: ignore[method-assign]

    def apart(self, error: BaseException) -> tuple[list[BaseException], bool]:
        """Part the errors of a teardown, which pytest groups where there are several.

        Returns:
            Those of the test's own teardown, and whether any came from a wider-scoped fixture.
        """
        own, wide = self._part(error)
        self._raised.clear()
        return own, wide

    def _part(self, error: BaseException) -> tuple[list[BaseException], bool]:
        if any(error is wide for wide in self._raised):
            return [], True
        if not isinstance(error, BaseExceptionGroup):
            return [error], False
        parts = [self._part(member) for member in error.exceptions]
        return [e for own, _ in parts for e in own], any(wide for _, wide in parts)
