"""How often Python's garbage collector looks through what pytest collects."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from pytest_backend_audit.garbage import SELDOM, Collector

PYTHONS_OWN = (700, 10, 10)


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
    with Collector().seldom():
        assert gc.get_threshold() == (SELDOM, 10, 10)
    assert gc.get_threshold() == PYTHONS_OWN
    assert gc.isenabled()


def test_what_is_there_at_the_end_is_looked_at_no_more_until_the_run_is_over() -> None:
    """What was made in the block is out of the collector's sight, and comes back into it."""
    collector = Collector()
    with collector.seldom():
        kept = [[]]
    assert not any(each is kept for each in gc.get_objects())
    collector.undo()
    assert any(each is kept for each in gc.get_objects())
    assert gc.get_freeze_count() == 0


def test_an_error_inside_leaves_the_collector_as_it_was() -> None:
    """A collection that fails is no reason to look seldom from then on."""
    with pytest.raises(KeyboardInterrupt), Collector().seldom():
        raise KeyboardInterrupt
    assert gc.get_threshold() == PYTHONS_OWN


@pytest.mark.parametrize("own", [(0, 10, 10), (SELDOM, 5, 5), (1_000_000, 10, 10)])
def test_who_has_it_look_seldom_already_keeps_that(own: tuple[int, int, int]) -> None:
    """Zero means never; nothing is put out of sight either."""
    gc.set_threshold(*own)
    with Collector().seldom():
        assert gc.get_threshold() == own
    assert gc.get_threshold() == own
    assert gc.get_freeze_count() == 0


def test_a_collector_that_is_off_stays_off() -> None:
    """Neither its limits nor its state change."""
    gc.disable()
    with Collector().seldom():
        assert gc.get_threshold() == PYTHONS_OWN
    assert not gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_what_others_have_put_out_of_sight_stays_there() -> None:
    """As somebody does who forks; nor is anything added to it."""
    theirs = [[]]
    gc.freeze()
    collector = Collector()
    with collector.seldom():
        assert gc.get_threshold() == PYTHONS_OWN
        ours = [[]]
    assert any(each is ours for each in gc.get_objects())
    collector.undo()
    assert not any(each is theirs for each in gc.get_objects())
