"""One check's deadline, told by the signal that its timer sends."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from pytest_backend_audit.deadline import Deadline, DeadlinePassed


@pytest.fixture
def deadline() -> Iterator[Deadline]:
    """One of an hour, which takes the signal; both are given back."""
    before = signal.getsignal(signal.SIGALRM)
    made = Deadline(3600)
    made.arm()
    yield made
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_the_signal_inside_the_block_ends_it(deadline: Deadline) -> None:
    """What the timer sends in a phase is the check's "could not run"."""
    with (
        pytest.raises(DeadlinePassed, match=r"^deadline of the check passed: 3600 s \(ini value audit_timeout\)$"),
        deadline,
    ):
        signal.raise_signal(signal.SIGALRM)


def test_the_signal_between_two_blocks_is_not_heard(deadline: Deadline) -> None:
    """Between two phases pytest itself is at work, which must not be interrupted."""
    with deadline:
        pass
    signal.raise_signal(signal.SIGALRM)
    assert signal.getitimer(signal.ITIMER_REAL)[0] > 0


def test_each_block_starts_the_timer_anew(deadline: Deadline) -> None:
    """A long set-up takes nothing from the call."""
    signal.setitimer(signal.ITIMER_REAL, 100)
    with deadline:
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 100


def test_disarmed_the_timer_stands_still(deadline: Deadline) -> None:
    """After a check nothing of it is left to go off in another's program."""
    with deadline:
        pass
    deadline.disarm()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_signal_is_taken_back_from_who_took_it(deadline: Deadline) -> None:
    """A check, or another plugin, may have put its own handler there."""
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    deadline.arm()
    with pytest.raises(DeadlinePassed), deadline:
        signal.raise_signal(signal.SIGALRM)


def test_none_is_no_timer() -> None:
    """0 seconds means that a check may take as long as it likes."""
    never = Deadline(0)
    never.arm()
    with never:
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
