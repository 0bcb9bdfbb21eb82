"""Running some checks of an audit and no others: ``python -m pytest_backend_audit.cli.only '["ID", ...]' ARGUMENTS``.

Checks are chosen by their ids once everything is collected, so that the bundled ones can be chosen too and the plan is
whole.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Collection, Generator

import pytest

from pytest_backend_audit.collect import PLAN


class Only:
    """A pytest plugin that sees to it that `Chosen` comes after the audit's own collector."""

    def __init__(self, ids: Collection[str]) -> None:
        self._ids = frozenset(ids)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Register it once the audit has begun."""
        config.pluginmanager.register(Chosen(self._ids))


class Chosen:
    """Takes away what was not chosen."""

    def __init__(self, ids: frozenset[str]) -> None:
        self._ids = ids

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None, object, object]:
        """Outermost: the plan is made when we look."""
        result = yield
        collected = config.stash.get(PLAN, None)
        if collected is not None:
            of_node = collected.plan.of_node
            items[:] = [i for i in items if self._ids.intersection(of_node.get(i.nodeid, ()))]
        return result


def main() -> int:
    """Run pytest."""
    ids, *arguments = sys.argv[1:]
    # Workers would collect without us.
    alone = ["-n0"] if importlib.util.find_spec("xdist") else []
    return int(pytest.main([*arguments, *alone], plugins=[Only(json.loads(ids))]))


if __name__ == "__main__":
    sys.exit(main())
