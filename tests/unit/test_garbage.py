"""How often Python's garbage collector looks through what pytest collects."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from pytest_backend_audit.garbage import SELDOM, seldom

PYTHONS_OWN = (700, 10, 10)


class Cycle:
    """What holds itself."""

    itself: Cycle


@pytest.fixture(autouse=True)
def as_python_has_it() -> Iterator[None]:
    """The collector of a process that has set nothing, and afterwards as it was."""
    before = gc.get_threshold()
    gc.set_threshold(*PYTHONS_OWN)
    yield
    gc.enable()
    gc.set_threshold(*before)
    gc.unfreeze()


def test_the_collector_looks_seldom_inside_and_as_before_afterwards() -> None:
    """The limit is high in the block only."""
    with seldom():
        assert gc.get_threshold() == (SELDOM, 10, 10)
    assert gc.get_threshold() == PYTHONS_OWN
    assert gc.isenabled()


def test_what_is_there_at_the_end_is_in_its_sight_and_old() -> None:
    """A check may look for what a service leaves behind; rounds over what is young pass it by."""
    with seldom():
        kept = [[]]
    assert gc.get_freeze_count() == 0
    assert any(each is kept for each in gc.get_objects(generation=2))


def test_garbage_that_was_made_inside_goes() -> None:
    """As it would have without us."""
    with seldom():
        cycle = Cycle()
        cycle.itself = cycle
        gone = weakref.ref(cycle)
        del cycle
    gc.collect()
    assert gone() is None


def test_what_was_set_inside_stays() -> None:
    """An application that is imported there may have limits of its own, or put its objects out of sight."""
    with seldom():
        gc.set_threshold(50_000, 20, 20)
    assert gc.get_threshold() == (50_000, 20, 20)
    gc.set_threshold(*PYTHONS_OWN)
    with seldom():
        theirs = [[]]
        gc.freeze()
    assert gc.get_threshold() == PYTHONS_OWN
    assert not any(each is theirs for each in gc.get_objects())


def test_an_error_inside_leaves_the_collector_as_it_was() -> None:
    """A collection that fails is no reason to look seldom from then on."""
    with pytest.raises(KeyboardInterrupt), seldom():
        raise KeyboardInterrupt
    assert gc.get_threshold() == PYTHONS_OWN


@pytest.mark.parametrize("own", [(0, 10, 10), (SELDOM, 5, 5), (1_000_000, 10, 10)])
def test_who_has_it_look_seldom_already_keeps_that(own: tuple[int, int, int]) -> None:
    """Zero means never; nothing is put out of sight either."""
    gc.set_threshold(*own)
    with seldom():
        assert gc.get_threshold() == own
    assert gc.get_threshold() == own
    assert gc.get_freeze_count() == 0


def test_a_collector_that_is_off_stays_off() -> None:
    """Neither its limits nor its state change."""
    gc.disable()
    with seldom():
        assert gc.get_threshold() == PYTHONS_OWN
    assert not gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_what_others_have_put_out_of_sight_stays_there() -> None:
    """As somebody does who forks; nor is anything added to it."""
    theirs = [[]]
    gc.freeze()
    with seldom():
        assert gc.get_threshold() == PYTHONS_OWN
        ours = [[]]
    assert any(each is ours for each in gc.get_objects())
    assert not any(each is theirs for each in gc.get_objects())
