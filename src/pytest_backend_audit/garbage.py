"""Python's garbage collector while pytest collects, which makes hundreds of thousands of objects that all stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 250_000
"""Objects made and not freed between two rounds of the collector; Python's own is 700. That many small ones are some
25 MB: what garbage in cycles may come to meanwhile."""


@contextmanager
def seldom() -> Iterator[None]:
    """Have Python's collector look seldom in the block, and count what is there at its end as old.

    By itself it looks through all objects again whenever a quarter has come to them. Of an audit of 5,000 checks in a
    fresh checkout, where pytest rewrites every file of tests, this took a quarter of the time. Whoever has switched it
    off, or has it look less often still, or has put things out of its sight already, keeps that; so does whoever does
    so in the block. Afterwards checks find everything in its sight: they may look for what a service leaves behind.
    """
    before = gc.get_threshold()
    if not gc.isenabled() or not 0 < before[0] < SELDOM or gc.get_freeze_count():
        yield
        return
    ours = (SELDOM, *before[1:])
    gc.set_threshold(*ours)
    try:
        yield
    finally:
        if gc.get_threshold() == ours:
            gc.set_threshold(*before)
        if not gc.get_freeze_count():
            # Out of its sight and back: the way into the oldest generation that looks at nothing.
            gc.freeze()
            gc.unfreeze()
