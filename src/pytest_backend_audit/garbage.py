"""Python's garbage collector while pytest collects, which makes hundreds of thousands of objects that all stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 250_000
"""Objects made and not freed between two rounds of the collector; Python's own is 700. That many small ones are some
25 MB: what garbage in cycles may come to meanwhile."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Have the collector look seldom in the block, and no more at what is there at its end.

    By itself it looks through all objects again whenever a quarter has come to them. Of an audit of 5,000 checks in a
    fresh checkout, where pytest rewrites every file of tests, this took a quarter of the time. Whoever has switched it
    off, or has it look less often still, keeps that.
    """
    before = gc.get_threshold()
    if not gc.isenabled() or not 0 < before[0] < SELDOM:
        yield
        return
    gc.set_threshold(SELDOM, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.freeze()


def all_collected() -> None:
    """Have the collector look at everything again."""
    gc.unfreeze()
