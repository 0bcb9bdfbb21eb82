"""A phase's deadline, told by a signal that a watching thread sends."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
from collections.abc import Iterator

import pytest

from pytest_backend_audit.deadline import SIGNAL, Deadline, DeadlinePassed

SHORT = 0.05


@pytest.fixture
def deadline() -> Iterator[Deadline]:
    """A short one; the signal is given back."""
    before = signal.getsignal(SIGNAL)
    made = Deadline(SHORT)
    made.start()
    yield made
    made.stop()
    assert signal.getsignal(SIGNAL) == before


def test_a_read_that_hangs_is_ended(deadline: Deadline) -> None:
    """What no answer ends, the deadline ends: the check's "could not run"."""
    reader, writer = os.pipe()
    with (
        pytest.raises(DeadlinePassed, match=r"^deadline of the check passed: 0.05 s \(ini value audit_timeout\)$"),
        deadline,
    ):
        os.read(reader, 1)
    os.close(reader)
    os.close(writer)


def test_so_is_a_loop_without_end(deadline: Deadline) -> None:
    """It need not wait for anything."""
    with pytest.raises(DeadlinePassed), deadline:
        all(True for _ in iter(int, 1))


def test_between_two_blocks_nothing_is_interrupted(deadline: Deadline) -> None:
    """There pytest itself is at work; a signal that comes too late is heard by nobody."""
    with deadline:
        pass
    interrupted = ""
    try:
        signal.raise_signal(SIGNAL)
    except DeadlinePassed as error:
        interrupted = str(error)
    assert interrupted == ""


def test_each_block_has_all_its_time(deadline: Deadline) -> None:
    """A block that ended leaves nothing behind for the next; one that was ended neither."""
    for _ in range(2):
        with pytest.raises(DeadlinePassed), deadline:
            select.select([], [], [])
        with deadline:
            signal.raise_signal(SIGNAL)


def swallow() -> None:
    """Hang, and make nothing of the interruption."""
    with contextlib.suppress(BaseException):
        select.select([], [], [])


def raise_instead(other: BaseException) -> None:
    """Hang, and make something else of the interruption."""
    try:
        select.select([], [], [])
    except BaseException as error:
        raise other from error


def test_a_block_that_catches_the_interruption_ends_in_it_all_the_same(deadline: Deadline) -> None:
    """Whatever the block makes of it, nothing at all or an error of its own; the next block is free of it."""
    with pytest.raises(DeadlinePassed, match=r"^deadline of the check passed: 0.05 s"), deadline:
        swallow()
    with pytest.raises(DeadlinePassed) as caught, deadline:
        raise_instead(AssertionError("nothing came"))
    assert repr(caught.value.__cause__) == "AssertionError('nothing came')"
    with deadline:
        pass


def test_what_ends_the_whole_run_is_not_held_up(deadline: Deadline) -> None:
    """Ctrl-C stays Ctrl-C."""
    with pytest.raises(KeyboardInterrupt), deadline:
        raise_instead(KeyboardInterrupt())


def test_who_takes_the_signal_keeps_it() -> None:
    """A check that has a use for it is not interrupted by a stranger's handler, and gets no one's handler back."""
    mine = signal.getsignal(SIGNAL)
    deadline = Deadline(SHORT)
    deadline.start()
    try:
        heard: list[int] = []

        def hear(number: int, _frame: object) -> None:
            heard.append(number)

        signal.signal(SIGNAL, hear)
        with deadline:
            select.select([], [], [], 3 * SHORT)
        deadline.stop()
        assert signal.getsignal(SIGNAL) == hear
        assert heard == []
    finally:
        signal.signal(SIGNAL, mine)


def test_it_is_no_thread_of_the_checks() -> None:
    """Who counts threads doesn't count the one that watches, which ends a read all the same."""
    before = threading.enumerate()
    deadline = Deadline(SHORT)
    deadline.start()
    with pytest.raises(DeadlinePassed), deadline:
        select.select([], [], [])
    assert threading.enumerate() == before
    deadline.stop()


def test_none_is_no_deadline() -> None:
    """0 seconds means that a check may take as long as it likes."""
    before = signal.getsignal(SIGNAL)
    never = Deadline(0)
    never.start()
    with never:
        signal.raise_signal(signal.SIGURG)
    assert signal.getsignal(SIGNAL) == before
    never.stop()
