"""A sign of life on a terminal, while a command works on a large run."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 2.0
"""Seconds that a command works without a word."""
EVERY = 1.0
"""Seconds between two words."""


@contextmanager
def waiting(what: str, patience: float = PATIENCE) -> Iterator[None]:
    """While the block runs: what goes on and for how long, on standard error, if that is a terminal.

    Nothing knows beforehand how long a card takes, so this counts seconds and promises no end.

    Args:
        what: What goes on: "computing the card".
        patience: Seconds before the first word.
    """
    stream = sys.stderr
    if not stream.isatty():
        yield
        return
    done, begun = threading.Event(), time.monotonic()

    def tell() -> None:
        pause, width = patience, 0
        while not done.wait(pause):
            text = f"{what}, {time.monotonic() - begun:.0f} s"
            width = max(width, len(text))
            stream.write(f"\r{text}")
            stream.flush()
            pause = EVERY
        if width:
            stream.write(f"\r{' ' * width}\r")
            stream.flush()

    teller = threading.Thread(target=tell, name="waiting", daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
