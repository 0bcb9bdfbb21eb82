"""Python's garbage collector while pytest collects, which makes hundreds of thousands of objects that all stay."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 250_000
"""Objects made and not freed between two rounds of the collector; Python's own is 700. That many small ones are some
25 MB: what garbage in cycles may come to meanwhile."""


class Collector:
    """Has the collector look seldom for a while, and then no more at what is there until it is told to."""

    def __init__(self) -> None:
        self._froze = False

    @contextmanager
    def seldom(self) -> Iterator[None]:
        """Have it look seldom in the block, and no more at what is there at its end.

        By itself it looks through all objects again whenever a quarter has come to them. Of an audit of 5,000 checks in
        a fresh checkout, where pytest rewrites every file of tests, this took a quarter of the time. Whoever has
        switched it off, or has it look less often still, or has put things out of its sight already, keeps that.
        """
        before = gc.get_threshold()
        if not gc.isenabled() or not 0 < before[0] < SELDOM or gc.get_freeze_count():
            yield
            return
        gc.set_threshold(SELDOM, *before[1:])
        try:
            yield
        finally:
            gc.set_threshold(*before)
            gc.freeze()
            self._froze = True

    def undo(self) -> None:
        """Have it look at everything again, if it was us who kept it from that."""
        if self._froze:
            self._froze = False
            gc.unfreeze()
