"""The switches: well-known defects that the reference stack can be given, one by one, and freed of again.

The catalogue is data, a file per dimension beside this one; ``model`` says what an entry holds.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from pytest_backend_audit.demo.defects.catalogue import load
from pytest_backend_audit.demo.defects.model import Change, Defect, Remedy, Where, Witness

__all__ = ["CATALOGUE", "DEFAULT", "Change", "Defect", "Remedy", "Where", "Witness", "checked", "parse"]

CATALOGUE: Mapping[str, Defect] = {defect.name: defect for defect in load()}
"""Every defect by its name, in the standard's order."""

DEFAULT = (
    "foreign-key-indexes",
    "index-hygiene-duplicate",
    "eviction-policy",
    "idempotency-race",
    "authentication-open-path",
)
"""What the demo's service suffers from unless one asks otherwise."""


def parse(text: str) -> tuple[str, ...]:
    """The names in ``default``, ``none`` or ``name,name``.

    Raises:
        ValueError: A name that doesn't exist, or two that exclude each other; the message says which would do.
    """
    if text == "none":
        return ()
    if text == "default":
        return DEFAULT
    return checked(name.strip() for name in text.split(",") if name.strip())


def checked(names: Iterable[str]) -> tuple[str, ...]:
    """The names, each once, in the catalogue's order.

    Raises:
        ValueError: As for `parse`.
    """
    given = set(names)
    for name in sorted(given - CATALOGUE.keys()):
        close = difflib.get_close_matches(name, CATALOGUE, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(CATALOGUE)}"
        raise ValueError(f"no such defect: {name} ({hint})")
    wanted = tuple(name for name in CATALOGUE if name in given)
    for name in wanted:
        for other in wanted:
            if other in CATALOGUE[name].excludes:
                raise ValueError(f"{name} and {other} can't be on together")
    return wanted
