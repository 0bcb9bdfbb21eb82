"""Running some checks of an audit and no others: ``python -m pytest_backend_audit.cli.only '["ID", ...]' ARGUMENTS``.

Checks are chosen by their ids once everything is collected, so that the bundled ones can be chosen too and the plan is
whole. Each of them runs whole: a ``-k`` in addopts that leaves some of its parameters out is refused.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Collection, Generator

import pytest

from pytest_backend_audit.collect import PLAN, Collected
from pytest_backend_audit.errors import AuditUsageError
from pytest_backend_audit.moved import function_of
from pytest_backend_audit.narrowing import by_options

WHOLE = "a finding closes when the whole of its check passes:"


class Only:
    """A pytest plugin that sees to it that `Chosen` comes after the audit's own collector."""

    def __init__(self, ids: Collection[str]) -> None:
        self._ids = frozenset(ids)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Register it once the audit has begun."""
        if narrowed := by_options(config, tuple(config.getini("audit_paths"))):
            raise AuditUsageError(f"{WHOLE} take away {', '.join(narrowed)}, which addopts or PYTEST_ADDOPTS set")
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
            wanted = self._nodes(collected)
            items[:] = [i for i in items if i.nodeid in wanted]
            if missing := sorted(wanted.difference(i.nodeid for i in items)):
                raise AuditUsageError(
                    f"{WHOLE} {len(missing)} of their tests were deselected (-k, -m, --deselect, or a plugin), such as "
                    f"{missing[0]}"
                )
        return result

    def _nodes(self, collected: Collected) -> set[str]:
        """Node ids of the tests that the chosen checks are made of, by what their ids are where a file was moved."""
        planned = {check.id for check in collected.plan.checks}
        gone = {function_of(id_) for id_ in self._ids - planned}
        ids = self._ids | {id_ for id_ in planned if function_of(id_) in gone}
        ids -= set(collected.not_sought)
        return {node for node, checks in collected.plan.of_node.items() if ids.intersection(checks)}


def main() -> int:
    """Run pytest."""
    ids, *arguments = sys.argv[1:]
    # Workers would collect without us.
    alone = ["-n0"] if importlib.util.find_spec("xdist") else []
    return int(pytest.main([*arguments, *alone], plugins=[Only(json.loads(ids))]))


if __name__ == "__main__":
    sys.exit(main())
