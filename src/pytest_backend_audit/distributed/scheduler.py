"""A scheduler that lets checks which disturb the audited system run last, alone and one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest
from xdist.report import report_collection_diff
from xdist.workermanage import parse_tx_spec_config

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController


class ReadersFirst:
    """xdist's scheduling protocol in two phases.

    Readers (checks that only read) go to all workers. Once every reader is done, all workers but one are shut down,
    and the one that is left gets the disturbing checks. No lock between workers is needed, and none can be forgotten.

    A worker starts a test only when it knows the next one, or that there is none. So the last reader of the worker
    that stays waits until the others have reported, and then runs before the first disturbing check.
    """

    def __init__(self, config: pytest.Config, disturbing: Callable[[], frozenset[str]]) -> None:
        """Begin without workers.

        Args:
            config: The controller's configuration.
            disturbing: Node ids of checks that do more than read; asked once, when collection is complete.
        """
        self.config = config
        self.numnodes = len(parse_tx_spec_config(config))
        self.collection: list[str] | None = None
        self._disturbing = disturbing
        self._collections: dict[WorkerController, list[str]] = {}
        self._running: dict[WorkerController, list[int]] = {}
        self._readers: list[int] = []
        self._disturbers: list[int] = []

    @property
    def nodes(self) -> list[WorkerController]:
        """Workers at hand."""
        return list(self._running)

    @property
    def collection_is_completed(self) -> bool:
        """Whether every worker of the start has collected."""
        return len(self._collections) >= self.numnodes

    @property
    def has_pending(self) -> bool:
        """Whether a test is waiting or running."""
        return bool(self._readers or self._disturbers) or any(self._running.values())

    @property
    def tests_finished(self) -> bool:
        """Whether all that is left is what the workers hold already."""
        if not self.collection_is_completed or self._readers or self._disturbers:
            return False
        return all(len(held) < 2 for held in self._running.values())

    def add_node(self, node: WorkerController) -> None:
        """Take a worker in."""
        self._running[node] = []

    def add_node_collection(self, node: WorkerController, collection: Sequence[str]) -> None:
        """Take a worker's collection; a late worker's must equal the first one's."""
        if self.collection is not None and list(collection) != self.collection:
            return
        self._collections[node] = list(collection)

    def mark_test_complete(self, node: WorkerController, item_index: int, duration: float = 0) -> None:  # noqa: ARG002
        """Hear of a finished test."""
        self._running[node].remove(item_index)
        self._feed()

    def mark_test_pending(self, item: str) -> None:
        """Put a test back, for plugins that rerun the tests of a crashed worker."""
        assert self.collection is not None
        self._put_back([self.collection.index(item)])
        self._feed()

    def remove_pending_tests_from_node(self, node: WorkerController, indices: Sequence[int]) -> None:  # noqa: ARG002
        """Take back tests that a worker handed back unstarted."""
        self._put_back(indices)
        self._feed()

    def remove_node(self, node: WorkerController) -> str | None:
        """Lose a worker; the test it died in, if any, is returned, and the others are given out again."""
        held = self._running.pop(node)
        self._collections.pop(node, None)
        # With fewer workers than at the start, those that are left count as all.
        self.numnodes = min(self.numnodes, max(len(self._collections), 1))
        if not held:
            self._feed()
            return None
        assert self.collection is not None
        crashed = self.collection[held[0]]
        self._put_back(held[1:])
        self._feed()
        return crashed

    def schedule(self) -> None:
        """Give out the first tests; called again when a worker joins late."""
        if self.collection is None:
            first, *others = self._collections.items()
            for node, collection in others:
                if difference := report_collection_diff(first[1], collection, first[0].gateway.id, node.gateway.id):
                    self.config.hook.pytest_collectreport(
                        report=pytest.CollectReport(node.gateway.id, "failed", difference, result=[])
                    )
                    for each in self.nodes:
                        each.shutdown()
                    return
            self.collection = first[1]
            disturbing = self._disturbing()
            self._put_back(range(len(self.collection)), disturbing)
        self._feed()

    def _put_back(self, indices: Sequence[int], disturbing: frozenset[str] | None = None) -> None:
        assert self.collection is not None
        disturbing = self._disturbing() if disturbing is None else disturbing
        for index in indices:
            (self._disturbers if self.collection[index] in disturbing else self._readers).append(index)

    def _feed(self) -> None:
        if self.collection is None:
            return
        alive = [n for n in self._running if not n.shutting_down]
        if self._readers:
            for node in alive:
                self._fill(node, len(alive))
        if self._readers or not alive:
            return
        if not self._disturbers:
            for node in alive:
                node.shutdown()
            return
        # The one that stays is the one with most left to do, so that the others are through soonest.
        stays = max(alive, key=lambda n: len(self._running[n]))
        for node in alive:
            if node is not stays:
                node.shutdown()
        others_done = all(not held for node, held in self._running.items() if node is not stays)
        if others_done and len(self._running[stays]) <= 1:
            self._send(stays, self._disturbers)
            self._disturbers = []
            stays.shutdown()

    def _fill(self, node: WorkerController, workers: int) -> None:
        held = self._running[node]
        if len(held) >= 2:
            return
        # A fraction of what is left keeps the workers equally busy to the end, and messages few before it.
        room = max(2, len(self._readers) // workers // 4) - len(held)
        given, self._readers = self._readers[:room], self._readers[room:]
        self._send(node, given)

    def _send(self, node: WorkerController, indices: list[int]) -> None:
        if indices:
            self._running[node].extend(indices)
            node.send_runtest_some(indices)
