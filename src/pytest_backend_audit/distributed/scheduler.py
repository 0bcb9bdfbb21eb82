"""A scheduler that lets no check begin before those of earlier phases have reported, and the last phase run alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pytest
from xdist.report import report_collection_diff
from xdist.workermanage import parse_tx_spec_config

from pytest_backend_audit.plan import Phase

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController


class Phased:
    """xdist's scheduling protocol in phases.

    Each phase but the last goes to all workers. For the last one all workers but one are shut down, and the one that is
    left gets its checks. No lock between workers is needed, and none can be forgotten.

    A worker starts a test only when it knows the next one, or that there is none. So at the end of a phase each worker
    is given one test of a later phase: it then runs the last one that it has, and keeps the new one until it is told
    what follows, which it is once all tests of earlier phases have reported. Likewise the last reader of the worker
    that stays waits until the others have reported, and then runs before the first check of the last phase.
    """

    def __init__(self, config: pytest.Config, phases: Callable[[], Mapping[str, Phase]]) -> None:
        """Begin without workers.

        Args:
            config: The controller's configuration.
            phases: Node id -> when the test runs; asked once, when collection is complete.
        """
        self.config = config
        self.numnodes = len(parse_tx_spec_config(config))
        self.collection: list[str] | None = None
        self._asked = phases
        self._phases: list[Phase] = []
        """Of each test, by its place in the collection."""
        self._collections: dict[WorkerController, list[str]] = {}
        self._running: dict[WorkerController, list[int]] = {}
        self._waiting: dict[Phase, list[int]] = {phase: [] for phase in Phase}
        self._ended: set[WorkerController] = set()
        """Workers that know that nothing follows."""

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
        return any(self._waiting.values()) or any(self._running.values())

    @property
    def tests_finished(self) -> bool:
        """Whether all that is left is what the workers hold already, and may start."""
        if not self.collection_is_completed or any(self._waiting.values()):
            return False
        return all(len(held) < 2 and not self._kept_back(held) for held in self._running.values())

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
        # One test alone has not been started yet, unless the worker knew that none follows.
        if not held or (len(held) == 1 and node not in self._ended):
            self._put_back(held)
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
            phases = self._asked()
            # What is in no plan is a test that nobody knows.
            self._phases = [phases.get(test, Phase.ALONE) for test in self.collection]
            self._put_back(range(len(self.collection)))
        self._feed()

    def _put_back(self, indices: Iterable[int]) -> None:
        for index in indices:
            self._waiting[self._phases[index]].append(index)

    def _open(self) -> Phase:
        """The earliest phase of which a test is waiting or held; tests of later ones may not start."""
        waiting = [phase for phase, tests in self._waiting.items() if tests]
        return min([*waiting, *(self._phases[n] for held in self._running.values() for n in held)], default=Phase.ALONE)

    def _kept_back(self, held: Sequence[int]) -> bool:
        """Whether a worker's last test may not start yet."""
        return bool(held) and self._phases[held[-1]] > self._open()

    def _feed(self) -> None:
        if self.collection is None:
            return
        alive = [n for n in self._running if not n.shutting_down]
        given = [True]
        while any(given):  # each in turn, so that what is left of a phase is shared by all
            given = [self._fill(node, len(alive)) for node in alive]
        if not alive or any(tests for phase, tests in self._waiting.items() if phase is not Phase.ALONE):
            return
        alone = self._waiting[Phase.ALONE]
        # The one that stays is one whose test has to wait longest, and of these the one with most left to do: nobody
        # waits for its last test, and the others are through soonest.
        stays = max(alive, key=lambda n: self._rank(self._running[n])) if alone else None
        for node in alive:
            if node is not stays and not self._kept_back(self._running[node]):
                self._end(node)
        if stays is None:
            return
        others_done = all(not held for node, held in self._running.items() if node is not stays)
        if others_done and len(self._running[stays]) <= 1:
            self._waiting[Phase.ALONE] = []
            self._send(stays, alone)
            self._end(stays)

    def _rank(self, held: Sequence[int]) -> tuple[int, int]:
        return (self._phases[held[-1]] if held else -1, len(held))

    def _end(self, node: WorkerController) -> None:
        self._ended.add(node)
        node.shutdown()

    def _fill(self, node: WorkerController, workers: int) -> bool:
        """Give a worker what it may have of the next tests; whether there was any."""
        held = self._running[node]
        now = next((phase for phase, tests in self._waiting.items() if tests), Phase.ALONE)
        # After a crash tests of an earlier phase may be waiting again: they are for a worker that holds no later one.
        if now is Phase.ALONE or len(held) >= 2 or (held and self._phases[held[-1]] > now):
            return False
        waiting = self._waiting[now]
        if now > self._open():
            # It is not started before the worker is told what follows.
            room = 0 if self._kept_back(held) else 1
        else:
            # A fraction of what is left keeps the workers equally busy to the end, and messages few before it.
            room = min(max(2, len(waiting) // workers // 4) - len(held), -(-len(waiting) // workers))
        given, self._waiting[now] = waiting[:room], waiting[room:]
        self._send(node, given)
        return bool(given)

    def _send(self, node: WorkerController, indices: list[int]) -> None:
        if indices:
            self._running[node].extend(indices)
            node.send_runtest_some(indices)
