"""What came back of the tests that a run set out to execute: none of them gets lost without a word."""

from __future__ import annotations

from typing import Any

from pytest_backend_audit.collect import Collected
from pytest_backend_audit.jsonable import to_builtins
from pytest_backend_audit.model import Attempt, Status


class Heard:
    """Keeps the account, by pytest's node ids: of a parametrised check each instance must report."""

    def __init__(self) -> None:
        self._nodes: set[str] = set()
        self._checks: set[str] = set()
        self._early: dict[str, dict[str, list[dict[str, Any]]]] = {}
        """Node -> go at it -> attempts."""

    def attempt(self, data: dict[str, Any]) -> None:
        """Hear of an attempt."""
        self._nodes.add(data["instance"])
        self._checks.add(data["check"])

    def early(self, node: str, go: str, found: list[dict[str, Any]]) -> None:
        """Hear what a test has found before its teardown: enough, should its worker die there.

        A plugin that runs the test again may keep the teardown's report to itself; then there are two of them.
        """
        self._early.setdefault(node, {})[go] = found

    def take(self, node: str, but: str = "") -> list[dict[str, Any]]:
        """What was heard early of a test, which is over now, but of one go: of that more is known."""
        goes = self._early.pop(node, {})
        return [data for go, found in goes.items() if go != but for data in found]

    def unfinished(self) -> list[dict[str, Any]]:
        """What was heard early of tests whose end was never told."""
        found = [data for goes in self._early.values() for each in goes.values() for data in each]
        self._early.clear()
        return found

    def lost(self, collected: Collected) -> int:
        """Selected checks of which nothing was heard, or not of every instance."""
        return len(
            {c for n in self._silent(collected) for c in collected.plan.of_node[n]}.intersection(collected.selected)
        )

    def in_part(self, collected: Collected) -> list[dict[str, Any]]:
        """An attempt for each silent instance of a check that others were heard of; one that nobody heard needs none.

        Each by its name: a merge has to know which of them another run answered.
        """
        return [
            to_builtins(Attempt(check, node, Status.COULD_NOT_RUN, f"{node} was never reported"))
            for node in self._silent(collected)
            for check in collected.plan.of_node[node]
            if check in self._checks
        ]

    def _silent(self, collected: Collected) -> list[str]:
        return [node for node in collected.nodes if node not in self._nodes]
