"""Which keys are used most."""

from __future__ import annotations

import re
from collections.abc import Sequence

SHOWN = 10
_SERIES = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{[^}]*\})? +\S", re.MULTILINE)
_HOT = re.compile(r"(?:^|_)hot_?keys?(?:_|$)", re.IGNORECASE)


def hottest(kinds: Sequence[str], uses: Sequence[int]) -> str:
    """The kinds of the hottest keys, a line each.

    Args:
        kinds: Kind of each key.
        uses: OBJECT FREQ of each.
    """
    ranked = sorted(zip(uses, kinds, strict=True), key=lambda key: (-key[0], key[1]))
    return "\n".join(f"{use}: {kind}" for use, kind in ranked[:SHOWN])


def counting(policy: str, declared: str = "") -> str:
    """The policy that counts uses: the declared one, where it does; else the nearest to the present one.

    The nearest throws away nothing that the present one would keep.
    """
    if declared.endswith("-lfu"):
        return declared
    return "allkeys-lfu" if policy.startswith("allkeys-") else "volatile-lfu"


def telling(page: str) -> list[str]:
    """Names of series on a metrics page that speak of hot keys."""
    return sorted({name for name in _SERIES.findall(page) if _HOT.search(name)})
