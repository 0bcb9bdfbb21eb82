"""The scheduler against workers that behave as xdist's do, in whatever order they get on, and when they crash."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pytest_backend_audit.distributed.scheduler import Phased
from pytest_backend_audit.plan import Phase

TESTS = st.lists(st.sampled_from(Phase), max_size=14).map(sorted)


class Worker:
    """Starts a test once it knows the next one, or that there is none."""

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.shutting_down = False
        self.queue: list[int] = []
        self.running: int | None = None

    def send_runtest_some(self, indices: list[int]) -> None:
        """Take tests."""
        self.queue += indices

    def shutdown(self) -> None:
        """Hear that nothing follows."""
        self.shutting_down = True

    def start(self) -> int | None:
        """The test that begins now, if any."""
        if self.running is None and (len(self.queue) > 1 or (self.queue and self.shutting_down)):
            self.running = self.queue.pop(0)
            return self.running
        return None


class Run:
    """A whole run: what began, and beside what."""

    def __init__(self, phases: list[Phase], workers: int) -> None:
        self.tests = [f"t{n}" for n in range(len(phases))]
        self.phases = phases
        config: Any = SimpleNamespace(getvalue=lambda _: [f"{workers}*popen"])
        self.scheduler = Phased(config, lambda: dict(zip(self.tests, phases, strict=True)))
        self.workers: list[Worker] = []
        self.reported: list[int] = []
        self.crashed: list[int] = []
        self.most = 0
        for _ in range(workers):
            self.join()

    def join(self) -> None:
        """A worker that has collected."""
        worker: Any = Worker(f"gw{len(self.workers) + len(self.crashed)}")
        self.workers.append(worker)
        self.scheduler.add_node(worker)
        self.scheduler.add_node_collection(worker, self.tests)
        if self.scheduler.collection_is_completed:
            self.scheduler.schedule()

    def begin(self) -> None:
        """Let all workers begin what they may, and see that each test may begin."""
        for worker in self.workers:
            if (began := worker.start()) is None:
                continue
            done = {*self.reported, *self.crashed}
            phase = self.phases[began]
            assert all(n in done for n, other in enumerate(self.phases) if other < phase)
            beside = [w.running for w in self.workers if w is not worker and w.running is not None]
            assert phase is not Phase.ALONE or beside == []
            self.most = max(self.most, 1 + len(beside))

    def go(self, choose: Any, crashes: int = 0) -> None:
        """To the end; who gets on is chosen, and which of the running tests kill their worker."""
        while True:
            self.begin()
            busy = [w for w in self.workers if w.running is not None]
            if not busy:
                break
            worker: Any = choose(busy)
            if crashes and choose([True, False]):
                crashes -= 1
                # As xdist has it when it tells of the crash.
                worker.shutting_down = True
                self.workers.remove(worker)
                self.crashed.append(worker.running)
                assert self.scheduler.remove_node(worker) == self.tests[worker.running]
                self.begin()
                self.join()
            else:
                number, worker.running = worker.running, None
                self.reported.append(number)
                self.scheduler.mark_test_complete(worker, number)
            assert self.scheduler.tests_finished is False or all(w.shutting_down for w in self.workers)
        assert sorted(self.reported + self.crashed) == list(range(len(self.tests)))
        assert self.scheduler.tests_finished is True
        assert self.scheduler.has_pending is False
        assert all(w.shutting_down for w in self.workers)


@given(TESTS, st.integers(1, 5), st.data())
def test_no_test_begins_before_those_of_earlier_phases_have_reported(
    phases: list[Phase], workers: int, data: st.DataObject
) -> None:
    """Every test runs once, those of the last phase alone, and no worker waits for ever."""
    Run(phases, workers).go(lambda choices: data.draw(st.sampled_from(choices)))


@given(TESTS, st.integers(1, 4), st.integers(1, 3), st.data())
def test_a_crash_loses_its_test_alone_in_whatever_phase(
    phases: list[Phase], workers: int, crashes: int, data: st.DataObject
) -> None:
    """What the worker had besides is run by others, and never beside what it must not be beside."""
    Run(phases, workers).go(lambda choices: data.draw(st.sampled_from(choices)), crashes)


def test_workers_are_busy_in_each_phase_that_may_be_shared() -> None:
    """A phase has an end for all; within it nobody is idle while tests wait."""
    run = Run([*[Phase.WATCHING] * 3, *[Phase.BUNDLED] * 8, *[Phase.OWN] * 4, Phase.ALONE], 3)
    run.begin()
    assert [w.running for w in run.workers] == [0, 1, 2]
    run.go(lambda choices: choices[0])
    assert run.most == 3


def test_a_worker_that_is_killed_while_it_waits_has_lost_no_test() -> None:
    """The one that it was given in advance has not begun."""
    run = Run([Phase.BUNDLED, Phase.OWN], 2)
    run.begin()
    waiting = next(w for w in run.workers if w.running is None)
    waiting.shutting_down = True
    lost: Any = waiting
    run.workers.remove(waiting)
    assert run.scheduler.remove_node(lost) is None
    run.join()
    run.go(lambda choices: choices[0])
    assert sorted(run.reported) == [0, 1]
